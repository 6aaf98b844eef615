"""The way in for feeds: parse, tell copies apart, record, and answer when all of it is durable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec

from ..clock import Clock
from ..errors import ConfigError, GlasshatchError, TooLarge, Unavailable
from ..events import Actor, Event, Link, Receipt, StatementText, uuid7
from .collecting import Answer, Collected
from .feeds import Expects, Feeds
from .forms import Options
from .items import Item
from .parsed import Arrival, Parsed, Rejected, SourceKind
from .quarantine import quarantined
from .remembering import gap_event, gap_key, missed_event
from .result import NAMED_PROBLEMS, IntakeResult, Problem
from .seen import LABEL, Seen, key_of
from .taken import (
    BATCH_ITEMS,
    Delivery,
    Taken,
    batches,
    content_of,
    contradicting,
    fullest,
    heaviest,
    in_order,
    key_of_rejected,
    skewed,
)  # fmt: skip

PARAMETERS = "parameters"
"""Under this name in `attrs` stand the values that a statement was given."""

_CONTESTED = "has the id of another event, which says something else"


class Recorder(Protocol):
    """The door into the record, for many events at once."""

    def submit_all(
        self, events: Sequence[Event], done: Callable[[int, Answer], None], feed: str = ""
    ) -> None:
        """Redact and record events of the feed `kind/name` in this order, all in one ledger.

        `done` hears of each exactly once, by its place in the sequence: a receipt once it is durable, or
        why it is not recorded.
        """


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
        secret: bytes,
        names: Callable[[Sequence[Event], str], list[Event]] | None = None,
        statements: Callable[[Sequence[Event], str], list[Event]] | None = None,
        expects: Expects = lambda feed: False,
    ) -> None:
        """`seen` is called at the first delivery: what it costs is not paid by who has no feeds.

        Args:
            redact: Takes what is personal out of texts, before an excerpt is cut of them.
            secret: The key of digests of what is not redacted yet; the same for as long as the record lasts.
            names: Takes names out of the free text of a feed's events; it may take its time, and only the
                delivery that it is about waits.
            statements: Takes what is personal out of the statements of events, given their language. Without
                it such texts are not kept.
            expects: Of which feeds the webhook must bring all that the log has.
        """
        self._recorder = recorder
        self._open_seen = seen
        self._seen: Seen | None = None
        self._book: Feeds | None = None
        self._outstanding: Collected | None = None
        self._kinds = kinds
        self._clock = clock
        self._random = random
        self._tenant = tenant
        self._redact = redact
        self._secret = secret
        self._names = names
        self._statements = statements
        self._expects = expects
        self._one_at_a_time = threading.Lock()
        # Two that compute at once hand one interpreter to each other, thousands of times a second.
        self._computing = threading.Lock()

    def take(
        self,
        kind: str,
        name: str,
        body: bytes,
        by: Actor | None = None,
        *,
        file: str = "",
        first_line: int = 0,
        options: Options | None = None,
    ) -> IntakeResult:
        """Record the items of a delivery; all that is answered for is durable.

        An item that is not understood is recorded too, redacted and shortened, as `intake.quarantined`.

        Args:
            name: The source's instance, as in `prod`.
            by: Who delivered it.
            file, first_line: The file's name and the place of the body's first line in it; 0 for a live
                delivery.
            options: What the delivery says of the form of its items.

        Raises:
            ConfigError: There is no such kind of source, or it has no such option.
            TooLarge: It has too many items; nothing was stored.
            Unavailable: Not everything could be recorded; to deliver it again doubles nothing that has a key.
        """
        found = self._kind(kind)
        form = found.form(_checked(found, options or {}))
        delivery = Delivery(found, name, by, self._clock.now_ns(), file, first_line)
        pieces = form.split(body, first_line or 1)
        best = fullest(found, form, pieces) if len(pieces) > BATCH_ITEMS else {}
        return self._take(delivery, (map(form.read, part) for part in batches(pieces)), best)

    def take_items(
        self, kind: str, name: str, items: Sequence[Item], by: Actor | None = None
    ) -> IntakeResult:
        """Record items that a receiver has read; as `take`, which see."""
        delivery = Delivery(self._kind(kind), name, by, self._clock.now_ns(), "", 0)
        parts = (items[start : start + BATCH_ITEMS] for start in range(0, len(items), BATCH_ITEMS))
        return self._take(delivery, parts, {})

    def missed(self, kind: str, name: str, of: str, count: int, reason: str) -> None:
        """Record that so many of something of a feed came and could not be taken; durable when this returns.

        Raises:
            Unavailable: It could not be recorded.
        """
        delivery = Delivery(self._kind(kind), name, None, self._clock.now_ns(), "", 0)
        event = missed_event(delivery.kind, of, count, reason, self._arrival(delivery, 0))
        event = self._complete(event, delivery, "")
        with self._one_at_a_time:
            seen = self._ready()
            _, last = self._submit(delivery, [Taken(Item(0, None, b""), event, "", "", 0, is_gap=True)])
            self._feed_book.arrived(delivery, [], [], 0, 1)
            seen.note([], last.index + 1, last.ledger)

    def _take(
        self, delivery: Delivery, parts: Iterable[Iterable[Item]], best: Mapping[str, int]
    ) -> IntakeResult:
        result = IntakeResult()
        for part in parts:
            with self._computing:
                taken = [self._item(delivery, item) for item in part]
                fresh = heaviest([one for one in taken if best.get(one.short, one.place) == one.place])
            fresh = self._cleaned(delivery, fresh)
            with self._one_at_a_time:
                result = result.plus(self._record(delivery, fresh, len(taken)))
        return result

    @contextmanager
    def feeds(self) -> Iterator[Feeds]:
        """The feeds, while no delivery is recorded."""
        with self._one_at_a_time:
            self._ready()
            yield self._feed_book

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

    def _item(self, delivery: Delivery, item: Item) -> Taken:
        kind, arrival = delivery.kind, self._arrival(delivery, item.place)
        parsed = Rejected(item.problem) if item.problem else _parsed(kind, item, arrival)
        if isinstance(parsed, Rejected):
            return self._rejected(delivery, item, parsed.reason, arrival)
        key = self._key(delivery, parsed.key) if parsed.key else ""
        event, off = skewed(parsed.event, delivery.now_ns, live=not delivery.first_line)
        content = content_of(item, arrival) if key and kind.one_content else ""
        whole = self._complete(event, delivery, key)
        return Taken(item, whole, key, parsed.key, parsed.weight, skewed=off, content=content)

    def _cleaned(self, delivery: Delivery, taken: list[Taken]) -> list[Taken]:
        """Without what stands in statements, and names in free text."""
        events = [one.event for one in taken]
        if delivery.kind.language:
            events = (self._statements or _without_statements)(events, delivery.kind.language)
        elif self._names is None:
            return taken
        if self._names is not None:
            events = self._names(events, f"{delivery.kind.name}/{delivery.name}")
        return [
            one if event is one.event else msgspec.structs.replace(one, event=event)
            for one, event in zip(taken, events, strict=True)
        ]

    def _arrival(self, delivery: Delivery, place: int) -> Arrival:
        now_ns = delivery.now_ns
        line = place if delivery.first_line else 0
        return Arrival(
            now_ns, delivery.name, self._tenant, lambda: uuid7(now_ns, self._random(10)), delivery.file, line,
            self._secret,
        )  # fmt: skip

    def _rejected(
        self, delivery: Delivery, item: Item, reason: str, arrival: Arrival, short: str = ""
    ) -> Taken:
        where = f"{'line' if delivery.first_line else 'item'} {item.place}"
        event = quarantined(delivery.kind, item, f"{where} {reason}", arrival, self._redact)
        short = short or key_of_rejected(item, arrival)
        key = self._key(delivery, short) if short else ""
        return Taken(item, self._complete(event, delivery, key), key, short, 0, reason)

    def _key(self, delivery: Delivery, key: str) -> str:
        return key_of(
            self._tenant, delivery.kind.name, delivery.name if delivery.kind.one_instance else "", key
        )

    def _complete(self, event: Event, delivery: Delivery, key: str) -> Event:
        """What only the intake knows: tenant, when it was seen, who delivered it, its key."""
        changes: dict[str, Any] = {"tenant": self._tenant, "observed_time": str(delivery.now_ns)}
        if key:
            changes["labels"] = {**event.labels, LABEL: key}
        if delivery.by is not None:
            changes["links"] = (*event.links, Link(rel="delivered_by", id=delivery.by.id))
        return msgspec.structs.replace(event, **changes)

    def _record(self, delivery: Delivery, taken: list[Taken], total: int) -> IntakeResult:
        """Record what was not recorded before; the caller holds the lock."""
        seen = self._ready()
        try:
            known = seen.known([one.key for one in taken if one.key])
            if contrary := contradicting(taken, known):
                taken = self._contested(delivery, taken, contrary)
                known |= seen.known([taken[place].key for place in contrary])
            fresh = [one for one in taken if not one.key or one.key not in known]
            gaps: list[Taken] = []
            answered: list[Taken] = []
            last: Receipt | None = None
            if fresh:
                fresh, gaps = self._met(delivery, seen, fresh)
                answered, last = self._submit(delivery, in_order(gaps, fresh))
                fresh = [one for one in answered if not one.is_gap]
            # A crash here leaves keys that the record has and this file has not: the next start learns them.
            self._feed_book.memories.keep()
            self._feed_book.arrived(delivery, taken, fresh, total, len(gaps))
            if last is not None:
                contents = {one.key: one.content for one in answered if one.content}
                seen.note([one.key for one in answered if one.key], last.index + 1, last.ledger, contents)
            else:
                seen.settle()
        except BaseException:
            # Something may be in the record, or on its way there, whose key is not noted. The store of what
            # was seen is opened anew, which learns it from the record, before anything is looked up again.
            self._forget()
            raise
        problems = [Problem(one.place, one.problem) for one in fresh if one.problem]
        return IntakeResult(
            accepted=len(fresh) - len(problems), duplicates=total - len(fresh), quarantined=len(problems),
            skewed=sum(one.skewed for one in fresh), problems=tuple(problems[:NAMED_PROBLEMS]),
        )  # fmt: skip

    def _contested(self, delivery: Delivery, taken: list[Taken], places: list[int]) -> list[Taken]:
        """With those at these places quarantined, each content of an id once."""
        others = list(taken)
        for place in places:
            one, arrival = taken[place], self._arrival(delivery, taken[place].place)
            rejected = self._rejected(
                delivery, one.item, _CONTESTED, arrival, f"other {one.short} {one.content}"
            )
            others[place] = self._cleaned(delivery, [rejected])[0]
        return others

    def _met(self, delivery: Delivery, seen: Seen, fresh: list[Taken]) -> tuple[list[Taken], list[Taken]]:
        """The events with what earlier ones of the feed told of them, and the gaps, by what they precede."""
        if delivery.kind.remember is None:
            return fresh, []
        met, gaps = [], []
        for one in fresh:
            event, missing = self._feed_book.memories.meet(delivery.kind, delivery.name, one.event)
            met.append(one if event is one.event else msgspec.structs.replace(one, event=event))
            for gap in missing:
                arrival = self._arrival(delivery, one.place)
                told, key = gap_event(delivery.kind, gap, event, arrival), self._key(delivery, gap_key(gap))
                told = self._complete(told, delivery, key)
                gaps.append(Taken(one.item, told, key, gap_key(gap), 0, is_gap=True))
        known = seen.known([gap.key for gap in gaps]) if gaps else set()
        return met, [gap for gap in gaps if gap.key not in known]

    @property
    def _feed_book(self) -> Feeds:
        assert self._book is not None
        return self._book

    def _submit(self, delivery: Delivery, fresh: list[Taken]) -> tuple[list[Taken], Receipt]:
        """Record events and wait; what turns out to be too large is quarantined instead."""
        answers = self._answers(delivery, [one.event for one in fresh])
        large = [place for place, answer in enumerate(answers) if isinstance(answer, TooLarge)]
        if large:
            for place in large:
                reason = "is too large to be kept"
                item = msgspec.structs.replace(fresh[place].item, problem=reason)
                rejected = self._rejected(delivery, item, reason, self._arrival(delivery, item.place))
                fresh[place] = self._cleaned(delivery, [rejected])[0]
            for place, answer in zip(
                large, self._answers(delivery, [fresh[place].event for place in large]), strict=True
            ):
                answers[place] = answer
        failed = next((answer for answer in answers if not isinstance(answer, Receipt)), None)
        if failed is not None:
            raise Unavailable(f"not everything was recorded: {failed.message}", hint="deliver it again")
        receipts = [answer for answer in answers if isinstance(answer, Receipt)]
        return fresh, max(receipts, key=lambda receipt: receipt.index)

    def _answers(self, delivery: Delivery, events: list[Event]) -> list[Answer]:
        collected = self._outstanding = Collected(len(events))
        with self._computing:
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
            self._book = Feeds(self._seen, self._kinds, self._expects)
        return self._seen

    def _forget(self) -> None:
        if self._seen is not None:
            self._seen.close()
            self._seen = self._book = None


def _checked(kind: SourceKind, options: Options) -> Options:
    if unknown := sorted(set(options) - set(kind.options)):
        raise ConfigError(
            f"{kind.name} has no option {unknown[0][:40]!r}", key="option",
            hint=f"there are: {', '.join(kind.options) or 'none'}",
        )  # fmt: skip
    return options


def _without_statements(events: Sequence[Event], language: str) -> list[Event]:
    """Where nobody can take out what is personal, nothing of a statement is kept."""
    hidden = StatementText(text="[UNSCANNED]")
    return [
        event
        if event.statement is None
        else msgspec.structs.replace(
            event,
            statement=hidden,
            attrs={name: one for name, one in event.attrs.items() if name != PARAMETERS},
        )
        for event in events
    ]


def _parsed(kind: SourceKind, item: Item, arrival: Arrival) -> Parsed | Rejected:
    try:
        return kind.parse(item.value, item.data, arrival)
    except (GlasshatchError, ValueError, TypeError, RecursionError) as error:
        # Whatever a foreign item holds, it is kept and counted, and stops nobody.
        return Rejected(f"is not understood ({type(error).__name__})")
