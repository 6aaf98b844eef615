"""Decides allow, deny or review by a Cedar policy set; whatever goes wrong inside is a deny."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import cedarpy
import msgspec

from glasshatch.identity import Identity

from .facts import Asked, asked_of, granted_by, resource_key, statement_asked, statement_key
from .model import Ask, Decision, Effect, ResourceFacts
from .sources import Rule, Source, find_sources, hash_sources, read_rules

_CACHED_DECISIONS = 4096
_CACHED_NAMES = 200


class PolicySet:
    """A loaded set of policies. It never changes: a new text is a new set with a new hash.

    Attributes:
        name: The shipped set's or the file's name.
        hash: SHA-256 of the exact text; stands in every decision.
    """

    def __init__(self, name: str, sources: tuple[Source, ...]) -> None:
        self.name = name
        self.hash = hash_sources(sources)
        self._cedar, self._firm, self._rules = read_rules(sources)
        self._held: OrderedDict[Hashable, Decision] = OrderedDict()

    @classmethod
    def load(cls, source: str | Path) -> PolicySet:
        """Load a shipped set by name, a `.cedar` file, or a folder of them.

        Raises:
            ConfigError: Names the file, the line and what is wrong; nothing is loaded.
        """
        return cls(*find_sources(source))

    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order of the text."""
        return tuple(sorted(self._rules.values(), key=lambda rule: rule.order))

    def authorise(self, actor: Identity, resource: ResourceFacts, decision_id: str = "") -> Decision:
        """May this actor open a session there?"""
        key = ("session.open", actor, *resource_key(resource))
        decision = self._held_or(key, lambda: asked_of(actor, resource, "session.open", {}))
        return msgspec.structs.replace(decision, id=decision_id)

    def decide(self, ask: Ask, decision_id: str = "") -> Decision:
        """May this statement run? The decision carries a grant if it rests on one."""
        grant = granted_by(ask)
        covered = grant.verbs if grant is not None else ()
        # A client chooses how many names its statement has; it must not choose our memory.
        keep = len(ask.statement.columns) + len(ask.statement.resources) <= _CACHED_NAMES
        decision = self._held_or(
            statement_key(ask, covered), lambda: statement_asked(ask, covered), keep=keep
        )
        grant_id = grant.id if grant is not None and decision.effect == "allow" else ""
        return msgspec.structs.replace(decision, id=decision_id, grant_id=grant_id)

    def _held_or(self, key: Hashable, asked: Callable[[], Asked], *, keep: bool = True) -> Decision:
        """The decision for equal facts; a grant that ends changes the facts, and so the key."""
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
            return held
        request, entities = asked()
        held = self._evaluate(request, json.dumps(entities))
        if keep:
            self._held[key] = held
        if len(self._held) > _CACHED_DECISIONS:
            self._held.popitem(last=False)
        return held

    def _evaluate(self, request: dict[str, Any], entities: str) -> Decision:
        decision = self._ask_cedar(self._cedar, request, entities)
        if decision.effect != "review":
            return decision
        # A forbid outweighs every permit, so whether anything permits it must be asked without the
        # reviews: nobody may approve for an actor what no rule permits that actor.
        beneath = self._ask_cedar(self._firm, request, entities)
        return decision if beneath.effect == "allow" else beneath

    def _ask_cedar(self, policies: cedarpy.PolicySet, request: dict[str, Any], entities: str) -> Decision:
        try:
            handle = cedarpy.Entities.from_json_str(entities)
            result = cedarpy.is_authorized(request, policies, handle)
        except Exception:
            # Cedar refuses what it cannot read; nobody passes because of that.
            return self._decision("deny", "policy.error", "the policy could not be evaluated")
        if result.diagnostics.errors:
            return self._decision("deny", "policy.error", "a rule of the policy failed in evaluation")
        matched = sorted(
            (self._rules[reason] for reason in result.diagnostics.reasons), key=lambda rule: rule.order
        )
        return self._conclude(result.decision is cedarpy.Decision.Allow, matched)

    def _conclude(self, allowed: bool, matched: list[Rule]) -> Decision:
        """A plain forbid outweighs a forbid that asks for review; without any match nothing is permitted."""
        if not matched:
            return self._decision("deny", "policy.default", "no rule permits this to anyone with these roles")
        rule = next((rule for rule in matched if rule.effect == "deny"), matched[0])
        if allowed != (rule.effect == "allow"):
            return self._decision("deny", "policy.error", "the policy gave contradictory answers")
        return self._decision(rule.effect, rule.name, rule.reason)

    def _decision(self, effect: Effect, rule: str, reason: str) -> Decision:
        return Decision(id="", effect=effect, rule=rule, reason=reason, policy_hash=self.hash)
