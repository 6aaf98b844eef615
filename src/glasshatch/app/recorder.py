"""The one door into the ledgers: every event is redacted, made canonical and only then appended."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from ..clock import Clock
from ..errors import GlasshatchError, TooLarge, Unavailable
from ..events import ACTIONS, Done, Event, Receipt, Source, encode, uuid7
from ..keys import DEFAULT_LEDGER
from ..masking import Redactor
from .streams import NO_STREAMS, Streams


class Appender(Protocol):
    """The ledger, as far as the recorder needs it."""

    def submit_all(self, items: Sequence[tuple[bytes, Done | None]]) -> None: ...


class Recorder:
    """An `EventSink` over the ledgers. Events reach each ledger in the order of submission.

    A crash before a ledger's acknowledgement leaves nothing half-stored; what was acknowledged
    is durable. An event too large for a leaf loses its free text, which the event then says.
    """

    def __init__(
        self,
        ledger: Appender,
        redactor: Redactor,
        streams: Streams = NO_STREAMS,
        others: Callable[[str], Appender] | None = None,
    ) -> None:
        """`ledger` is the default one; `others` finds those that the streams name."""
        self._ledger = ledger
        self._redactor = redactor
        self._streams = streams
        self._others = others

    def submit(self, event: Event, done: Done | None = None, *, ledger: str = "") -> None:
        """Redact and append; `done` hears of success or failure exactly once.

        Args:
            ledger: Append to this one, and not to where the event's stream leads.
        """
        try:
            entry = self._entry(event)
        except GlasshatchError as error:
            if done:
                done(error)
            return
        self._append(ledger or self._streams.of_event(event), [(entry, done)])

    def submit_all(
        self, events: Sequence[Event], done: Callable[[int, Receipt | GlasshatchError], None], feed: str = ""
    ) -> None:
        """Redact many events in one scan and append them in this order, to the ledger of their feed.

        `done` hears of each exactly once, by its place. An event that is too large for a leaf is refused.
        """
        items: list[tuple[bytes, Done | None]] = []
        for place, redacted in enumerate(self._redactor.events(events)):
            try:
                entry = encode(redacted)
            except TooLarge as error:
                done(place, error)
            except (TypeError, ValueError, OverflowError) as error:
                # Our own bug, and no reason to let the others wait for an answer that does not come.
                done(place, TooLarge(f"an event cannot be written: {type(error).__name__}"))
            else:
                items.append((entry, partial(done, place)))
        self._append(self._streams.of_feed(feed), items)

    def record(self, event: Event, timeout_s: float = 30.0, *, ledger: str = "") -> Receipt:
        """Append and wait until durable; not for the event loop.

        Raises:
            Unavailable: The ledger did not acknowledge in time, or refused.
        """
        answer: concurrent.futures.Future[Receipt | GlasshatchError] = concurrent.futures.Future()
        self.submit(event, answer.set_result, ledger=ledger)
        try:
            result = answer.result(timeout_s)
        except concurrent.futures.TimeoutError:
            raise Unavailable(
                "the ledger did not acknowledge in time", hint="look at the disk under it"
            ) from None
        if isinstance(result, GlasshatchError):
            raise result
        return result

    def _append(self, name: str, items: Sequence[tuple[bytes, Done | None]]) -> None:
        if name == DEFAULT_LEDGER or self._others is None:
            self._ledger.submit_all(items)
            return
        try:
            ledger = self._others(name)
        except GlasshatchError as error:
            # Never to another one instead: who reads that ledger would see what is not theirs.
            for _, done in items:
                if done:
                    done(error)
            return
        ledger.submit_all([(entry, partial(_named, name, done) if done else None) for entry, done in items])

    def _entry(self, event: Event) -> bytes:
        redacted = self._redactor.event(event)
        try:
            return encode(redacted)
        except TooLarge:
            return encode(_without_bulk(redacted))


def _named(name: str, done: Done, answer: Receipt | GlasshatchError) -> None:
    done(msgspec.structs.replace(answer, ledger=name) if isinstance(answer, Receipt) else answer)


def _without_bulk(event: Event) -> Event:
    """The same fact without its free text; the hash of a statement stays and still identifies it."""
    statement = event.statement
    if statement is not None:
        statement = msgspec.structs.replace(statement, text="[TOO LARGE]", shape="")
    return msgspec.structs.replace(
        event,
        statement=statement,
        native=None,
        attrs={"truncated": "text, attrs and native exceeded the entry size"},
    )


class EventMaker:
    """Fills in what every event of one program instance shares."""

    def __init__(self, clock: Clock, *, tenant: str, kind: str = "glasshatch", instance: str = "") -> None:
        self._clock = clock
        self._tenant = tenant
        self._source = Source(kind=kind, instance=instance)

    def make(self, action: str, **members: Any) -> Event:
        """An event of now; `action` must stand in the catalogue."""
        now_ns = self._clock.now_ns()
        members.setdefault("severity", ACTIONS[action].severity)
        return Event(
            id=uuid7(now_ns, os.urandom(10)),
            time=str(now_ns),
            tenant=self._tenant,
            action=action,
            source=self._source,
            **members,
        )
