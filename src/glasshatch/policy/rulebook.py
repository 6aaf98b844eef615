"""A parsed policy text, asked one question at a time; whatever goes wrong inside is a deny."""

from __future__ import annotations

import json
from typing import Any

import cedarpy
import msgspec

from .model import Effect
from .sources import STATEMENTS, Kind, Rule, Source, hash_sources, read_rules


class Verdict(msgspec.Struct, frozen=True):
    """An answer, and the rule that gave it."""

    effect: Effect
    rule: str
    reason: str


class Residue(msgspec.Struct, frozen=True):
    """What is left of a rule once it is known who asks; `body` is Cedar's JSON of its condition."""

    rule: Rule
    permits: bool
    body: Any


class Rulebook:
    """The rules of one text. It never changes: a new text is a new book with a new hash.

    Attributes:
        name: The shipped set's or the file's name.
        hash: SHA-256 of the exact text; stands in every decision.
        persons: For which actions it asks who somebody is.
    """

    def __init__(self, name: str, sources: tuple[Source, ...], kind: Kind = STATEMENTS) -> None:
        """Parse it.

        Raises:
            ConfigError: Names the file, the line and what is wrong; nothing is loaded.
        """
        self.name = name
        self.hash = hash_sources(sources)
        self._cedar, self._firm, self._rules, self.persons = read_rules(sources, kind)

    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order of the text."""
        return tuple(sorted(self._rules.values(), key=lambda rule: rule.order))

    def judge(self, request: dict[str, Any], entities: list[dict[str, Any]]) -> Verdict:
        """Allow, deny or review, and by which rule."""
        found = self._ask(self._cedar, request, entities)
        if found.effect != "review":
            return found
        # A forbid outweighs every permit, so whether anything permits it must be asked without the
        # reviews: nobody may approve for an actor what no rule permits that actor.
        beneath = self._ask(self._firm, request, entities)
        return found if beneath.effect == "allow" else beneath

    def residues(self, request: dict[str, Any], entities: list[dict[str, Any]]) -> list[Residue]:
        """What the rules still ask of a resource that is not known yet; `request` names none.

        Raises:
            ValueError: Cedar cannot tell. Its partial evaluation is experimental; tests compare each answer
                that is made of this with a whole evaluation.
        """
        found = cedarpy.is_authorized_partial(request, self._cedar, json.dumps(entities))
        if found.diagnostics.errors:
            raise ValueError("a rule of the policy failed in evaluation")
        left = [self._residue(policy["annotations"]["id"], policy) for policy in found.residuals.values()]
        return sorted(left, key=lambda one: one.rule.order)

    def _residue(self, name: str, policy: dict[str, Any]) -> Residue:
        conditions = policy["conditions"]
        if any(policy[part].get("op") != "All" for part in ("principal", "action", "resource")):
            raise ValueError("the residue of a rule has a scope")
        body: Any = {"Value": True}
        for condition in conditions:
            part = condition["body"] if condition["kind"] == "when" else {"!": {"arg": condition["body"]}}
            body = {"&&": {"left": body, "right": part}}
        return Residue(self._rules[name], policy["effect"] == "permit", body)

    def _ask(
        self, policies: cedarpy.PolicySet, request: dict[str, Any], entities: list[dict[str, Any]]
    ) -> Verdict:
        try:
            handle = cedarpy.Entities.from_json_str(json.dumps(entities))
            result = cedarpy.is_authorized(request, policies, handle)
        except Exception:
            # Cedar refuses what it cannot read; nobody passes because of that.
            return Verdict("deny", "policy.error", "the policy could not be evaluated")
        if result.diagnostics.errors:
            return Verdict("deny", "policy.error", "a rule of the policy failed in evaluation")
        matched = sorted(
            (self._rules[reason] for reason in result.diagnostics.reasons), key=lambda rule: rule.order
        )
        return _conclude(result.decision is cedarpy.Decision.Allow, matched)


def _conclude(allowed: bool, matched: list[Rule]) -> Verdict:
    """A plain forbid outweighs a forbid that asks for review; without any match nothing is permitted."""
    if not matched:
        return Verdict("deny", "policy.default", "no rule permits this to anyone with these roles")
    rule = next((rule for rule in matched if rule.effect == "deny"), matched[0])
    if allowed != (rule.effect == "allow"):
        return Verdict("deny", "policy.error", "the policy gave contradictory answers")
    return Verdict(rule.effect, rule.name, rule.reason)
