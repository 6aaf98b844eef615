"""Volume and count: a sum per group over a sliding window of event time, with late events bounded.

A window is half open: an event exactly as old as the window is long is outside. An event may arrive
late by `lateness` measured against the newest of its group; what is later still is counted and left out.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable

import msgspec

from .fields import whole_number
from .matching import reader_of
from .observing import (
    MAX_EVIDENCE,
    Changes,
    Counters,
    Evidence,
    Finding,
    Grouping,
    Observation,
    Row,
    evidence_of,
)
from .rule import Rule

MAX_ITEMS = 1_024
"""So many events of one group are told apart; beyond, the two oldest count as one, at the newer's time."""

_decode = msgspec.msgpack.Decoder(tuple[list[Evidence], int | None, int]).decode


class _Group:
    """The events of one group in order of time; those from `start` on are in the newest window."""

    __slots__ = ("items", "raised_ns", "raised_total", "start", "total", "touched")

    def __init__(self, items: list[Evidence], raised_ns: int | None, raised_total: int, touched: int) -> None:
        self.items = items
        self.raised_ns = raised_ns
        self.raised_total = raised_total
        self.touched = touched
        self.start = 0
        self.total = 0

    def recount(self, window_ns: int) -> None:
        """Find the newest window anew."""
        edge_ns = self.items[-1].time_ns - window_ns if self.items else 0
        self.start = bisect.bisect_right(self.items, edge_ns, key=lambda item: item.time_ns)
        self.total = sum(item.value for item in self.items[self.start :])

    def append(self, item: Evidence, window_ns: int) -> None:
        """Add the newest."""
        self.items.append(item)
        self.total += item.value
        edge_ns = item.time_ns - window_ns
        while self.items[self.start].time_ns <= edge_ns:
            self.total -= self.items[self.start].value
            self.start += 1

    def insert(self, item: Evidence, window_ns: int) -> None:
        """Add one that is not the newest."""
        bisect.insort_right(self.items, item, key=lambda one: one.time_ns)
        self.recount(window_ns)

    def forget(self, before_ns: int) -> None:
        """Let go of what no window can reach any more, and of too many."""
        while self.items[0].time_ns <= before_ns and self.start > 0:
            del self.items[0]
            self.start -= 1
        while len(self.items) > MAX_ITEMS:
            if self.start == 0:
                first, second = self.items[:2]
                self.items[1] = msgspec.structs.replace(second, value=first.value + second.value)
            else:
                self.start -= 1
            del self.items[0]

    def fullest(self, item: Evidence, window_ns: int) -> tuple[int, list[Evidence]]:
        """The fullest window that holds `item`, and what is in it."""
        if item.time_ns >= self.items[-1].time_ns:
            return self.total, self.items[self.start :]
        best, found = 0, (0, 0)
        total, start = 0, 0
        for end, one in enumerate(self.items):
            total += one.value
            while self.items[start].time_ns <= one.time_ns - window_ns:
                total -= self.items[start].value
                start += 1
            if item.time_ns <= one.time_ns < item.time_ns + window_ns and total > best:
                best, found = total, (start, end + 1)
        return best, self.items[slice(*found)]


class Windowed:
    """A `volume` or `count` rule at work."""

    def __init__(self, rule: Rule, max_groups: int) -> None:
        self._rule = rule
        self._max_groups = max_groups
        self._grouping = Grouping(rule)
        self._value = reader_of(rule.file.sum, rule.file.each) if rule.file.sum else None
        self._keep_ns = rule.window_ns + rule.lateness_ns
        self._groups: dict[bytes, _Group] = {}
        self._dirty: set[bytes] = set()
        self._dropped: set[bytes] = set()
        self.counters = Counters()

    @property
    def groups(self) -> int:
        """How many groups it remembers."""
        return len(self._groups)

    def restore(self, rows: Iterable[Row]) -> None:
        """Begin with what was stored."""
        for row in rows:
            items, raised_ns, raised_total = _decode(row.data)
            group = self._groups[row.key] = _Group(items, raised_ns, raised_total, row.touched)
            group.recount(self._rule.window_ns)

    def observe(self, seen: Observation) -> list[Finding]:
        """Take one matching event in."""
        found = (self._observe(seen, item) for item in seen.items)
        return [finding for finding in found if finding is not None]

    def changes(self) -> Changes:
        """What to store."""
        put = [
            Row(
                key, group.touched, msgspec.msgpack.encode((group.items, group.raised_ns, group.raised_total))
            )
            for key in sorted(self._dirty)
            if (group := self._groups.get(key)) is not None
        ]
        changes = Changes(put, sorted(self._dropped))
        self._dirty, self._dropped = set(), set()
        return changes

    def _observe(self, seen: Observation, item: object) -> Finding | None:
        key = self._grouping.of(seen.event, item)
        value = 1 if self._value is None else whole_number(self._value(seen.event, item))
        if key is None or value <= 0:
            return None
        one = evidence_of(seen, value)
        group = self._groups.get(key)
        if group is None:
            group = self._new_group(key, seen)
        window_ns = self._rule.window_ns
        newest_ns = group.items[-1].time_ns if group.items else seen.time_ns
        if seen.time_ns < newest_ns - self._rule.lateness_ns:
            self.counters.late += 1
            return None
        if seen.time_ns >= newest_ns:
            group.append(one, window_ns)
        else:
            group.insert(one, window_ns)
        group.forget(group.items[-1].time_ns - self._keep_ns)
        group.touched = seen.place.number
        self._dirty.add(key)
        return self._judge(key, group, one, item)

    def _judge(self, key: bytes, group: _Group, one: Evidence, item: object) -> Finding | None:
        total, evidence = group.fullest(one, self._rule.window_ns)
        if total < self._rule.file.threshold:
            return None
        if group.raised_ns is not None and one.time_ns < group.raised_ns + self._rule.quiet_ns:
            # A quiet time must not cover what is another matter altogether.
            again = self._rule.file.again
            if not again or total < again * group.raised_total:
                self.counters.quiet += 1
                return None
        group.raised_ns = max(one.time_ns, group.raised_ns or one.time_ns)
        group.raised_total = total
        measured = {
            "count": str(len(evidence)),
            "sum": str(total),
            "threshold": str(self._rule.file.threshold),
            "window": self._rule.file.window,
        }
        return Finding(key, item, tuple(evidence[-MAX_EVIDENCE:]), measured)

    def _new_group(self, key: bytes, seen: Observation) -> _Group:
        if len(self._groups) >= self._max_groups:
            self._make_room(seen.time_ns)
        self._dropped.discard(key)
        group = self._groups[key] = _Group([], None, 0, seen.place.number)
        return group

    def _make_room(self, now_ns: int) -> None:
        """Drop what has run out; if that is not a sixteenth of all, the longest untouched as well."""
        over_ns = now_ns - max(self._keep_ns, self._rule.quiet_ns + self._rule.lateness_ns)
        wanted = max(1, self._max_groups // 16)
        gone = [key for key, group in self._groups.items() if group.items[-1].time_ns < over_ns]
        if len(gone) < wanted:
            past = set(gone)
            rest = sorted((group.touched, key) for key, group in self._groups.items() if key not in past)
            evicted = [key for _, key in rest[: wanted - len(gone)]]
            self.counters.evicted += len(evicted)
            gone += evicted
        for key in gone:
            del self._groups[key]
        self._dropped.update(gone)
        self._dirty.difference_update(gone)
