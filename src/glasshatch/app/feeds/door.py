"""The door of one receiver: who may come in, what is taken, and what is told of those who may not."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from ...errors import Denied, GlasshatchError
from ...events import Actor, Client, Outcome, Resource
from ...sources import IntakeResult, Item, Listening, Options
from ..house import House
from ..signin.knocking import Knocking
from .planning import Networks

_REFUSED_AGAIN_NS: Final = 3_600 * 10**9
_LOST_AGAIN_NS: Final = 60 * 10**9
_MOST: Final = 10_000
_TOLD_AN_HOUR: Final = 100
"""Addresses told one by one; of more (datagrams may claim any) only their number is."""


class Doorkeeper:
    """A `Door` over a house; safe from any thread. `tell` records what was only counted."""

    def __init__(self, house: House, listening: Listening, networks: Networks) -> None:
        self._house = house
        self._listening = listening
        self._knocking = Knocking(house)
        self._lock = threading.Lock()
        self._told: OrderedDict[str, int] = OrderedDict()
        self._to_tell: dict[str, str] = {}
        self._hour_ns = house.clock.monotonic_ns()
        self._in_hour = 0
        self._others = 0
        self._losses: dict[tuple[str, str], int] = {}
        self._losses_told_ns = -_LOST_AGAIN_NS
        self.allows = networks.hold
        self.refused = 0
        self.lost_count = 0
        self.problem = ""

    def refuse(self, address: str, reason: str) -> None:
        """Count that somebody was turned away; `tell` records it, once an hour for each address."""
        now_ns = self._house.clock.monotonic_ns()
        with self._lock:
            self.refused += 1
            told_ns = self._told.get(address)
            if told_ns is not None and now_ns - told_ns < _REFUSED_AGAIN_NS:
                return
            self._told[address] = now_ns
            self._told.move_to_end(address)
            if len(self._told) > _MOST:
                self._told.popitem(last=False)
            if self._in_hour < _TOLD_AN_HOUR:
                self._in_hour += 1
                self._to_tell[address] = reason
            else:
                self._others += 1

    def identify(self, token: str, address: str) -> Actor:
        """See `Door.identify`."""
        try:
            identity = self._knocking.identify(token, "ingest", self._feed)
        except Denied as denied:
            self.refuse(address, denied.message)
            raise
        return identity.as_actor()

    def take(self, items: Sequence[Item], by: Actor | None = None) -> IntakeResult:
        """See `Door.take`."""
        with self._watched():
            return self._house.intake.take_items(self._listening.kind, self._listening.name, items, by)

    def deliver(self, body: bytes, by: Actor | None = None, options: Options | None = None) -> IntakeResult:
        """See `Door.deliver`; the receiver's own options hold where none are given."""
        given = self._listening.options if options is None else options
        with self._watched():
            return self._house.intake.take(
                self._listening.kind, self._listening.name, body, by, options=given
            )

    def lost(self, count: int, of: str, reason: str) -> None:
        """See `Door.lost`."""
        with self._lock:
            self.lost_count += count
            self._losses[(of, reason)] = self._losses.get((of, reason), 0) + count

    def tell(self, *, last: bool = False) -> None:
        """Record who was refused, and what was lost: the first at once, then what gathers in a minute.

        What cannot be recorded now stays to be told. A crash loses what was counted since the last time.

        Args:
            last: Whether there is no next time: then nothing waits for its minute.
        """
        with contextlib.suppress(GlasshatchError):
            now_ns = self._house.clock.monotonic_ns()
            self._tell_refused(last or now_ns - self._hour_ns >= _REFUSED_AGAIN_NS, now_ns)
            if self._losses and (last or now_ns - self._losses_told_ns >= _LOST_AGAIN_NS):
                self._losses_told_ns = now_ns
                self._tell_lost()

    @property
    def _feed(self) -> str:
        return f"{self._listening.kind}/{self._listening.name}"

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except GlasshatchError as error:
            self.problem = error.message
            raise
        self.problem = ""

    def _tell_refused(self, hour_is_over: bool, now_ns: int) -> None:
        for address, reason in list(self._to_tell.items()):
            self._note_refusal(reason, Client(ip=address))
            with self._lock:
                del self._to_tell[address]
        if hour_is_over:
            if others := self._others:
                self._note_refusal(f"{others} more times addresses that may not send came", None)
            with self._lock:
                self._others -= others
                self._hour_ns, self._in_hour = now_ns, 0

    def _note_refusal(self, reason: str, client: Client | None) -> None:
        self._house.note(
            "source.refused", client=client, outcome=Outcome(status="failure", reason=reason),
            resource=Resource(type="source", id=self._feed, name=self._listening.name),
            attrs={"protocol": self._listening.protocol, "listen": self._listening.address},
        )  # fmt: skip

    def _tell_lost(self) -> None:
        for (of, reason), count in list(self._losses.items()):
            self._house.intake.missed(self._listening.kind, self._listening.name, of, count, reason)
            with self._lock:
                left = self._losses.pop((of, reason)) - count
                if left:
                    self._losses[(of, reason)] = left
