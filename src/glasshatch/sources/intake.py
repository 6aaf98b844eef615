"""The way in for feeds: parse, tell copies apart, record, and answer when all of it is durable."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from ..clock import Clock
from ..errors import ConfigError, GlasshatchError, TooLarge, Unavailable
from ..events import Actor, Event, Link, Receipt, uuid7
from .items import Item, Piece, read_item, split
from .parsed import Arrival, Parsed, Rejected, SourceKind
from .quarantine import quarantined
from .seen import LABEL, Seen, key_of

_SKEW_AHEAD_NS = 86_400 * 10**9
_SKEW_BEHIND_NS = 7 * 86_400 * 10**9
_NAMED_PROBLEMS = 20
_PATIENCE_SECONDS = 60.0
_BATCH_ITEMS = 1_000
_BATCH_BYTES = 4 * 1024 * 1024

Answer = Receipt | GlasshatchError


class Recorder(Protocol):
    """The door into the record, for many events at once."""

    def submit_all(
        self, events: Sequence[Event], done: Callable[[int, Answer], None], feed: str = ""
    ) -> None:
        """Redact and record events of the feed `kind/name` in this order, all in one ledger.

        `done` hears of each exactly once, by its place in the sequence: a receipt once it is durable, or
        why it is not recorded.
        """


class Problem(msgspec.Struct, frozen=True):
    """An item that is quarantined: its place, and why."""

    item: int
    reason: str


class IntakeResult(msgspec.Struct, frozen=True):
    """What became of the items of a delivery."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    skewed: int = 0
    problems: tuple[Problem, ...] = ()

    def plus(self, other: IntakeResult) -> IntakeResult:
        """Both together."""
        return IntakeResult(
            self.accepted + other.accepted, self.duplicates + other.duplicates,
            self.quarantined + other.quarantined, self.skewed + other.skewed,
            (self.problems + other.problems)[:_NAMED_PROBLEMS],
        )  # fmt: skip


