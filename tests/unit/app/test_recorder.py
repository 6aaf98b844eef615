"""Nothing reaches the ledger unredacted, and what is too large for an entry is kept whole beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glasshatch.app.recorder import EventMaker, Recorder
from glasshatch.clock import ManualClock
from glasshatch.errors import GlasshatchError, TooLarge, Unavailable
from glasshatch.events import (
    MAX_ENTRY_BYTES,
    Actor,
    Data,
    Done,
    Encoded,
    Event,
    Link,
    Outcome,
    Receipt,
    Resource,
    Source,
    StatementText,
    decode,
    encode_whole,
)
from glasshatch.ledger import MAX_BLOB_BYTES, Large
from glasshatch.ledger.log.blobs import blob_of
from glasshatch.masking import Engine, Redactor, Tokens
from glasshatch.sources.collecting import Collected


class Shelf:
    """A ledger's taking side: keeps entries, or refuses them all."""

    def __init__(self, refusal: GlasshatchError | None = None, silent: bool = False) -> None:
        self.entries: list[Any] = []
        self._refusal = refusal
        self._silent = silent

    def submit(self, entry: bytes | Large, done: Done | None = None) -> None:
        if self._refusal is None:
            self.entries.append(entry)
        if done and not self._silent:
            done(self._refusal or Receipt(len(self.entries) - 1, bytes(32)))

    def submit_all(self, items: Sequence[tuple[bytes | Large, Done | None]]) -> None:
        for entry, done in items:
            self.submit(entry, done)


class Grouping(Shelf):
    """One that answers many at once, unless one of them is longer than it takes."""

    def __init__(self, longest: int = MAX_ENTRY_BYTES, refusal: GlasshatchError | None = None) -> None:
        super().__init__(refusal)
        self._longest = longest

    def submit_together(self, entries: Sequence[bytes], done: Done) -> bool:
        if max(map(len, entries)) > self._longest:
            return False
        self.submit_all([*((entry, None) for entry in entries[:-1]), (entries[-1], done)])
        return True


@pytest.fixture(scope="module")
def redactor(tmp_path_factory: pytest.TempPathFactory) -> Redactor:
    cache: Path = tmp_path_factory.mktemp("cache")
    return Redactor(
        Engine.load(packs=("core", "secrets"), cache_dir=cache), Tokens({1: bytes(32)}, 1, "default")
    )


MAKER = EventMaker(ManualClock(), tenant="acme", instance="7")


def test_what_is_recorded_is_redacted_first(redactor: Redactor) -> None:
    shelf = Shelf()
    event = MAKER.make(
        "server.started", outcome=Outcome(status="failure", reason="ask ada.lovelace@example.com")
    )
    receipt = Recorder(shelf, redactor).record(event)
    stored = decode(shelf.entries[receipt.index])
    assert b"lovelace" not in shelf.entries[0]
    assert stored.outcome is not None
    assert stored.outcome.reason.startswith("ask <EMAIL:")
    assert stored.redaction is not None
    assert stored.redaction.counts == {"EMAIL": 1}
    assert (stored.tenant, stored.source.instance, stored.action) == ("acme", "7", "server.started")


def record_large(redactor: Redactor, event: Event) -> tuple[Event, Event, Large]:
    """What the ledger gets of an event that is too large: the entry, the whole, and both as they are kept."""
    shelf = Shelf()
    Recorder(shelf, redactor).record(event)
    kept = shelf.entries[0]
    assert isinstance(kept, Large)
    assert len(kept.entry) <= MAX_ENTRY_BYTES < len(kept.payload)
    assert kept.digest == hashlib.sha256(kept.payload).hexdigest()
    assert blob_of(kept.entry) == kept.digest
    return decode(kept.entry), decode(kept.payload), kept


