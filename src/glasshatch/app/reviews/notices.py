"""People are told of what waits for them, beside the work: nobody waits for a channel.

What is not delivered after some tries is recorded as such. What waits to be sent lies in memory: after a
restart those who may judge are told again of what still waits.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from ...errors import GlasshatchError

_TRIES_SECONDS = (1.0, 5.0, 20.0, 60.0)
_MOST_WAITING = 1_000

Kind = Literal["request", "break-glass"]


class Judge(msgspec.Struct, frozen=True):
    """Somebody who may judge, and the link that is theirs; empty where the channel has no page."""

    name: str
    link: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody must hear: nothing in it is a value of a database, for reasons are redacted."""

    id: str
    kind: Kind
    title: str
    who: str
    resource: str
    reason: str
    what: str = ""
    ends: str = ""
    judges: tuple[Judge, ...] = ()

    def text(self) -> str:
        """As a person reads it."""
        lines = [f"{self.who} on {self.resource}: {self.reason}", self.what]
        lines += [f"{one.name}: {one.link}" for one in self.judges if one.link]
        if self.kind == "request" and not any(one.link for one in self.judges):
            lines.append(f"glasshatch approve {self.id}, or glasshatch deny {self.id}")
        return "\n".join(line for line in lines if line)


class Channel(Protocol):
    """One way to people."""

    name: str
    kinds: tuple[str, ...]
    page: str

    def send(self, notice: Notice) -> None:
        """Hand it over; raises `GlasshatchError` if it was not taken."""


class Notifier:
    """Channels, each with a thread of its own, so that one that hangs holds up no other.

    `failed` is told which channel did not take which notice, after the last try.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        failed: Callable[[str, Notice, str], object],
        waits_s: Sequence[float] = _TRIES_SECONDS,
    ) -> None:
        self.channels = tuple(channels)
        self._failed = failed
        self._waits_s = waits_s
        self._stopped = threading.Event()
        self._queues: list[queue.Queue[Notice | None]] = [queue.Queue(_MOST_WAITING) for _ in channels]
        self._threads = [
            threading.Thread(target=self._run, args=pair, name=f"notices {pair[0].name}", daemon=True)
            for pair in zip(self.channels, self._queues, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def tell(self, make: Callable[[str], Notice], kind: Kind) -> None:
        """Tell everybody of this kind of thing; never waits.

        Args:
            make: Makes the notice for a channel whose page has this address.
        """
        for channel, waiting in zip(self.channels, self._queues, strict=True):
            if kind not in channel.kinds:
                continue
            notice = make(channel.page)
            try:
                waiting.put_nowait(notice)
            except queue.Full:
                self._failed(channel.name, notice, "too much waits for it already")

    def close(self) -> None:
        """Try what waits once more, and end."""
        self._stopped.set()
        for waiting in self._queues:
            try:
                waiting.put_nowait(None)
            except queue.Full:
                continue
        for thread in self._threads:
            thread.join(5)

    def _run(self, channel: Channel, waiting: queue.Queue[Notice | None]) -> None:
        while (notice := waiting.get()) is not None:
            self._deliver(channel, notice)

    def _deliver(self, channel: Channel, notice: Notice) -> None:
        why = ""
        for wait_s in (*self._waits_s, 0.0):
            try:
                channel.send(notice)
            except GlasshatchError as error:
                why = error.message
            except Exception as error:
                # A plug-in of others; its words could hold its address, which is a secret.
                why = type(error).__name__
            else:
                return
            if self._stopped.wait(wait_s):
                break
        try:
            self._failed(channel.name, notice, why)
        except GlasshatchError:
            return  # what could not be recorded now is not worth a thread's end
