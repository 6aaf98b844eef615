"""The one door into the ledgers: every event is redacted, made canonical and only then appended."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from ..clock import Clock
from ..errors import GlasshatchError, TooLarge, Unavailable
from ..events import (
    ACTIONS,
    Answers,
    Done,
    Draft,
    Encoded,
    Event,
    Receipt,
    Redaction,
    SealedField,
    Source,
    Submission,
    encode,
    event_of,
    uuid7,
)
from ..keys import DEFAULT_LEDGER
from ..ledger import Large
from ..masking import Redactor, Stencils
from .shortening import fitted, is_entry, without_bulk
from .streams import NO_STREAMS, Streams

if TYPE_CHECKING:
    from .vault import SealedBatch, Sealer  # with the control store, which the back has not

Answered = Callable[[int, Receipt | GlasshatchError], None]
Entry = bytes | Large


class Appender(Protocol):
    """The ledger, as far as the recorder needs it."""

    def submit_all(self, items: Sequence[tuple[Entry, Done | None]]) -> None: ...


@runtime_checkable
class Grouping(Protocol):
    """A ledger that gives many entries one answer."""

    def submit_together(self, entries: Sequence[bytes], done: Done) -> bool: ...


class Recorder:
    """An `EventSink` over the ledgers. Events reach each ledger in the order of submission.

    A crash before a ledger's acknowledgement leaves nothing half-stored; what was acknowledged
    is durable. Of an event too large for an entry the whole redacted bytes are kept beside the ledger, and
    the entry is what fits of it.
    """

    def __init__(
        self,
        ledger: Appender,
        redactor: Redactor,
        streams: Streams = NO_STREAMS,
        others: Callable[[str], Appender] | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        """`ledger` is the default one; `others` finds those that the streams name.

        `sealer` is given where the configuration says that something is sealed.
        """
        self._ledger = ledger
        self._redactor = redactor
        self._streams = streams
        self._others = others
        self._sealer = sealer
        self._stencils = Stencils(redactor)

    def submit_many(self, items: Sequence[Submission]) -> None:
        """As `submit` for each, in this order; what is new in all drafts together is scanned at once.

        For one thread only, that of the event loop.
        """
        drafts = [record for record, _ in items if isinstance(record, Draft)]
        ready = iter(self._drafted(drafts))
        run: list[tuple[Entry, Done | None]] = []
        where = DEFAULT_LEDGER
        for record, done in items:
            made = next(ready) if isinstance(record, Draft) else None
            entry = made if made is not None else self._entry_or_error(record)
            if isinstance(entry, GlasshatchError):
                if done:
                    done(entry)
                continue
            ledger = self._streams.of_event(record.form.event if isinstance(record, Draft) else record)
            if ledger != where and run:
                self._append(where, run)
                run = []
            where = ledger
            run.append((entry, done))
        if run:
            self._append(where, run)

    def _entry_or_error(self, record: Event | Draft) -> Entry | GlasshatchError:
        try:
            return self._entry(event_of(record), ())
        except GlasshatchError as error:
            return error
        except (TypeError, ValueError, OverflowError) as error:
            return _unwritable(error)

    def _drafted(self, drafts: Sequence[Draft]) -> Sequence[bytes | None]:
        try:
            return self._stencils.entries(drafts) if drafts else ()
        except Exception:
            # The long way shows what it was, for the one event that it is about.
            return [None] * len(drafts)

    def submit(
        self,
        event: Event,
        done: Done | None = None,
        *,
        ledger: str = "",
        sealed: tuple[SealedField, ...] = (),
    ) -> None:
        """Redact and append; `done` hears of success or failure exactly once.

        Args:
            ledger: Append to this one, and not to where the event's stream leads.
            sealed: What the event commits to; the caller has put the values into the vault.
        """
        try:
            entry = self._entry(event, sealed)
        except GlasshatchError as error:
            if done:
                done(error)
            return
        self._append(ledger or self._streams.of_event(event), [(entry, done)])

    def submit_all(self, events: Sequence[Event | Encoded], done: Answered | Answers, feed: str = "") -> None:
        """Redact many events in one scan and append them in this order, to the ledger of their feed.

        `done` hears of each exactly once, by its place. An event that is too large even to be kept beside the
        ledger is refused, and so is one of which something should be sealed and cannot be.
        """
        ledger = self._streams.of_feed(feed)
        batch = self._sealer.begin([*map(event_of, events)], feed) if self._sealer is not None else None
        if batch is None:
            answers = self._redacted(events, feed)
            if isinstance(done, Answers) and self._together(ledger, answers, done):
                return
        else:
            answers = self._sealed(batch, ledger, feed)
            done = partial(batch.answered, done)
        items: list[tuple[Entry, Done | None]] = []
        for place, answer in enumerate(answers):
            if isinstance(answer, GlasshatchError):
                done(place, answer)
            else:
                items.append((answer, partial(done, place)))
        self._append(ledger, items)

    def _redacted(self, events: Sequence[Event | Encoded], feed: str) -> list[Entry | GlasshatchError]:
        """The entries of events of which nothing is sealed: from bytes to bytes where that is possible."""
        made = self._redactor.encoded(events, feed)
        answers: list[Entry | GlasshatchError | None] = [
            one if one is not None and is_entry(one) else None for one in made
        ]
        rest = [place for place, one in enumerate(answers) if one is None]
        redacted = self._redactor.events([event_of(events[place]) for place in rest], feed) if rest else ()
        for place, event in zip(rest, redacted, strict=True):
            answers[place] = _encoded(event)
        return [answer for answer in answers if answer is not None]

    def _together(self, name: str, answers: Sequence[Entry | GlasshatchError], done: Answers) -> bool:
        """Append entries that have one answer; false, and nothing is done, if they cannot have one."""
        try:
            ledger = self._ledger_of(name)
        except GlasshatchError:
            return False
        if not isinstance(ledger, Grouping) or not all(type(one) is bytes for one in answers):
            return False
        entries: list[Any] = list(answers)
        heard = partial(done.together, range(len(entries)))
        return ledger.submit_together(
            entries, heard if ledger is self._ledger else partial(_named, name, heard)
        )

    def _ledger_of(self, name: str) -> Appender:
        return self._ledger if name == DEFAULT_LEDGER or self._others is None else self._others(name)

    def _sealed(self, batch: SealedBatch, ledger: str, feed: str) -> list[Entry | GlasshatchError]:
        entries = [
            _encoded(batch.commit(place, redacted))
            for place, redacted in enumerate(self._redactor.events(batch.events, feed))
        ]
        # One commit of the vault for all of them, and before the first leaf: a leaf whose value is not
        # there could never be revealed. A crash in between leaves values without a leaf.
        whole = [place for place, entry in enumerate(entries) if not isinstance(entry, GlasshatchError)]
        refusal = batch.keep(whole, ledger)
        if refusal is None:
            return entries
        return [refusal if batch.holds(place) else entry for place, entry in enumerate(entries)]

    def record(
        self,
        event: Event,
        timeout_s: float = 30.0,
        *,
        ledger: str = "",
        sealed: tuple[SealedField, ...] = (),
    ) -> Receipt:
        """Append and wait until durable; not for the event loop.

        Raises:
            Unavailable: The ledger did not acknowledge in time, or refused.
        """
        answer: concurrent.futures.Future[Receipt | GlasshatchError] = concurrent.futures.Future()
        self.submit(event, answer.set_result, ledger=ledger, sealed=sealed)
        return _answered(answer, timeout_s)

    def record_all(self, events: Sequence[Event], timeout_s: float = 30.0) -> None:
        """Append many in this order and wait until all are durable; not for the event loop.

        Raises:
            Unavailable: One was not acknowledged in time, or refused; others may stand in the record.
        """
        answers: list[concurrent.futures.Future[Receipt | GlasshatchError]] = []
        for event in events:
            answers.append(concurrent.futures.Future())
            self.submit(event, answers[-1].set_result)
        for answer in answers:
            _answered(answer, timeout_s)

    def _append(self, name: str, items: Sequence[tuple[Entry, Done | None]]) -> None:
        if name == DEFAULT_LEDGER or self._others is None:
            self._ledger.submit_all(items)
            return
        try:
            ledger = self._ledger_of(name)
        except GlasshatchError as error:
            # Never to another one instead: who reads that ledger would see what is not theirs.
            for _, done in items:
                if done:
                    done(error)
            return
        ledger.submit_all([(entry, partial(_named, name, done) if done else None) for entry, done in items])

    def _entry(self, event: Event, sealed: tuple[SealedField, ...]) -> Entry:
        redacted = self._redactor.event(event)
        if sealed:
            redaction = msgspec.structs.replace(redacted.redaction or Redaction(), sealed=sealed)
            redacted = msgspec.structs.replace(redacted, redaction=redaction)
        try:
            return fitted(redacted)
        except TooLarge:
            # That it happened is recorded, whatever its size was.
            return encode(without_bulk(redacted))


def _answered(answer: concurrent.futures.Future[Receipt | GlasshatchError], timeout_s: float) -> Receipt:
    try:
        result = answer.result(timeout_s)
    except concurrent.futures.TimeoutError:
        raise Unavailable(
            "the ledger did not acknowledge in time", hint="look at the disk under it"
        ) from None
    if isinstance(result, GlasshatchError):
        raise result
    return result


def _named(name: str, done: Done, answer: Receipt | GlasshatchError) -> None:
    done(msgspec.structs.replace(answer, ledger=name) if isinstance(answer, Receipt) else answer)


def _encoded(event: Event) -> Entry | GlasshatchError:
    try:
        return fitted(event)
    except TooLarge as error:
        return error
    except (TypeError, ValueError, OverflowError) as error:
        return _unwritable(error)


def _unwritable(error: Exception) -> TooLarge:
    """Our own bug, and no reason to let the others wait for an answer that does not come."""
    return TooLarge(f"an event cannot be written: {type(error).__name__}")


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
