"""How much somebody may use: sessions at once, statements a minute, rows, and how long a session lasts.

Pure: times are handed in. What was used is kept in memory, so it begins anew with the process.
"""

from __future__ import annotations

import fnmatch
from typing import Literal

import msgspec

from ..identity import Identity

_MINUTE_NS = 60 * 10**9
_HOUR_NS = 60 * _MINUTE_NS
_MANY = 10_000

What = Literal["sessions", "statements-per-minute", "rows-per-statement", "rows-per-session", "rows-per-hour"]


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; 0 sets no bound. Of several that match, each holds.

    resource: a pattern of `type/name`. actor: a pattern of names. role: only those who have it; empty for
    all. per: whether each actor counts alone at each resource, or all of them together at each resource.
    """

    resource: str = "*"
    actor: str = "*"
    role: str = ""
    per: Literal["actor", "resource"] = "actor"
    sessions: int = 0
    statements_per_minute: int = 0
    rows_per_statement: int = 0
    rows_per_session: int = 0
    rows_per_hour: int = 0
    idle_ns: int = 0
    session_ns: int = 0

    def covers(self, actor: Identity, resource: str) -> bool:
        """Whether it is about this actor at this resource."""
        return (
            fnmatch.fnmatchcase(resource, self.resource)
            and fnmatch.fnmatchcase(actor.name, self.actor)
            and (not self.role or self.role in actor.roles)
        )


class Breach(msgspec.Struct, frozen=True):
    """A bound that is reached: which, how much it allows, whose it is, in how many seconds to try again."""

    what: What
    allowed: int
    whose: str
    again_s: int = 0

    @property
    def reason(self) -> str:
        """In words."""
        return f"the limit of {self.whose} is {self.allowed} {self.what.replace('-', ' ')}"


class Window:
    """Counts what happened in a span of time that moves: the last whole span is taken as evenly filled."""

    __slots__ = ("_before", "_now", "_number", "_span_ns")

    def __init__(self, span_ns: int) -> None:
        self._span_ns = span_ns
        self._number = self._before = self._now = 0

    def room(self, limit: int, now_ns: int) -> int:
        """How much more fits now."""
        self._move(now_ns)
        passed_ns = now_ns % self._span_ns
        weighed = self._before * (self._span_ns - passed_ns) // self._span_ns
        return max(0, limit - weighed - self._now)

    def add(self, count: int, now_ns: int) -> None:
        """It happened."""
        self._move(now_ns)
        self._now += count

    def again_s(self, now_ns: int) -> int:
        """In how many seconds there will be more room, whatever came: the rest of the span."""
        return (self._span_ns - now_ns % self._span_ns) // 10**9 + 1

    def _move(self, now_ns: int) -> None:
        number = now_ns // self._span_ns
        if number != self._number:
            self._before = self._now if number == self._number + 1 else 0
            self._now, self._number = 0, number


class _Counter:
    """What one actor, or all together, used of one limit at one resource."""

    __slots__ = ("rows", "sessions", "statements", "used_ns")

    def __init__(self) -> None:
        self.sessions = 0
        self.statements = Window(_MINUTE_NS)
        self.rows = Window(_HOUR_NS)
        self.used_ns = 0


class Usage:
    """The limits of a server and what is used of them by all sessions."""

    def __init__(self, limits: tuple[Limit, ...] = ()) -> None:
        self._limits = limits
        self._counters: dict[tuple[int, str, str], _Counter] = {}

    def open(self, actor: Identity, resource: str, now_ns: int) -> Allowance | Breach | None:
        """Take a session's place, to be given back with `Allowance.close`; None where nothing is limited."""
        held: list[tuple[Limit, _Counter, str]] = []
        for number, limit in enumerate(self._limits):
            if limit.covers(actor, resource):
                alone = limit.per == "actor"
                counter = self._counter((number, actor.id if alone else "", resource), now_ns)
                held.append(
                    (limit, counter, f"{actor.name} at {resource}" if alone else f"all at {resource}")
                )
        for limit, counter, whose in held:
            if limit.sessions and counter.sessions >= limit.sessions:
                return Breach("sessions", limit.sessions, whose)
        for _, counter, _ in held:
            counter.sessions += 1
        return Allowance(held) if held else None

    def _counter(self, key: tuple[int, str, str], now_ns: int) -> _Counter:
        counter = self._counters.get(key)
        if counter is None:
            if len(self._counters) >= _MANY:
                self._forget(now_ns)
            counter = self._counters[key] = _Counter()
        counter.used_ns = now_ns
        return counter

    def _forget(self, now_ns: int) -> None:
        """Drop counters that hold nothing any more: without a session, and older than every window."""
        before_ns = now_ns - 2 * _HOUR_NS
        self._counters = {
            key: one for key, one in self._counters.items() if one.sessions or one.used_ns > before_ns
        }


