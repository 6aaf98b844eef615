"""On-call schedules: who is on duty at this moment, out of files or behind addresses."""

from __future__ import annotations

import os
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ...clock import Clock
from ...errors import ConfigError
from .calendars import is_calendar, read_calendar
from .schedule import Schedule, read_schedule

_TIMEOUT_SECONDS, _MOST_BYTES = 10, 1 << 20
_FILE_AGAIN_NS = 3_600 * 10**9


class Place(msgspec.Struct, frozen=True):
    """Where a schedule is: a file or an address, read every so many seconds, of use for so many.

    people: actors by what a calendar calls them.
    """

    where: str
    every_s: int
    stale_s: int
    people: dict[str, str] = {}

    @property
    def address(self) -> bool:
        """Whether it is behind an address."""
        return self.where.startswith(("http://", "https://"))


class _Held(msgspec.Struct, frozen=True):
    """What was read, when, and when it was last known to be what is there."""

    read_ns: int
    known_ns: int
    schedule: Schedule
    file: tuple[int, ...] = ()


class Oncall:
    """Schedules by name, read again now and then; one that is broken or too old names nobody.

    Files are looked at when they are asked for, and read if they have changed; addresses on `refresh`, which
    the server calls beside its work.
    """

    def __init__(self, places: Mapping[str, Place], clock: Clock) -> None:
        self._places = dict(places)
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._tried: dict[str, int] = {}
        self.problems: dict[str, str] = {}
        """Why a schedule could not be read the last time."""

    def on_duty(self, name: str) -> frozenset[str]:
        """Who is on duty; nobody where it is not known."""
        place = self._places.get(name)
        if place is None:
            return frozenset()
        if not place.address or name not in self._tried:
            self._look(name, place)
        with self._lock:
            held = self._held.get(name)
        now_ns = self._clock.now_ns()
        if held is None or now_ns - held.known_ns > place.stale_s * 10**9:
            return frozenset()
        return held.schedule.on_duty(now_ns)

    @property
    def has_addresses(self) -> bool:
        """Whether there is anything to refresh."""
        return any(place.address for place in self._places.values())

    def refresh(self) -> None:
        """Read the addresses that are due."""
        for name, place in self._places.items():
            due = self._clock.now_ns() - self._tried.get(name, -(10**18)) >= place.every_s * 10**9
            if place.address and due:
                self._look(name, place)

    def _look(self, name: str, place: Place) -> None:
        now_ns = self._clock.now_ns()
        self._tried[name] = now_ns
        try:
            seen = () if place.address else _seen(place.where)
            if seen and self._as_before(name, seen, now_ns):
                return
            found = _read(_fetch(place), place, now_ns)
        except (OSError, ConfigError) as error:
            # What was read before counts on until it is stale: an address that is down changes nobody's duty.
            self.problems[name] = error.message if isinstance(error, ConfigError) else type(error).__name__
            if isinstance(error, ConfigError):
                with self._lock:
                    self._held.pop(name, None)
            return
        with self._lock:
            self._held[name] = _Held(now_ns, now_ns, found, seen)
        self.problems.pop(name, None)

    def _as_before(self, name: str, seen: tuple[int, ...], now_ns: int) -> bool:
        """Whether a file is the one that was read; many people may be asked about at once.

        A calendar is worked out for some days only, so any file is read again after a while.
        """
        with self._lock:
            held = self._held.get(name)
            if held is None or held.file != seen or not 0 <= now_ns - held.read_ns < _FILE_AGAIN_NS:
                return False
            self._held[name] = msgspec.structs.replace(held, known_ns=now_ns)
            return True


def _seen(path: str) -> tuple[int, ...]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(text: bytes, place: Place, now_ns: int) -> Schedule:
    if len(text) > _MOST_BYTES:
        raise ConfigError("is longer than 1 MiB", file=place.where, key="oncall")
    if is_calendar(text):
        return read_calendar(text, place.where, place.people, now_ns)
    return read_schedule(text, place.where)


def _fetch(place: Place) -> bytes:
    if not place.address:
        with Path(place.where).open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    with _OPENER.open(place.where, timeout=_TIMEOUT_SECONDS) as answer:
        found: bytes = answer.read(_MOST_BYTES + 1)
        return found


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows nothing to where others could answer."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        check_place(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_Redirects())


def check_place(place: str) -> None:
    """Refuse an address that others could answer for.

    Raises:
        ConfigError: It is plain HTTP to another host than this one, or no web address at all.
    """
    parts = urlsplit(place)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            "who is on call must not come over plain HTTP", key="oncall.schedule", hint="use https"
        )
    if parts.scheme not in ("http", "https"):
        raise ConfigError(
            f"{parts.scheme}:// is no address of a schedule", key="oncall.schedule", hint="use https"
        )
