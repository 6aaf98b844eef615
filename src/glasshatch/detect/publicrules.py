"""Sigma's rules in the detector: every entry meets them, and what they find becomes alerts.

A rule that matched for an actor is quiet about that actor for a while, so that one attack of a thousand
events is one alert and not a thousand. What the record holds is looked at as it is stored: redacted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ..events import DEFAULT_LEDGER, Event
from .alerts import Head
from .explaining import actor_name
from .observing import MAX_EVIDENCE, Changes, Counters, Evidence, Memory, Place, Row, digest
from .sigma import (
    CorrelationFinding,
    Correlations,
    Record,
    RuleSet,
    Sighting,
    SigmaFolder,
    SigmaRule,
    sources_of,
)

QUIET_NS = 600 * 10**9
"""So long a rule says nothing more of the same actor at the same thing."""

_SEVERITIES = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_UNSAID = 3
Seen = tuple[Record, list[SigmaRule]]
"""An entry as rules see it, and the rules that match it."""


class PublicFinding(msgspec.Struct, frozen=True):
    """What a public rule found: the head of its alert, the group as a digest, what is behind it, and why."""

    head: Head
    group: bytes
    evidence: tuple[Evidence, ...]
    reason: str
    measured: dict[str, str]


class PublicRules:
    """Sigma's rules with their memory. For one thread."""

    def __init__(self, folder: SigmaFolder, max_groups: int) -> None:
        self._correlations = Correlations(folder.correlations, max_groups)
        self.rules = RuleSet(folder.rules, folder.lists, self._correlations.names)
        self._silent = self._correlations.quiet_rules
        self._quiet = _Quiet(max_groups)
        self._heads: dict[str, Head] = {}

    @property
    def waits(self) -> bool:
        """Whether something is found by time alone, so that every entry counts."""
        return self._correlations.waits

    def may_match(self, data: bytes, kind: str) -> bool:
        """Whether an entry of a kind of source is worth a look; a no is certain."""
        return self.waits or self.rules.may_match(data, kind)

    def look(self, document: dict[str, Any], kind: str) -> Seen:
        """Which rules an entry matches; most match none. `document` is the entry decoded, of this kind of
        source."""
        record = self.rules.read(document)
        return record, self.rules.match(record, sources_of(record, kind))

    def observe(self, seen: Seen, event: Event, place: Place, time_ns: int) -> list[PublicFinding]:
        """What the rules find at an entry that was looked at, of which `event` was read."""
        record, matched = seen
        found = [self._correlated(one, event) for one in self._correlations.advance(time_ns)]
        ledger = "" if place.ledger == DEFAULT_LEDGER else place.ledger
        for rule in matched:
            if not {rule.rule, rule.name} & self._silent:
                found += self._alone(rule, event, Evidence(time_ns, 1, event.id, place.index, ledger), place)
            sighting = Sighting(
                rule.rule, rule.name, record, time_ns, event.id, place.index, ledger, place.number
            )
            found += [self._correlated(one, event) for one in self._correlations.observe(sighting)]
        return found

    def memories(self) -> Iterator[tuple[str, Memory]]:
        """What remembers, each by a name that holds as long as its rule means the same."""
        yield "sigma/quiet", self._quiet
        for one in self._correlations.working:
            yield f"sigma/{one.form.rule}/{digest(_meaning(one.form)).hex()}", one

    def _alone(self, rule: SigmaRule, event: Event, evidence: Evidence, place: Place) -> list[PublicFinding]:
        actor, thing = event.actor.id if event.actor else "", event.resource.id if event.resource else ""
        group = digest((rule.rule, actor, thing))
        if not self._quiet.lets(group, evidence.time_ns, place.number):
            return []
        return [PublicFinding(self._head(rule), group, (evidence,), _reason(rule.title, event), {})]

    def _correlated(self, found: CorrelationFinding, event: Event) -> PublicFinding:
        items = found.items[-MAX_EVIDENCE:]
        evidence = tuple(Evidence(one.time_ns, 1, one.event_id, one.index, one.ledger) for one in items)
        form = found.correlation
        measured = {
            "count": str(len(found.items)), "measured": f"{found.measured:g}",
            "window": f"{form.timespan_s}s",
        }  # fmt: skip
        # When a timespan ran out, the event at hand is somebody else's.
        reason = _reason(form.title, event) if found.record is not None else form.title
        return PublicFinding(self._head(form), found.group, evidence, reason, measured)

    def _head(self, rule: Any) -> Head:
        head = self._heads.get(rule.rule)
        if head is None:
            head = self._heads[rule.rule] = Head(
                rule=rule.rule, version=1, title=rule.title, severity=_SEVERITIES.get(rule.level, _UNSAID),
                tags=rule.tags, false_positives="; ".join(rule.false_positives),
            )  # fmt: skip
        return head


def _meaning(form: Any) -> Any:
    """What a correlation asks, without what is only said of it."""
    return (form.kind, form.rules, form.group_by, form.aliases, form.timespan_s, form.fields)


def _reason(title: str, event: Event) -> str:
    """Names of actors and things only, as in every alert."""
    who = actor_name(event.actor)
    what = event.resource.id if event.resource else ""
    return title + (f", by {who}" if who else "") + (f", at {what}" if what else "")


class _Quiet:
    """About which groups a rule said something, and when."""

    def __init__(self, max_groups: int) -> None:
        self.counters = Counters()
        self._max_groups = max_groups
        self._said: dict[bytes, tuple[int, int]] = {}
        self._dirty: set[bytes] = set()
        self._dropped: set[bytes] = set()

    @property
    def groups(self) -> int:
        """How many groups it remembers."""
        return len(self._said)

    def lets(self, group: bytes, time_ns: int, number: int) -> bool:
        """Whether something may be said of a group at this time; then it counts as said."""
        said = self._said.get(group)
        if said is not None and time_ns < said[0] + QUIET_NS:
            self.counters.quiet += 1
            return False
        if said is None and len(self._said) >= self._max_groups:
            self._make_room()
        self._said[group] = (time_ns, number)
        self._dirty.add(group)
        self._dropped.discard(group)
        return True

    def restore(self, rows: Iterable[Row]) -> None:
        """Begin with what was stored."""
        for row in rows:
            self._said[row.key] = (msgspec.msgpack.decode(row.data, type=int), row.touched)

    def changes(self) -> Changes:
        """What to store."""
        put = [
            Row(key, self._said[key][1], msgspec.msgpack.encode(self._said[key][0]))
            for key in sorted(self._dirty)
        ]
        changes = Changes(put, sorted(self._dropped))
        self._dirty, self._dropped = set(), set()
        return changes

    def _make_room(self) -> None:
        """Forget a sixteenth, those that were touched the longest time ago."""
        oldest = sorted(self._said, key=lambda key: (self._said[key][1], key))
        gone = oldest[: max(1, self._max_groups // 16)]
        for key in gone:
            del self._said[key]
        self.counters.evicted += len(gone)
        self._dropped.update(gone)
        self._dirty.difference_update(gone)
