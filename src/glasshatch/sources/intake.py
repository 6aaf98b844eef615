"""The way in for feeds: parse, tell copies apart, record, and answer when all of it is durable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import msgspec

from ..clock import Clock
from ..errors import ConfigError, GlasshatchError, TooLarge, Unavailable
from ..events import Actor, Answers, Encoded, Event, Receipt
from .collecting import Collected
from .feeds import Expects, Feeds
from .forms import Options
from .items import Item
from .making import PARAMETERS, Maker
from .parsed import SourceKind
from .result import NAMED_PROBLEMS, IntakeResult, Problem
from .seen import Seen
from .taken import (
    BATCH_ITEMS,
    Delivery,
    Taken,
    batches,
    contradicting,
    fuller,
    fullest,
    heaviest,
    in_order,
)  # fmt: skip

__all__ = ["PARAMETERS", "Intake", "Recorder"]


class Recorder(Protocol):
    """The door into the record, for many events at once."""

    def submit_all(self, events: Sequence[Event | Encoded], done: Answers, feed: str = "") -> None:
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
        self._maker = Maker(random, tenant, redact, secret, names, statements)
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
        read = self._maker.reader(delivery, form)
        return self._take(delivery, (partial(read, part) for part in batches(pieces)), best)

    def take_items(
        self, kind: str, name: str, items: Sequence[Item], by: Actor | None = None
    ) -> IntakeResult:
        """Record items that a receiver has read; as `take`, which see."""
        delivery = Delivery(self._kind(kind), name, by, self._clock.now_ns(), "", 0)

        def made(part: Sequence[Item]) -> list[Taken]:
            return [self._maker.item(delivery, item) for item in part]

        parts = (items[start : start + BATCH_ITEMS] for start in range(0, len(items), BATCH_ITEMS))
        return self._take(delivery, (partial(made, part) for part in parts), {})

    def missed(self, kind: str, name: str, of: str, count: int, reason: str) -> None:
        """Record that so many of something of a feed came and could not be taken; durable when this returns.

        Raises:
            Unavailable: It could not be recorded.
        """
        delivery = Delivery(self._kind(kind), name, None, self._clock.now_ns(), "", 0)
        missed = self._maker.missed(delivery, of, count, reason)
        with self._one_at_a_time:
            seen = self._ready()
            _, last = self._submit(delivery, [missed])
            self._feed_book.arrived(delivery, [], [], 0, 1)
            seen.note([], last.index + 1, last.ledger)

    def _take(
        self, delivery: Delivery, parts: Iterable[Callable[[], list[Taken]]], best: Mapping[str, int]
    ) -> IntakeResult:
        result = IntakeResult()
        for part in parts:
            with self._computing:
                taken = part()
                fresh = heaviest(
                    [one for one in taken if best.get(one.short, one.place) == one.place] if best else taken
                )
            fresh = self._maker.cleaned(delivery, fresh)
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

    def _record(self, delivery: Delivery, taken: list[Taken], total: int) -> IntakeResult:
        """Record what was not recorded before; the caller holds the lock."""
        seen = self._ready()
        try:
            known = seen.known([one.key for one in taken if one.key])
            if contrary := contradicting(taken, known):
                taken = self._contested(delivery, taken, contrary)
                known |= seen.known([taken[place].key for place in contrary])
            if delivery.kind.weigh is not None and (more := fuller(taken, known)):
                for place in more:
                    taken[place] = self._maker.completion(delivery, taken[place])
                known |= seen.known([taken[place].key for place in more])
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
                contents = {one.key: one.noted for one in answered if one.content or one.weight}
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
        """With those at these places quarantined."""
        others = list(taken)
        for place in places:
            others[place] = self._maker.contested(delivery, taken[place])
        return others

    def _met(self, delivery: Delivery, seen: Seen, fresh: list[Taken]) -> tuple[list[Taken], list[Taken]]:
        """The events with what earlier ones of the feed told of them, and the gaps, by what they precede."""
        if delivery.kind.remember is None:
            return fresh, []
        met, gaps = [], []
        for one in fresh:
            event, missing = self._feed_book.memories.meet(delivery.kind, delivery.name, one.event)
            met.append(one if event is one.record else msgspec.structs.replace(one, record=event))
            gaps += [self._maker.gap(delivery, gap, met[-1]) for gap in missing]
        known = seen.known([gap.key for gap in gaps]) if gaps else set()
        return met, [gap for gap in gaps if gap.key not in known]

    @property
    def _feed_book(self) -> Feeds:
        assert self._book is not None
        return self._book

    def _submit(self, delivery: Delivery, fresh: list[Taken]) -> tuple[list[Taken], Receipt]:
        """Record events and wait; what turns out to be too large is quarantined instead."""
        last, refused = self._answers(delivery, fresh)
        if large := [place for place, error in sorted(refused.items()) if isinstance(error, TooLarge)]:
            for place in large:
                fresh[place] = self._maker.too_large(delivery, fresh[place])
                del refused[place]
            later, still = self._answers(delivery, [fresh[place] for place in large])
            last, refused = later or last, refused | still
        for error in refused.values():
            raise Unavailable(f"not everything was recorded: {error.message}", hint="deliver it again")
        assert last is not None
        return fresh, last

    def _answers(
        self, delivery: Delivery, taken: Sequence[Taken]
    ) -> tuple[Receipt | None, dict[int, GlasshatchError]]:
        collected = self._outstanding = Collected(len(taken))
        with self._computing:
            events = [one.record for one in taken]
            self._recorder.submit_all(events, collected, f"{delivery.kind.name}/{delivery.name}")
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