def test_of_an_event_too_large_the_whole_is_kept_and_the_entry_is_what_fits(redactor: Redactor) -> None:
    text = StatementText(text="SELECT x " * 20_000, shape="SELECT", hash="abcd" * 16)
    event = MAKER.make("statement.run", statement=text, attrs={"seq": 7, "big": "word " * 20_000})
    short, whole, _ = record_large(redactor, event)
    assert (whole.statement, whole.attrs) == (text, event.attrs)
    assert short.statement is not None
    assert short.statement.hash == text.hash
    assert short.statement.text.startswith("SELECT x SELECT x ")
    assert short.statement.text.endswith("[CUT]")
    assert (short.id, short.attrs["seq"]) == (event.id, 7)
    assert "the whole event has" in str(short.attrs["truncated"])


def test_nothing_personal_is_in_either_of_the_two(redactor: Redactor) -> None:
    names = " ".join(f"ada{number}.lovelace@example.com" for number in range(4_000))
    event = MAKER.make("statement.run", statement=StatementText(text=names), attrs={"list": [names, names]})
    _, whole, kept = record_large(redactor, event)
    assert b"lovelace" not in kept.entry + kept.payload
    assert whole.redaction is not None
    assert whole.redaction.counts == {"EMAIL": 12_000}


PLENTY = {
    "labels": {"labels": {f"k{number}": "v" * 50 for number in range(2_000)} | {"dedup": "d" * 32}},
    "resources": {"resources": tuple(Resource(type="table", id=f"t{at}" * 9) for at in range(5_000))},
    "links": {"links": tuple(Link(rel="saw", id=f"{at:032x}") for at in range(3_000))},
    "subjects": {"data": Data(rows=9, subjects=tuple(f"<EMAIL:{at:016x}>" for at in range(5_000)))},
    "long names": {"attrs": {"n" * 70_000: 1, "seq": 2}},
    "deep": {"native": [[[["x" * 50] * 40] * 40] * 40]},
    "many texts": {"attrs": {"one": {f"m{at}": "y" * 3_000 for at in range(60)}}, "native": ["z" * 900] * 90},
    "wide characters": {"native": ["é" * 5_000 for _ in range(40)]},
}


@pytest.mark.parametrize("what", PLENTY)
def test_whatever_makes_it_large_it_is_shortened_to_an_entry(redactor: Redactor, what: str) -> None:
    event = MAKER.make("statement.run", actor=Actor(id="a-1", type="human", name="Ada"), **PLENTY[what])
    short, whole, _ = record_large(redactor, event)
    for name in ("id", "time", "action", "actor", "source", "redaction"):
        assert getattr(short, name) == getattr(whole, name)
    if what == "labels":
        assert short.labels["dedup"] == "d" * 32


def test_nobody_else_names_a_blob(redactor: Redactor) -> None:
    claimed = Link(rel="blob", id="0" * 64)
    shelf = Shelf()
    Recorder(shelf, redactor).record(MAKER.make("server.started", links=(claimed,)))
    assert blob_of(bytes(shelf.entries[0])) == ""
    assert decode(shelf.entries[0]).links == (Link(rel="claimed_blob", id="0" * 64),)
    short, _, kept = record_large(
        redactor, MAKER.make("server.started", links=(claimed,), native="x " * 50_000)
    )
    assert [link.rel for link in short.links] == ["claimed_blob", "blob"]
    assert blob_of(kept.payload) == ""


def test_what_a_feed_brings_is_stored_in_its_order_as_each_event_alone(redactor: Redactor) -> None:
    make = partial(MAKER.make, "server.started")
    events = [
        make(native={"note": "ask ada.lovelace@example.com", "seq": 1}),
        make(native="x " * 50_000),
        make(links=(Link(rel="blob", id="0" * 64),), native="also ada.lovelace@example.com"),
        make(attrs={"grace.hopper@example.com": "a name that changes"}),
        make(attrs={"env": [{"name": "password", "value": "hunter22"}], "args": ["--token", "hunter22"]}),
        make(native={"kind": "Secret", "data": {"a": "aHVudGVyMjI="}}),
        make(labels={"plain": "nothing in it"}),
    ]
    together, alone = Shelf(), Shelf()
    answers: list[int] = []
    Recorder(together, redactor).submit_all(events, lambda place, _: answers.append(place), "json/app")
    for event in events:
        Recorder(alone, redactor).record(event)
    assert together.entries == alone.entries
    assert answers == [*range(len(events))]
    assert not any(word in str(together.entries) for word in ("lovelace", "hopper", "hunter22", "aHVudGVy"))


