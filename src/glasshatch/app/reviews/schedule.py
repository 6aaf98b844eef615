"""What an on-call schedule says, and how it is written in JSON."""

from __future__ import annotations

import datetime

import msgspec

from ...errors import ConfigError

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from"}):
    """One person on duty, from a moment until another."""

    who: str
    begin: datetime.datetime
    until: datetime.datetime


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People who take turns of equal length, without end."""

    people: tuple[str, ...]
    start: datetime.datetime
    every: str


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a schedule says: `shifts`, and a `rotation` for the time that no shift covers."""

    shifts: tuple[Shift, ...] = ()
    rotation: Rotation | None = None

    def on_duty(self, now_ns: int) -> frozenset[str]:
        """The names of who is on duty at a moment."""
        now = moment_of(now_ns)
        named = frozenset(one.who for one in self.shifts if one.begin <= now < one.until)
        if named or self.rotation is None or now < self.rotation.start:
            return named
        turn = (now - self.rotation.start) // _length(self.rotation.every)
        return frozenset({self.rotation.people[turn % len(self.rotation.people)]})


def moment_of(now_ns: int) -> datetime.datetime:
    """A moment in UTC, to the microsecond."""
    return _EPOCH + datetime.timedelta(microseconds=now_ns // 1_000)


def read_schedule(text: bytes, where: str) -> Schedule:
    """A schedule from its text.

    Raises:
        ConfigError: It is not one; says where and what is wrong.
    """
    try:
        found = msgspec.json.decode(text, type=Schedule)
        zones = [one for shift in found.shifts for one in (shift.begin, shift.until)]
        zones += [found.rotation.start] if found.rotation else []
        if any(moment.tzinfo is None for moment in zones):
            raise ValueError("a time has no zone: write 2026-05-03T09:00:00Z")
        if found.rotation is not None and not (found.rotation.people and _length(found.rotation.every)):
            raise ValueError("a rotation needs people, and a length such as 7d")
    except (msgspec.DecodeError, ValueError, KeyError) as error:
        raise ConfigError(f"is not a schedule: {error}", file=where, key="oncall") from None
    return found


def _length(text: str) -> datetime.timedelta:
    return datetime.timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])
