"""First seen: a tuple of values that a group never had within its history, once the group is known enough."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .explaining import joined
from .matching import reader_of
from .observing import Changes, Counters, Finding, Grouping, Observation, Row, digest, evidence_of
from .rule import Rule

MAX_VALUES = 4_096
"""So many values of one group are remembered; beyond, the longest unseen are forgotten."""

_KEY_BYTES = 16
_FINENESS = 64
_head = msgspec.msgpack.Decoder(tuple[int, int, int | None]).decode
_seen = msgspec.msgpack.Decoder(int).decode


class _Group:
    """What is known of one group: since when, how often it was seen, and when each value last was."""

    __slots__ = ("raised_ns", "seen_ns", "since_ns", "touched", "touches")

    def __init__(self, since_ns: int, touches: int, raised_ns: int | None, touched: int) -> None:
        self.since_ns = since_ns
        self.touches = touches
        self.raised_ns = raised_ns
        self.touched = touched
        self.seen_ns: dict[bytes, int] = {}


class FirstSeen:
    """A `first_seen` rule at work. A group is a row of 16 bytes of key, each value of it one of 32."""

    def __init__(self, rule: Rule, max_groups: int) -> None:
        self._rule = rule
        self._max_groups = max_groups
        self._grouping = Grouping(rule)
        self._values = [reader_of(path, rule.file.each) for path in rule.file.values]
        # When a value was last seen is stored only this finely: most touches then change nothing.
        self._step_ns = rule.history_ns // _FINENESS
        self._groups: dict[bytes, _Group] = {}
        self._dirty: set[bytes] = set()
        self._dropped: set[bytes] = set()
        self.counters = Counters()

    @property
    def groups(self) -> int:
        """How many groups it remembers."""
        return len(self._groups)

    def restore(self, rows: Iterable[Row]) -> None:
        """Begin with what was stored; a group's row sorts before those of its values."""
        for row in sorted(rows, key=lambda row: row.key):
            group, value = row.key[:_KEY_BYTES], row.key[_KEY_BYTES:]
            if value:
                self._groups[group].seen_ns[value] = _seen(row.data)
            else:
                self._groups[group] = _Group(*_head(row.data), row.touched)

    def observe(self, seen: Observation) -> list[Finding]:
        """Take one matching event in; all that is new to a group in one event is one finding."""
        groups: dict[bytes, list[object]] = {}
        for item in seen.items:
            key = self._grouping.of(seen.event, item)
            if key is not None:
                groups.setdefault(key, []).append(item)
        found = (self._touch(key, seen, items) for key, items in groups.items())
        return [finding for finding in found if finding is not None]

    def changes(self) -> Changes:
        """What to store."""
        put = [self._row(key) for key in sorted(self._dirty) if key[:_KEY_BYTES] in self._groups]
        changes = Changes(put, sorted(self._dropped))
        self._dirty, self._dropped = set(), set()
        return changes

    def _row(self, key: bytes) -> Row:
        group, value = self._groups[key[:_KEY_BYTES]], key[_KEY_BYTES:]
        if value:
            # Only a group as a whole is ever evicted for its age, so its values carry none.
            return Row(key, 0, msgspec.msgpack.encode(group.seen_ns[value]))
        head = (group.since_ns, group.touches, group.raised_ns)
        return Row(key, group.touched, msgspec.msgpack.encode(head))

    def _touch(self, key: bytes, seen: Observation, items: list[object]) -> Finding | None:
        group = self._groups.get(key)
        if group is None:
            group = self._new_group(key, seen)
        learned = (
            group.touches >= self._rule.file.learn.touches
            and seen.time_ns - group.since_ns >= self._rule.learn_ns
        )
        new = [(item, shown) for item in items if (shown := self._new_value(key, group, seen, item))]
        group.touches += 1
        group.touched = seen.place.number
        self._dirty.add(key)
        if not new or not learned:
            return None
        return self._raise(key, group, seen, new)

    def _raise(
        self, key: bytes, group: _Group, seen: Observation, new: list[tuple[object, str]]
    ) -> Finding | None:
        if group.raised_ns is not None and seen.time_ns < group.raised_ns + self._rule.quiet_ns:
            self.counters.quiet += 1
            return None
        group.raised_ns = max(seen.time_ns, group.raised_ns or seen.time_ns)
        names = list(dict.fromkeys(shown for _, shown in new))
        measured = {"count": str(len(names)), "new": joined(names), "window": self._rule.file.history}
        evidence = (evidence_of(seen, len(names)),)
        return Finding(key, new[0][0], evidence, measured)

    def _new_value(self, key: bytes, group: _Group, seen: Observation, item: object) -> str:
        """How a value that is new to the group is called; nothing for one that is known."""
        values = [read(seen.event, item) for read in self._values]
        if all(value in (None, "", ()) for value in values):
            return ""
        value = digest(values)
        last_ns = group.seen_ns.get(value)
        if last_ns is None or seen.time_ns > last_ns + self._step_ns:
            if last_ns is None and len(group.seen_ns) >= MAX_VALUES:
                self._forget_values(key, group)
            group.seen_ns[value] = seen.time_ns
            self._dirty.add(key + value)
            self._dropped.discard(key + value)
        if last_ns is not None and seen.time_ns <= last_ns + self._rule.history_ns:
            return ""
        return " ".join(str(value) for value in values if value not in (None, "", ())) or "?"

    def _forget_values(self, key: bytes, group: _Group) -> None:
        oldest = sorted((time_ns, value) for value, time_ns in group.seen_ns.items())
        for _, value in oldest[: MAX_VALUES // 16]:
            del group.seen_ns[value]
            self._dropped.add(key + value)
            self._dirty.discard(key + value)
        self.counters.evicted += 1

    def _new_group(self, key: bytes, seen: Observation) -> _Group:
        if len(self._groups) >= self._max_groups:
            oldest = sorted((group.touched, key) for key, group in self._groups.items())
            for _, gone in oldest[: max(1, self._max_groups // 16)]:
                self._drop_group(gone)
        group = self._groups[key] = _Group(seen.time_ns, 0, None, seen.place.number)
        self._dropped.discard(key)
        return group

    def _drop_group(self, key: bytes) -> None:
        keys = [key, *(key + value for value in self._groups.pop(key).seen_ns)]
        self._dropped.update(keys)
        self._dirty.difference_update(keys)
        self.counters.evicted += 1