class Allowance:
    """What one session may use, shared with its actor's other sessions where the limits say so."""

    def __init__(self, held: list[tuple[Limit, _Counter, str]]) -> None:
        """Use `Usage.open`."""
        self._held = held
        self._rows = 0
        self._open = True
        limits = [limit for limit, _, _ in held]
        self.idle_ns = min((one.idle_ns for one in limits if one.idle_ns), default=0)
        self.session_ns = min((one.session_ns for one in limits if one.session_ns), default=0)
        self.counts_rows = any(
            one.rows_per_statement or one.rows_per_session or one.rows_per_hour for one in limits
        )

    def close(self) -> None:
        """The session is over; more than once changes nothing."""
        if self._open:
            self._open = False
            for _, counter, _ in self._held:
                counter.sessions -= 1

    def statement(self, now_ns: int) -> Breach | None:
        """Count a statement that is about to run, unless a bound is reached; None if it may."""
        for limit, counter, whose in self._held:
            if not limit.statements_per_minute:
                continue
            if not counter.statements.room(limit.statements_per_minute, now_ns):
                again_s = counter.statements.again_s(now_ns)
                return Breach("statements-per-minute", limit.statements_per_minute, whose, again_s)
        spent = self._room(0, now_ns) if self.counts_rows else None
        if spent is not None and not spent[0]:
            return spent[1]
        for limit, counter, _ in self._held:
            if limit.statements_per_minute:
                counter.statements.add(1, now_ns)
        return None

    def rows(self, count: int, before: int, now_ns: int) -> tuple[int, Breach | None]:
        """Count rows that are about to be shown.

        Args:
            before: How many the same statement has shown already.

        Returns:
            How many of them may be shown, and the bound that the others are beyond.
        """
        room, breach = self._room(before, now_ns) or (count, None)
        shown = min(count, room)
        self._rows += shown
        for limit, counter, _ in self._held:
            if limit.rows_per_hour:
                counter.rows.add(shown, now_ns)
                counter.used_ns = now_ns
        return shown, breach if shown < count else None

    def _room(self, before: int, now_ns: int) -> tuple[int, Breach] | None:
        """How many more rows fit, and the bound that comes first; None where rows are not bounded."""
        found: tuple[int, Breach] | None = None
        for limit, counter, whose in self._held:
            bounds: list[tuple[What, int, int, int]] = []
            if allowed := limit.rows_per_statement:
                bounds.append(("rows-per-statement", allowed, allowed - before, 0))
            if allowed := limit.rows_per_session:
                bounds.append(("rows-per-session", allowed, allowed - self._rows, 0))
            if allowed := limit.rows_per_hour:
                room = counter.rows.room(allowed, now_ns)
                bounds.append(("rows-per-hour", allowed, room, counter.rows.again_s(now_ns)))
            for what, allowed, room, again_s in bounds:
                if found is None or room < found[0]:
                    found = max(0, room), Breach(what, allowed, whose, again_s)
        return found
