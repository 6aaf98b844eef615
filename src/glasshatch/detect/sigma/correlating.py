"""Correlations at work: what rules match, by group, inside a timespan of event time.

`gt` and `ge`, and temporal correlations, are judged at every event, and a group that was found is found
again only after the timespan. All others (`lt`, `eq`, …) say something about a timespan that is over: it
begins with a group's first event, and is judged when the events have gone past its end. An event may come
late by `LATENESS_NS`, against the newest of its group; what is later still is counted and left out.

Everything is decided from the events in their order alone, so that the same events lead to the same findings
and the same memory however they were split into batches, and however often the process was killed.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ..observing import Changes, Counters, Row, digest
from .forms import Correlation
from .measuring import Item, compare, measure_of
from .numbers import as_number
from .records import Record

LATENESS_NS = 300 * 10**9
MAX_ITEMS = 1_024
"""So many events of a group are told apart at least; if more are asked for, as many as are."""

_MOST_ITEMS = 100_000
_LATE_WINDOWS = 64
_SECOND_NS = 10**9
_FLOWING = ("gt", "ge")


class Sighting(msgspec.Struct, frozen=True):
    """A rule that matched an event. name: by which correlations call it, beside its id."""

    rule: str
    name: str
    record: Record
    time_ns: int
    event_id: str
    index: int = -1
    ledger: str = ""
    number: int = 0


class CorrelationFinding(msgspec.Struct, frozen=True):
    """A correlation is met. group: a digest. shown: the group's values, for people;
    empty after a restart where a timespan ran out. items: what is behind it.
    record: that of the last event, None if a timespan ran out."""

    correlation: Correlation
    group: bytes
    shown: str
    measured: float
    items: tuple[Item, ...]
    record: Record | None

    @property
    def last(self) -> Item:
        """The newest event behind it."""
        return self.items[-1]


class _Group:
    """The events of one group in order of time."""

    __slots__ = ("items", "opened_ns", "raised_ns", "shown", "touched")

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.items: list[Item] = []
        self.raised_ns: int | None = None
        self.opened_ns: int | None = None
        self.touched = 0


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(tuple[list[Item], int | None, int | None]).decode


class Correlating:
    """One correlation at work. For one thread."""

    def __init__(self, form: Correlation, max_groups: int) -> None:
        self.form = form
        self.counters = Counters()
        self._measure = measure_of(form)
        self._span_ns = form.timespan_s * _SECOND_NS
        self._max_groups = max_groups
        self._temporal = form.kind in ("temporal", "temporal_ordered")
        # Judged at every event, and not when a timespan is over.
        self.flows = form.asks is not None or form.operator in _FLOWING
        self._most = min(
            _MOST_ITEMS, max(MAX_ITEMS, int(form.number) + 1 if form.kind == "event_count" else 0)
        )
        self._groups: dict[bytes, _Group] = {}
        self._ends: list[tuple[int, bytes]] = []
        self._dirty: set[bytes] = set()
        self._dropped: set[bytes] = set()

    @property
    def groups(self) -> int:
        """How many groups it remembers."""
        return len(self._groups)

    @property
    def waits(self) -> bool:
        """Whether a timespan is open whose end will be judged."""
        return bool(self._ends)

    def restore(self, rows: Iterable[Row]) -> None:
        """Begin with what was stored."""
        for row in rows:
            items, raised_ns, opened_ns = _decode(row.data)
            # What a group is called is not kept: a rule's memory holds digests and counts, and no names.
            group = self._groups[row.key] = _Group("")
            group.items, group.raised_ns, group.opened_ns = items, raised_ns, opened_ns
            group.touched = row.touched
            if opened_ns is not None:
                heapq.heappush(self._ends, (opened_ns + self._span_ns, row.key))

    def changes(self) -> Changes:
        """What to store."""
        put = [
            Row(key, group.touched, _encode((group.items, group.raised_ns, group.opened_ns)))
            for key in sorted(self._dirty)
            if (group := self._groups.get(key)) is not None
        ]
        changes = Changes(put, sorted(self._dropped))
        self._dirty, self._dropped = set(), set()
        return changes

    def observe(self, seen: Sighting, rule: int) -> CorrelationFinding | None:
        """Take in that the correlation's rule of this number matched an event."""
        values = self._values(seen, rule)
        item = None if values is None else self._item(seen, rule)
        if values is None or item is None:
            return None
        key, shown = digest(values), ", ".join(values)
        group = self._groups.get(key)
        if group is None:
            group = self._new_group(key, "" if self.flows else shown, seen)
        newest_ns = group.items[-1].time_ns if group.items else item.time_ns
        if item.time_ns < newest_ns - LATENESS_NS:
            self.counters.late += 1
            return None
        if self._temporal and _goes_on(group.items, item):
            group.items[-1] = item
        else:
            bisect.insort_right(group.items, item, key=lambda one: one.time_ns)
        group.touched = seen.number
        self._dirty.add(key)
        self._forget(group)
        if self.flows:
            found = self._judged(key, group, item, seen.record)
            return None if found is None else msgspec.structs.replace(found, shown=shown)
        if group.opened_ns is None or item.time_ns < group.opened_ns:
            group.opened_ns = item.time_ns
            heapq.heappush(self._ends, (group.opened_ns + self._span_ns, key))
        return None

    def advance(self, now_ns: int) -> Iterator[CorrelationFinding]:
        """What is found at the ends of timespans that lie before this moment, lateness included."""
        while self._ends and self._ends[0][0] <= now_ns - LATENESS_NS:
            end_ns, key = heapq.heappop(self._ends)
            group = self._groups.get(key)
            if group is None or group.opened_ns is None or group.opened_ns + self._span_ns != end_ns:
                continue
            inside = [item for item in group.items if item.time_ns < end_ns]
            group.items = [item for item in group.items if item.time_ns >= end_ns]
            group.opened_ns = group.items[0].time_ns if group.items else None
            self._dirty.add(key)
            if group.opened_ns is not None:
                heapq.heappush(self._ends, (group.opened_ns + self._span_ns, key))
            else:
                self._drop(key)
            measured = self._measure(inside)
            if inside and compare(self.form, measured):
                yield CorrelationFinding(self.form, key, group.shown, measured, tuple(inside), None)

    def _values(self, seen: Sighting, rule: int) -> list[str] | None:
        """The group's values; None if the record lacks one of them: it belongs to no group."""
        values = []
        for name in self.form.group_by:
            field = self.form.aliases.get(name, {}).get(self.form.rules[rule], name.lower())
            text = seen.record.texts[field]
            if text is None:
                return None
            values.append(text if type(text) is str else " ".join(text))
        return values

    def _item(self, seen: Sighting, rule: int) -> Item | None:
        """The event as an item; None if what is measured is not in it."""
        value: float | str = 0
        if self.form.kind == "value_count":
            texts = [seen.record.texts[field] for field in self.form.fields]
            if any(text is None for text in texts):
                return None
            value = digest(texts).hex()
        elif self.form.fields:
            raw = seen.record.values.get(self.form.fields[0])
            number = as_number(raw[0] if isinstance(raw, list) and raw else raw)
            if number is None:
                return None
            value = number
        return Item(seen.time_ns, rule, value, seen.event_id, seen.index, seen.ledger)

    def _judged(self, key: bytes, group: _Group, item: Item, record: Record) -> CorrelationFinding | None:
        for window in self._windows(group.items, item):
            measured = self._measure(window)
            met = bool(measured) if self.form.asks is not None else compare(self.form, measured)
            if not met:
                continue
            if group.raised_ns is not None and item.time_ns < group.raised_ns + self._span_ns:
                self.counters.quiet += 1
                return None
            group.raised_ns = max(item.time_ns, group.raised_ns or item.time_ns)
            return CorrelationFinding(self.form, key, group.shown, measured, tuple(window), record)
        return None

    def _windows(self, items: list[Item], new: Item) -> Iterator[Sequence[Item]]:
        """The windows that hold a new item: of one that is the newest a single one."""
        place = bisect.bisect_right(items, new.time_ns, key=lambda one: one.time_ns)
        ends = range(place, len(items) + 1) if place < len(items) else (place,)
        for end in ends[:_LATE_WINDOWS]:
            edge_ns = items[end - 1].time_ns - self._span_ns
            if edge_ns >= new.time_ns:
                return
            yield items[bisect.bisect_right(items, edge_ns, key=lambda one: one.time_ns) : end]

    def _forget(self, group: _Group) -> None:
        """Let go of what no window can reach any more, and of too many."""
        if self.flows:
            edge_ns = group.items[-1].time_ns - self._span_ns - LATENESS_NS
            gone = bisect.bisect_right(group.items, edge_ns, key=lambda one: one.time_ns)
            del group.items[:gone]
        if len(group.items) > self._most:
            self.counters.evicted += len(group.items) - self._most
            del group.items[: len(group.items) - self._most]

    def _new_group(self, key: bytes, shown: str, seen: Sighting) -> _Group:
        if len(self._groups) >= self._max_groups:
            self._make_room(seen.time_ns)
        self._dropped.discard(key)
        group = self._groups[key] = _Group(shown)
        return group

    def _make_room(self, now_ns: int) -> None:
        """Drop what has run out; if that is not a sixteenth of all, the longest untouched as well."""
        over_ns = now_ns - self._span_ns - LATENESS_NS
        wanted = max(1, self._max_groups // 16)
        gone = [
            key
            for key, group in self._groups.items()
            if self.flows and (not group.items or group.items[-1].time_ns < over_ns)
        ]
        if len(gone) < wanted:
            past = set(gone)
            rest = sorted((group.touched, key) for key, group in self._groups.items() if key not in past)
            evicted = [key for _, key in rest[: wanted - len(gone)]]
            self.counters.evicted += len(evicted)
            gone += evicted
        for key in gone:
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        del self._groups[key]
        self._dropped.add(key)
        self._dirty.discard(key)


def _goes_on(items: Sequence[Item], item: Item) -> bool:
    """Whether one rule matched three times in a row: of such a run its first and its newest say it all."""
    return (
        len(items) >= 2
        and items[-1].rule == items[-2].rule == item.rule
        and item.time_ns >= items[-1].time_ns
    )


class Correlations:
    """All correlations: each hears what its rules match, and what other correlations find."""

    def __init__(self, forms: Sequence[Correlation], max_groups: int = 50_000) -> None:
        self.working = [Correlating(form, max_groups) for form in forms]
        self._tides = [one for one in self.working if not one.flows]
        self._hears: dict[str, list[tuple[Correlating, int]]] = {}
        for one in self.working:
            for number, reference in enumerate(one.form.rules):
                self._hears.setdefault(reference, []).append((one, number))
        self._now_ns = 0

    @property
    def waits(self) -> bool:
        """Whether the end of a timespan will say something, so that the time of every event counts."""
        return any(one.waits for one in self._tides)

    @property
    def names(self) -> frozenset[str]:
        """What records are asked for."""
        forms = [one.form for one in self.working]
        groups = {name.lower() for form in forms for name in form.group_by}
        aliases = {field for form in forms for fields in form.aliases.values() for field in fields.values()}
        return frozenset(groups | aliases | {field for form in forms for field in form.fields})

    @property
    def quiet_rules(self) -> frozenset[str]:
        """Rules, by id or name, that are there for correlations only and raise nothing of their own."""
        return frozenset(name for one in self.working if not one.form.generate for name in one.form.rules)

    def observe(self, seen: Sighting) -> list[CorrelationFinding]:
        """What is found because a rule matched an event; of every event that matches, once for each rule."""
        found: list[CorrelationFinding] = []
        self._hear(seen, found, 0)
        return found

    def advance(self, now_ns: int) -> list[CorrelationFinding]:
        """What is found because time went on; the moment is that of the newest event."""
        if now_ns <= self._now_ns:
            return []
        self._now_ns = now_ns
        return [finding for one in self._tides if one.waits for finding in one.advance(now_ns)]

    def _hear(self, seen: Sighting, found: list[CorrelationFinding], depth: int) -> None:
        names = {seen.rule, seen.name} - {""}
        for one, number in [pair for name in sorted(names) for pair in self._hears.get(name, ())]:
            finding = one.observe(seen, number)
            if finding is None:
                continue
            found.append(finding)
            if depth < 8:  # correlations of correlations; a circle of them ends here
                form = finding.correlation
                self._hear(msgspec.structs.replace(seen, rule=form.rule, name=form.name), found, depth + 1)
