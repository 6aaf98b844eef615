"""A policy tried on the past: every recorded decision is judged again, and what differs is counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ...api.policy_values import Difference, Replayed
from ...events import Event, decode
from ...policy import Grant, PolicySet
from .remembered import Remembered, is_decision, remember

STEP_ENTRIES = 20_000
_EXAMPLES = 5
_UNREAD = "its shape cannot be read anew, and the policy asks about "
_MAY_DECIDE = (b'"action":"statement.', b'"action":"session.')

Kind = tuple[str, str, str, str, str, str]


class Entries(Protocol):
    """A ledger, as far as it is replayed."""

    @property
    def size(self) -> int: ...
    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]: ...


class Replay:
    """One step through the ledgers: at most `STEP_ENTRIES` entries, from where the step before ended."""

    def __init__(
        self, policy: PolicySet, asks_about: str, grants_of: Callable[[str], Sequence[Grant]]
    ) -> None:
        """`asks_about` is the policy's text: what it never mentions, no doubt can be about."""
        self._policy = policy
        self._mentioned = frozenset(re.findall(r"context\.(\w+)", asks_about))
        self._grants_of = grants_of
        self._grants: dict[str, Sequence[Grant]] = {}
        self._judged = 0
        self._uncertain: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._counts: Counter[Kind] = Counter()
        self._examples: dict[Kind, list[str]] = {}

    def run(
        self,
        ledgers: Sequence[tuple[str, Entries, int]],
        positions: dict[str, int],
        since_ns: int = 0,
        until_ns: int | None = None,
        step: int = STEP_ENTRIES,
    ) -> Replayed:
        """Judge what lies between two times, on from these positions.

        Args:
            ledgers: Each with its name and the first entry that it keeps.
        """
        left = step
        at: dict[str, int] = {}
        sizes = {name: entries.size for name, entries, _ in ledgers}
        for name, entries, first in ledgers:
            start = max(positions.get(name, 0), first)
            stop = min(sizes[name], start + left)
            for _, data in entries.scan(start, stop):
                self._take(data, since_ns, until_ns)
            left -= max(stop - start, 0)
            at[name] = max(stop, start)
        return Replayed(
            policy=self._policy.name, policy_hash=self._policy.hash, positions=at, done=sum(at.values()),
            total=sum(sizes.values()), more=any(at[name] < sizes[name] for name in sizes),
            judged=self._judged, uncertain=dict(self._uncertain), skipped=dict(self._skipped),
            differences=tuple(self._differences()),
        )  # fmt: skip

    def _take(self, data: bytes, since_ns: int, until_ns: int | None) -> None:
        if not any(mark in data for mark in _MAY_DECIDE):
            return
        event = decode(data)
        if not is_decision(event) or event.time_ns < since_ns:
            return
        if until_ns is not None and event.time_ns >= until_ns:
            return
        found = remember(event, self._granted(event))
        if isinstance(found, str):
            self._skipped[found] += 1
        else:
            self._judge(found)

    def _granted(self, event: Event) -> Sequence[Grant]:
        actor = event.actor.id if event.actor else ""
        if actor not in self._grants:
            self._grants[actor] = self._grants_of(actor) if actor else ()
        return self._grants[actor]

    def _judge(self, found: Remembered) -> None:
        policy, event = self._policy, found.event
        assert event.decision is not None
        self._judged += 1
        missing = sorted(self._mentioned & set(found.gaps))
        if missing:
            self._uncertain[_UNREAD + ", ".join(missing)] += 1
        for doubt in found.doubts:
            self._uncertain[doubt] += 1
        now = policy.decide(found.ask) if found.ask else policy.authorise(found.actor, found.resource)
        if now.effect == event.decision.effect:
            return
        was = event.decision
        kind = (found.actor.name, found.resource.id, was.effect, was.rule, now.effect, now.rule)
        self._counts[kind] += 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(event.id)

    def _differences(self) -> Iterator[Difference]:
        for kind, count in self._counts.most_common():
            actor, resource, was_effect, was_rule, effect, rule = kind
            yield Difference(
                actor=actor, resource=resource, was_effect=was_effect, was_rule=was_rule, effect=effect,
                rule=rule, count=count, events=tuple(self._examples[kind]),
            )  # fmt: skip
