"""On-call schedules: who is on duty at a moment, out of a file or behind an address."""

from __future__ import annotations

import datetime
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ...clock import Clock
from ...errors import ConfigError

_TIMEOUT_SECONDS, _MOST_BYTES = 10, 1 << 20
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
        now = _EPOCH + datetime.timedelta(microseconds=now_ns // 1_000)
        named = frozenset(one.who for one in self.shifts if one.begin <= now < one.until)
        if named or self.rotation is None or now < self.rotation.start:
            return named
        turn = (now - self.rotation.start) // _length(self.rotation.every)
        return frozenset({self.rotation.people[turn % len(self.rotation.people)]})


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


class Oncall:
    """Schedules by name, read again now and then; one that is broken or too old names nobody.

    Files are read when they are asked for; addresses on `refresh`, which the server calls beside its work.
    """

    def __init__(self, sources: Mapping[str, tuple[str, int, int]], clock: Clock) -> None:
        """`sources`: for each name the file or address, every so many seconds, stale after so many."""
        self._sources = dict(sources)
        self._clock = clock
        self._lock = threading.Lock()
        self._read: dict[str, tuple[int, Schedule]] = {}
        self._tried: dict[str, int] = {}
        self.problems: dict[str, str] = {}
        """Why a schedule could not be read the last time."""

    def on_duty(self, name: str) -> frozenset[str]:
        """Who is on duty; nobody where it is not known."""
        if name not in self._sources:
            return frozenset()
        place, _, stale_s = self._sources[name]
        if not _is_address(place) or name not in self._tried:
            self._look(name)
        with self._lock:
            held = self._read.get(name)
        now_ns = self._clock.now_ns()
        if held is None or now_ns - held[0] > stale_s * 10**9:
            return frozenset()
        return held[1].on_duty(now_ns)

    @property
    def has_addresses(self) -> bool:
        """Whether there is anything to refresh."""
        return any(_is_address(place) for place, _, _ in self._sources.values())

    def refresh(self) -> None:
        """Read the addresses that are due."""
        for name, (place, every_s, _) in self._sources.items():
            due = self._clock.now_ns() - self._tried.get(name, -(10**18)) >= every_s * 10**9
            if _is_address(place) and due:
                self._look(name)

    def _look(self, name: str) -> None:
        place, now_ns = self._sources[name][0], self._clock.now_ns()
        self._tried[name] = now_ns
        try:
            found = read_schedule(_fetch(place), place)
        except (OSError, ConfigError) as error:
            # What was read before counts on until it is stale: an address that is down changes nobody's duty.
            self.problems[name] = error.message if isinstance(error, ConfigError) else type(error).__name__
            if isinstance(error, ConfigError):
                with self._lock:
                    self._read.pop(name, None)
            return
        with self._lock:
            self._read[name] = (now_ns, found)
        self.problems.pop(name, None)


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _fetch(place: str) -> bytes:
    if not _is_address(place):
        return Path(place).read_bytes()[:_MOST_BYTES]
    with urllib.request.urlopen(place, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked at the start
        found: bytes = answer.read(_MOST_BYTES)
        return found


def check_place(place: str) -> None:
    """Refuse an address that others could answer for.

    Raises:
        ConfigError: It is plain HTTP to another host than this one.
    """
    parts = urlsplit(place)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            "who is on call must not come over plain HTTP", key="oncall.schedule", hint="use https"
        )


def _length(text: str) -> datetime.timedelta:
    return datetime.timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])