class Intake:
    """Takes deliveries of any kind of source. Safe from any thread."""

    def __init__(
        self,
        recorder: Recorder,
        seen: Callable[[], Seen],
        kinds: dict[str, SourceKind],
        clock: Clock,
        random: Callable[[int], bytes],
        tenant: str,
        redact: Callable[[Sequence[str]], list[str]],
        names: Callable[[Sequence[Event], str], list[Event]] | None = None,
    ) -> None:
        """`seen` is called at the first delivery: what it costs is not paid by who has no feeds.

        Args:
            redact: Takes what is personal out of texts, before an excerpt is cut of them.
            names: Takes names out of the free text of a feed's events; it may take its time, and only the
                delivery that it is about waits.
        """
        self._recorder = recorder
        self._open_seen = seen
        self._seen: Seen | None = None
        self._outstanding: _Collected | None = None
        self._kinds = kinds
        self._clock = clock
        self._random = random
        self._tenant = tenant
        self._redact = redact
        self._names = names
        self._one_at_a_time = threading.Lock()

    def take(
        self,
        kind: str,
        name: str,
        body: bytes,
        by: Actor | None = None,
        *,
        file: str = "",
        first_line: int = 0,
    ) -> IntakeResult:
        """Record the items of a delivery; all that is answered for is durable.

        An item that is not understood is recorded too, redacted and shortened, as `intake.quarantined`.

        Args:
            name: The source's instance, as in `prod`.
            by: Who delivered it.
            file, first_line: The file's name and the place of the body's first line in it; 0 for a live
                delivery.

        Raises:
            ConfigError: There is no such kind of source.
            TooLarge: It has too many items; nothing was stored.
            Unavailable: Not everything could be recorded; to deliver it again doubles nothing that has a key.
        """
        found = self._kind(kind)
        delivery = _Delivery(found, name, by, self._clock.now_ns(), file, first_line)
        pieces = split(body, first_line or 1)
        fullest = _fullest(found, pieces) if len(pieces) > _BATCH_ITEMS else {}
        result = IntakeResult()
        for part in _batches(pieces):
            taken = [self._item(delivery, read_item(piece)) for piece in part]
            fresh = _heaviest([one for one in taken if fullest.get(one.short, one.place) == one.place])
            fresh = self._without_names(delivery, fresh)
            with self._one_at_a_time:
                result = result.plus(self._record(delivery, fresh, len(taken)))
        return result

    def close(self) -> None:
        """Let the store of what was seen go."""
        with self._one_at_a_time:
            self._forget()

    def _kind(self, kind: str) -> SourceKind:
        found = self._kinds.get(kind)
        if found is None:
            raise ConfigError(
                f"there is no source {kind[:40]!r}",
                key="source",
                hint=f"there are {', '.join(sorted(self._kinds))}",
            )
        return found

    def _item(self, delivery: _Delivery, item: Item) -> _Taken:
        kind, arrival = delivery.kind, self._arrival(delivery, item.place)
        parsed = Rejected(item.problem) if item.problem else _parsed(kind, item, arrival)
        if isinstance(parsed, Rejected):
            return self._rejected(delivery, item, parsed.reason, arrival)
        key = self._key(delivery, parsed.key) if parsed.key else ""
        event, skewed = _skewed(parsed.event, delivery.now_ns, live=not delivery.first_line)
        return _Taken(item, self._complete(event, delivery, key), key, parsed.key, parsed.weight, "", skewed)

    def _without_names(self, delivery: _Delivery, taken: list[_Taken]) -> list[_Taken]:
        if self._names is None:
            return taken
        events = self._names([one.event for one in taken], f"{delivery.kind.name}/{delivery.name}")
        return [msgspec.structs.replace(one, event=event) for one, event in zip(taken, events, strict=True)]

    def _arrival(self, delivery: _Delivery, place: int) -> Arrival:
        now_ns = delivery.now_ns
        line = place if delivery.first_line else 0
        return Arrival(
            now_ns, delivery.name, self._tenant, lambda: uuid7(now_ns, self._random(10)), delivery.file, line
        )

    def _rejected(self, delivery: _Delivery, item: Item, reason: str, arrival: Arrival) -> _Taken:
        where = f"{'line' if delivery.first_line else 'item'} {item.place}"
        event = quarantined(delivery.kind, item, f"{where} {reason}", arrival, self._redact)
        short = _key_of_rejected(item, arrival)
        key = self._key(delivery, short) if short else ""
        return _Taken(item, self._complete(event, delivery, key), key, short, 0, reason)

    def _key(self, delivery: _Delivery, key: str) -> str:
        return key_of(
            self._tenant, delivery.kind.name, delivery.name if delivery.kind.one_instance else "", key
        )

    def _complete(self, event: Event, delivery: _Delivery, key: str) -> Event:
        """What only the intake knows: tenant, when it was seen, who delivered it, its key."""
        changes: dict[str, Any] = {"tenant": self._tenant, "observed_time": str(delivery.now_ns)}
        if key:
            changes["labels"] = {**event.labels, LABEL: key}
        if delivery.by is not None:
            changes["links"] = (*event.links, Link(rel="delivered_by", id=delivery.by.id))
        return msgspec.structs.replace(event, **changes)

    def _record(self, delivery: _Delivery, taken: list[_Taken], total: int) -> IntakeResult:
        """Record what was not recorded before; the caller holds the lock."""
        seen = self._ready()
        try:
            known = seen.known([one.key for one in taken if one.key])
            fresh = [one for one in taken if not one.key or one.key not in known]
            if fresh:
                fresh, last = self._submit(delivery, fresh)
                # A crash here leaves keys that the record has and this file has not: the next start learns
                # them.
                seen.note([one.key for one in fresh if one.key], last.index + 1, last.ledger)
        except BaseException:
            # Something may be in the record, or on its way there, whose key is not noted. The store of what
            # was seen is opened anew, which learns it from the record, before anything is looked up again.
            self._forget()
            raise
        problems = [Problem(one.place, one.problem) for one in fresh if one.problem]
        return IntakeResult(
            accepted=len(fresh) - len(problems), duplicates=total - len(fresh), quarantined=len(problems),
            skewed=sum(one.skewed for one in fresh), problems=tuple(problems[:_NAMED_PROBLEMS]),
        )  # fmt: skip

    def _submit(self, delivery: _Delivery, fresh: list[_Taken]) -> tuple[list[_Taken], Receipt]:
        """Record events and wait; what turns out to be too large is quarantined instead."""
        answers = self._answers(delivery, [one.event for one in fresh])
        large = [place for place, answer in enumerate(answers) if isinstance(answer, TooLarge)]
        if large:
            for place in large:
                reason = "is too large to be kept"
                item = msgspec.structs.replace(fresh[place].item, problem=reason)
                rejected = self._rejected(delivery, item, reason, self._arrival(delivery, item.place))
                fresh[place] = self._without_names(delivery, [rejected])[0]
            for place, answer in zip(
                large, self._answers(delivery, [fresh[place].event for place in large]), strict=True
            ):
                answers[place] = answer
        failed = next((answer for answer in answers if not isinstance(answer, Receipt)), None)
        if failed is not None:
            raise Unavailable(f"not everything was recorded: {failed.message}", hint="deliver it again")
        receipts = [answer for answer in answers if isinstance(answer, Receipt)]
        return fresh, max(receipts, key=lambda receipt: receipt.index)

    def _answers(self, delivery: _Delivery, events: list[Event]) -> list[Answer]:
        collected = self._outstanding = _Collected(len(events))
        self._recorder.submit_all(events, collected.done, f"{delivery.kind.name}/{delivery.name}")
        answers = collected.wait()
        self._outstanding = None
        return answers

    def _ready(self) -> Seen:
        if self._outstanding is not None:
            # What an earlier delivery left on its way must arrive, or fail, before the record can tell.
            self._outstanding.wait()
            self._outstanding = None
        if self._seen is None:
            self._seen = self._open_seen()
        return self._seen

    def _forget(self) -> None:
        if self._seen is not None:
            self._seen.close()
            self._seen = None


