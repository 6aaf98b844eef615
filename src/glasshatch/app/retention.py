"""Retention: entries older than the policy keeps go, whole packs at a time; every hash stays.

Without a policy nothing is ever pruned (C2SP tlog-tiles, "Retention Policies"), and no command goes beyond
it. A legal hold keeps everything from the pack on that names its subject.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..api.retention import Pruned
from ..errors import ConfigError, Conflict, Unavailable
from ..events import DEFAULT_LEDGER, Actor, Event, Link, Outcome, Receipt, Resource
from ..ledger import Ledger, Pack, pruned_blobs
from ..ledger.log import PRUNED_ACTION, blob_of
from .config import duration_seconds
from .house import House
from .pruned_values import drop_pruned_values

MAX_PACKS = 32
"""So many packs are looked at and pruned in one step (two million entries): a step stays short."""

_PAUSE_ENTRIES = 4_096
_SECOND_NS = 10**9


class _Times(msgspec.Struct):
    """When an entry says that it came into being, and when it came to us."""

    time: str = ""
    observed_time: str = ""


class _Age(msgspec.Struct, frozen=True):
    """When the oldest and the newest entry of a pack were recorded."""

    oldest_ns: int
    newest_ns: int


_times = msgspec.json.Decoder(_Times).decode


class Retention:
    """Finds what may go and lets it go; nothing is done before it is recorded."""

    def __init__(self, house: House, *, calm: bool = False) -> None:
        """`calm` takes no more than half of a processor while it looks."""
        self._house = house
        self._calm = calm
        self._stopping = threading.Event()
        # Packs never change, so each is read once for its age.
        self._ages: dict[Path, _Age | None] = {}

    @property
    def keep(self) -> str:
        """How long entries are kept, as in `400d`; empty for always."""
        return self._house.loaded.config.retention.keep

    def prune(
        self,
        name: str = DEFAULT_LEDGER,
        *,
        before: str = "",
        reason: str = "",
        actor: Actor | None = None,
        dry_run: bool = False,
    ) -> Pruned:
        """Prune one step of what is older than the policy keeps, or than `before` (ns) if that is earlier.

        Args:
            dry_run: Only say what would go.

        Raises:
            ConfigError: There is no policy, or `before` lies within the time that it keeps.
            Conflict: A legal hold came meanwhile.
            Unavailable: The disk or the ledger failed; what was recorded is carried out later.
        """
        ledger, cutoff_ns, held = self._house.ledgers.get(name), self._cutoff(before), self._held()
        packs, stopped = self._going(ledger, cutoff_ns, held)
        told = self._told(ledger, packs, stopped)
        if dry_run or not packs:
            return told

        def record(links: tuple[Link, ...]) -> Receipt:
            if self._held() - held:
                raise Conflict("a legal hold was placed meanwhile", hint="give the command again")
            event = self._event(name, told, links, cutoff_ns, reason, actor)
            return self._house.recorder.record(event, ledger=name)

        pruning = ledger.prune(packs[-1].stop, record)
        drop_pruned_values(name, ledger, self._house.control)
        return msgspec.structs.replace(told, minimum=pruning.minimum, entry=pruning.entry)

    def stop(self) -> None:
        """End the step under way before it records anything; one that is recorded is carried out."""
        self._stopping.set()

    def _cutoff(self, before: str) -> int:
        if not self.keep:
            raise ConfigError(
                "is not set, and without a retention policy nothing is pruned", key="retention.keep",
                file=str(self._house.loaded.file), hint='as in keep = "400d"; then restart the server',
            )  # fmt: skip
        policy_ns = self._house.clock.now_ns() - duration_seconds(self.keep) * _SECOND_NS
        if before and int(before) > policy_ns:
            raise ConfigError(
                f"lies within the {self.keep} that the retention policy keeps", key="before",
                hint="give an earlier time, or change retention.keep",
            )  # fmt: skip
        return int(before) if before else policy_ns

    def _held(self) -> frozenset[str]:
        return self._house.control.holds.live()

    def _going(self, ledger: Ledger, cutoff_ns: int, held: frozenset[str]) -> tuple[list[Pack], str]:
        """The packs of one step, and why it ends there; nothing if only because it is long enough."""
        going: list[Pack] = []
        names = re.compile(b"|".join(re.escape(name.encode()) for name in sorted(held))) if held else None
        for pack in ledger.prunable():
            if len(going) == MAX_PACKS:
                return going, ""
            age = self._age(ledger, pack)
            if age is None or age.newest_ns >= cutoff_ns:
                return going, "what comes next is not old enough"
            if names is not None and any(names.search(whole) for whole in self._wholes(ledger, pack)):
                return going, "a legal hold keeps what comes next"
            going.append(pack)
        return going, "what comes next is not in a pack of its own yet"

    def _age(self, ledger: Ledger, pack: Pack) -> _Age | None:
        if pack.path not in self._ages:
            found = (recorded_ns(entry) for _, entry in self._entries(ledger, pack))
            times = [time_ns for time_ns in found if time_ns is not None]
            self._ages[pack.path] = _Age(min(times), max(times)) if times else None
        return self._ages[pack.path]

    def _wholes(self, ledger: Ledger, pack: Pack) -> Iterator[bytes]:
        """Each entry; where it is a short form, all that was recorded: a name may stand in what was cut."""
        for index, entry in self._entries(ledger, pack):
            yield ledger.whole(index) if blob_of(entry) else entry

    def _entries(self, ledger: Ledger, pack: Pack) -> Iterator[tuple[int, bytes]]:
        started_s = time.monotonic()
        for count, (index, entry) in enumerate(ledger.scan(pack.first, pack.stop), 1):
            yield index, entry
            if self._stopping.is_set():
                raise Unavailable("the server stops", hint="old entries go when it runs again")
            if self._calm and count % _PAUSE_ENTRIES == 0:
                # The gateway shares this processor.
                time.sleep(time.monotonic() - started_s)
                started_s = time.monotonic()

    def _told(self, ledger: Ledger, packs: list[Pack], stopped: str) -> Pruned:
        ages = [age for pack in packs if (age := self._age(ledger, pack)) is not None]
        return Pruned(
            minimum=packs[-1].stop if packs else ledger.minimum,
            packs=len(packs),
            entries=packs[-1].stop - packs[0].first if packs else 0,
            bytes=_bytes_of(ledger, packs),
            since=str(min(age.oldest_ns for age in ages)) if ages else "",
            until=str(max(age.newest_ns for age in ages)) if ages else "",
            more=not stopped,
            stopped=stopped,
        )

    def _event(
        self,
        name: str,
        told: Pruned,
        links: tuple[Link, ...],
        cutoff_ns: int,
        reason: str,
        actor: Actor | None,
    ) -> Event:
        return self._house.maker.make(
            PRUNED_ACTION,
            actor=actor,
            outcome=Outcome(status="success", reason=reason),
            resource=Resource(type="ledger", id=f"ledger/{name}", name=name),
            links=links,
            attrs={
                "policy": self.keep, "before": str(cutoff_ns), "packs": str(told.packs),
                "entries": str(told.entries), "bytes": str(told.bytes), "since": told.since,
                "until": told.until,
            },
        )  # fmt: skip


def _bytes_of(ledger: Ledger, packs: list[Pack]) -> int:
    """What the packs take on the disk, with the blobs of their entries."""
    if not packs:
        return 0
    blobs = (ledger.directory / path for path in pruned_blobs(ledger.directory, packs[-1].stop))
    return sum(path.stat().st_size for path in (*(pack.path for pack in packs), *blobs))


def recorded_ns(entry: bytes) -> int | None:
    """When an entry was recorded: for what others sent, when it came; None if it does not say.

    What a feed says of its own time is not asked: a wrong clock, or somebody who writes a far future into an
    event, must neither keep entries for ever nor let them go too early.
    """
    try:
        found = _times(entry)
        return int(found.observed_time or found.time)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
