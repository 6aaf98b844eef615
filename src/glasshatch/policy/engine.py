"""Decides on sessions and statements by a Cedar policy set, and keeps what it decided of equal facts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path

import msgspec

from glasshatch.identity import Identity

from .facts import Asked, asked_of, granted_by, resource_key, statement_asked, statement_key
from .model import Ask, Decision, ResourceFacts
from .rulebook import Rulebook
from .sources import Rule, Source, find_sources

_CACHED_DECISIONS = 4096
_CACHED_NAMES = 200


class PolicySet:
    """A loaded set of policies. It never changes: a new text is a new set with a new hash.

    Attributes:
        name: The shipped set's or the file's name.
        hash: SHA-256 of the exact text; stands in every decision.
    """

    def __init__(self, name: str, sources: tuple[Source, ...]) -> None:
        self._book = Rulebook(name, sources)
        self.name, self.hash = name, self._book.hash
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
        return self._book.rules()

    def authorise(self, actor: Identity, resource: ResourceFacts, decision_id: str = "") -> Decision:
        """May this actor open a session there?"""
        who = self._book.persons.shared(actor, "session.open")
        key = ("session.open", who, *resource_key(resource))
        decision = self._held_or(key, lambda: asked_of(who, resource, "session.open", {}))
        return msgspec.structs.replace(decision, id=decision_id)

    def decide(self, ask: Ask, decision_id: str = "") -> Decision:
        """May this statement run? The decision carries a grant if it rests on one."""
        grant = granted_by(ask)
        covered = grant.verbs if grant is not None else ()
        # A client chooses how many names its statement has; it must not choose our memory.
        keep = len(ask.statement.columns) + len(ask.statement.resources) <= _CACHED_NAMES
        who = self._book.persons.shared(ask.actor, "statement.run")
        decision = self._held_or(
            statement_key(ask, who, covered), lambda: statement_asked(ask, who, covered), keep=keep
        )
        grant_id = grant.id if grant is not None and decision.effect == "allow" else ""
        return msgspec.structs.replace(decision, id=decision_id, grant_id=grant_id)

    def forget(self) -> None:
        """Judge everything anew from here on."""
        self._held.clear()

    def _held_or(self, key: Hashable, asked: Callable[[], Asked], *, keep: bool = True) -> Decision:
        """The decision for equal facts; a grant that ends changes the facts, and so the key."""
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
            return held
        found = self._book.judge(*asked())
        held = Decision("", found.effect, found.rule, found.reason, self.hash)
        if keep:
            self._held[key] = held
        if len(self._held) > _CACHED_DECISIONS:
            self._held.popitem(last=False)
        return held