class _Delivery(msgspec.Struct, frozen=True):
    kind: SourceKind
    name: str
    by: Actor | None
    now_ns: int
    file: str
    first_line: int


class _Taken(msgspec.Struct, frozen=True):
    """An item on its way in. `short` is the parser's key, `key` the stored one."""

    item: Item
    event: Event
    key: str
    short: str
    weight: int
    problem: str = ""
    skewed: bool = False

    @property
    def place(self) -> int:
        return self.item.place


class _Collected:
    """Waits until every event of a batch has its answer."""

    def __init__(self, count: int) -> None:
        self._answers: list[Answer | None] = [None] * count
        self._missing = count
        self._condition = threading.Condition()

    def done(self, place: int, answer: Answer) -> None:
        with self._condition:
            self._answers[place] = answer
            self._missing -= 1
            if not self._missing:
                self._condition.notify_all()

    def wait(self) -> list[Answer]:
        """The answers; raises `Unavailable` if one does not come in time."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._missing <= 0, _PATIENCE_SECONDS):
                raise Unavailable("the ledger did not acknowledge in time", hint="deliver it again")
        return [answer for answer in self._answers if answer is not None]


def _parsed(kind: SourceKind, item: Item, arrival: Arrival) -> Parsed | Rejected:
    try:
        return kind.parse(item.value, item.data, arrival)
    except (GlasshatchError, ValueError, TypeError, RecursionError) as error:
        # Whatever a foreign item holds, it is kept and counted, and stops nobody.
        return Rejected(f"is not understood ({type(error).__name__})")


def _batches(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Parts that are parsed and recorded at once; between them others have their turn."""
    start = size = 0
    for at, (_, data) in enumerate(pieces):
        if at - start >= _BATCH_ITEMS or (size and size + len(data) > _BATCH_BYTES):
            yield pieces[start:at]
            start, size = at, 0
        size += len(data)
    if start < len(pieces):
        yield pieces[start:]


def _fullest(kind: SourceKind, pieces: list[Piece]) -> dict[str, int]:
    """By key, the place of the fullest copy in a delivery of several batches."""
    best: dict[str, tuple[int, int]] = {}
    for piece in pieces if kind.weigh is not None else ():
        item = read_item(piece)
        key, weight = ("", 0) if item.problem or kind.weigh is None else kind.weigh(item.value)
        if key and (key not in best or weight > best[key][0]):
            best[key] = (weight, item.place)
    return {key: place for key, (_, place) in best.items()}


def _heaviest(items: list[_Taken]) -> list[_Taken]:
    """Of several copies of a fact in one batch the fullest one, at the place of the first."""
    best: dict[str, _Taken] = {}
    for one in items:
        name = one.key or f"-{one.place}"
        known = best.get(name)
        if known is None or one.weight > known.weight:
            best[name] = one
    return list(best.values())


def _key_of_rejected(item: Item, arrival: Arrival) -> str:
    """What is not understood comes once as well, if its place in a file or its own id tells it again."""
    content = hashlib.blake2b(item.data, digest_size=16).hexdigest()
    if arrival.line:
        return f"rejected line {arrival.file} {arrival.line} {content}"
    given = item.value.get("id") if isinstance(item.value, dict) else None
    return f"rejected id {given} {content}" if isinstance(given, str) and given else ""


def _skewed(event: Event, now_ns: int, *, live: bool) -> tuple[Event, bool]:
    """The event, marked if its clock is far off: a day ahead, or a week behind in a live delivery."""
    ahead = event.time_ns - now_ns
    off = "ahead" if ahead > _SKEW_AHEAD_NS else "behind" if live and -ahead > _SKEW_BEHIND_NS else ""
    if not off:
        return event, False
    return msgspec.structs.replace(event, labels={**event.labels, "clock": off}), True