def test_what_not_even_a_blob_holds_keeps_its_fact_or_is_refused(redactor: Redactor) -> None:
    shelf, huge = Shelf(), "x " * (MAX_BLOB_BYTES // 2 + 1)
    Recorder(shelf, redactor).record(
        MAKER.make("statement.run", statement=StatementText(text=huge, hash="abcd"))
    )
    stored = decode(shelf.entries[0])
    assert stored.statement is not None
    assert (stored.statement.hash, stored.statement.text) == ("abcd", "[TOO LARGE]")
    assert "exceeded" in str(stored.attrs)
    refused: list[object] = []
    event = MAKER.make("server.started", native=huge)
    Recorder(shelf, redactor).submit_all([event], lambda _, answer: refused.append(answer), "json/app")
    assert isinstance(refused[0], TooLarge)
    assert len(shelf.entries) == 1


EVENTS = [
    Event(
        id=f"{number}", time=str(number), action="order.paid", source=Source(kind="json", name="shop"),
        actor=Actor(id="a-1", name="Ada Lovelace"), labels={"mail": "ada.lovelace@example.com"},
        attrs={"note": f"order {number}", "to": "ada.lovelace@example.com"},
    )
    for number in range(5)
]  # fmt: skip


def test_events_that_are_bytes_are_recorded_as_the_events_that_they_are(redactor: Redactor) -> None:
    shelves = Shelf(), Shelf(), Grouping(), Grouping(longest=1)
    told = [Collected(5) for _ in shelves]
    encoded = [Encoded(encode_whole(event), "json") for event in EVENTS]
    huge = msgspec.structs.replace(EVENTS[0], native="x " * 50_000)
    mixed = [encoded[0], EVENTS[1], *encoded[2:]]
    for shelf, done, events in zip(shelves, told, (EVENTS, encoded, mixed, encoded), strict=True):
        Recorder(shelf, redactor).submit_all(events, done, "json/shop")
        assert shelf.entries == shelves[0].entries
        assert b"lovelace@" not in b"".join(shelf.entries)
        assert done.wait() == (Receipt(4, bytes(32)), {})
    large = Grouping()
    Recorder(large, redactor).submit_all([Encoded(encode_whole(huge), "json")], done, "json/shop")
    assert isinstance(large.entries[0], Large)


def test_all_of_a_batch_are_refused_if_the_last_one_is(redactor: Redactor) -> None:
    collected, refusal = Collected(5), Unavailable("halted")
    Recorder(Grouping(refusal=refusal), redactor).submit_all(EVENTS, collected, "json/shop")
    assert collected.wait() == (None, dict.fromkeys(range(5), refusal))


def test_an_event_that_cannot_shrink_is_refused_and_nothing_is_stored(redactor: Redactor) -> None:
    shelf = Shelf()
    huge = MAKER.make("server.started", actor=Actor(id="a-1", name="n" * 70_000))
    with pytest.raises(TooLarge, match="limit"):
        Recorder(shelf, redactor).record(huge)
    assert shelf.entries == []


def test_a_refusing_ledger_is_an_error_for_the_caller(redactor: Redactor) -> None:
    with pytest.raises(Unavailable, match="halted"):
        Recorder(Shelf(Unavailable("halted")), redactor).record(MAKER.make("server.started"))


def test_a_silent_ledger_is_not_waited_for_without_end(redactor: Redactor) -> None:
    with pytest.raises(Unavailable, match="in time"):
        Recorder(Shelf(silent=True), redactor).record(MAKER.make("server.started"), timeout_s=0.05)


def test_only_actions_of_the_catalogue_can_be_made() -> None:
    with pytest.raises(KeyError):
        MAKER.make("something.happened")
