"""The watch for gaps: what a crash left is told once, lost numbers are told once, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glasshatch.app.gaps import GapKeeper, SessionBook, Teller
from glasshatch.clock import ManualClock
from glasshatch.errors import GlasshatchError, Unavailable
from glasshatch.events import Actor, Event, Receipt, Resource, Source, decode, encode, uuid7

S = 1_000_000_000
Done = Callable[[Receipt | GlasshatchError], None]


class Shelf:
    """A ledger in memory: entries by index, some of them pruned."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.minimum = 0

    @property
    def size(self) -> int:
        return len(self.entries)

    def read(self, index: int) -> bytes:
        assert index >= self.minimum
        return self.entries[index]

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        return iter(list(enumerate(self.entries))[max(start, self.minimum) : stop])


class World:
    """Ledgers, a clock, and watches that are begun and lost as processes are."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.clock = ManualClock()
        self.ledgers = {"default": Shelf(), "orders": Shelf()}
        self.refuse_from: int | None = None
        self._submitted = 0
        self.begun = 0

    def submit(self, event: Event, done: Done | None = None, *, ledger: str = "default") -> None:
        self._submitted += 1
        if self.refuse_from is not None and self._submitted > self.refuse_from:
            if done:
                done(Unavailable("the disk is full"))
            return
        self.ledgers[ledger].entries.append(encode(event))
        if done:
            done(Receipt(self.ledgers[ledger].size - 1, bytes(32), ledger))

    def watch(self) -> GapKeeper:
        teller = Teller(self.clock, tenant="default", instance="9")
        return GapKeeper(self.file, self.ledgers.items, self, teller, self.clock)

    def told(self, action: str) -> list[Event]:
        events = [decode(data) for shelf in self.ledgers.values() for data in shelf.entries]
        return [one for one in events if one.action == action and one.source.instance == "9"]


class Session:
    """A session as the gateway records it."""

    def __init__(self, world: World, ledger: str = "default", instance: str = "1") -> None:
        self._world = world
        self._ledger = ledger
        self._instance = instance
        self.id = uuid7(world.clock.now_ns(), bytes([world.begun] * 10))
        world.begun += 1
        self.seq = 0

    def say(self, action: str, request: str = "", **attrs: Any) -> Session:
        now_ns = self._world.clock.now_ns()
        event = Event(
            id=uuid7(now_ns, self.id.encode()[-9:] + bytes([self.seq])), time=str(now_ns), action=action,
            source=Source(kind="gateway", name="postgres", instance=self._instance), session_id=self.id,
            request_id=request, actor=Actor(id="a-1", name="alice"),
            resource=Resource(type="postgres", id="postgres/shop", name="shop"),
            attrs={"seq": self.seq} | attrs,
        )  # fmt: skip
        self.seq += 1
        self._world.submit(event, ledger=self._ledger)
        return self

    def lose(self, count: int = 1) -> Session:
        """Events that never reach the record."""
        self.seq += count
        return self


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "derived" / "book.json")


def test_a_session_that_a_crash_left_open_is_ended_and_its_statement_named(world: World) -> None:
    session = Session(world, "orders").say("session.opened")
    session.say("statement.run", "r-1").say("statement.finished", "r-1").say("statement.run", "r-2")
    Session(world).say("session.opened").say("session.closed")
    Session(world).say("session.refused")
    assert world.watch().settle() == 1
    (ended,) = world.told("session.aborted")
    (gap,) = world.told("recording.gap")
    assert ended.session_id == gap.session_id == session.id
    assert ended.attrs["statements"] == gap.attrs["statements"] == ["r-2"]
    assert ended.attrs["seq"] == session.seq
    assert ended.actor == Actor(id="a-1", name="alice")
    assert ended.outcome is not None
    assert (ended.outcome.status, ended.outcome.code) == ("failure", "57P02")
    run = decode(world.ledgers["orders"].entries[3])
    assert [link.id for link in ended.links if link.rel == "statement"] == [run.id]
    # It stands where the session does, and it is told once.
    assert decode(world.ledgers["orders"].entries[-1]).id == ended.id
    assert world.watch().settle() == 0
    world.file.unlink()
    assert world.watch().settle() == 0
    assert len(world.told("recording.gap")) == 1


def test_an_idle_session_that_a_crash_left_has_an_end_and_no_gap(world: World) -> None:
    Session(world).say("session.opened").say("statement.run", "r").say("statement.finished", "r")
    assert world.watch().settle() == 1
    assert world.told("recording.gap") == []
    assert "statements" not in world.told("session.aborted")[0].attrs


def test_where_decisions_were_not_waited_for_a_crash_is_a_gap_in_any_case(world: World) -> None:
    Session(world).say("session.opened", recording="async")
    world.watch().settle()
    assert len(world.told("recording.gap")) == 1


def test_lost_numbers_are_told_once(world: World) -> None:
    session = Session(world).say("session.opened").say("statement.run", "r").lose(2).say("statement.run", "s")
    other = Session(world).lose().say("statement.run", "x")
    watch = world.watch()
    watch.look()
    gaps = {event.session_id: event for event in world.told("recording.gap")}
    assert (gaps[session.id].attrs["after"], gaps[session.id].attrs["before"]) == (1, 4)
    assert gaps[session.id].attrs["missing"] == 2
    assert gaps[other.id].attrs["after"] == -1
    watch.look()
    world.file.unlink()
    world.watch().look()
    assert len(world.told("recording.gap")) == 2


def test_a_crash_at_any_moment_of_the_settling_tells_nothing_twice(world: World) -> None:
    for number in range(3):
        Session(world, "orders" if number % 2 else "default").say("session.opened").say("statement.run", "r")
    Session(world).say("session.opened").lose().say("session.closed")
    before = {name: list(shelf.entries) for name, shelf in world.ledgers.items()}
    for allowed in range(8):
        for name, entries in before.items():
            world.ledgers[name].entries = list(entries)
        world.file.unlink(missing_ok=True)
        world._submitted, world.refuse_from = 0, allowed
        if allowed < 7:
            with pytest.raises(Unavailable):
                world.watch().settle()
        world.refuse_from = None
        world.watch().settle()
        kinds = sorted(event.attrs["gap"] for event in world.told("recording.gap"))
        assert kinds == ["numbers", "outcome", "outcome", "outcome"], allowed
        assert len(world.told("session.aborted")) == 3, allowed


def test_sessions_of_processes_that_live_go_on(world: World) -> None:
    Session(world, instance="1").say("session.opened")
    Session(world, instance="2").say("session.opened")
    watch = world.watch()
    assert watch.settle(alive={"2"}) == 1
    assert watch.settle_instance("2") == 1
    assert watch.settle_instance("2") == 0


def test_silence_is_a_gap_of_the_living_and_the_end_of_the_gone(world: World) -> None:
    living = Session(world, instance="9").say("session.opened", heartbeat_s=10)
    gone = Session(world, instance="9").say("session.opened", heartbeat_s=10).say("statement.run", "r")
    elsewhere = Session(world, instance="2").say("session.opened", heartbeat_s=10)
    Session(world, instance="9").say("session.opened")  # of a reviewed run, which gives no signs of life
    watch = world.watch()
    world.clock.advance(59 * S)
    watch.look({living.id}, "9")
    assert not world.told("session.aborted")
    world.clock.advance(2 * S)
    for _ in range(3):
        watch.look({living.id}, "9")
    assert [event.session_id for event in world.told("session.aborted")] == [gone.id]
    gaps = {event.session_id: event.attrs["gap"] for event in world.told("recording.gap")}
    assert gaps == {living.id: "silence", gone.id: "outcome", elsewhere.id: "silence"}
    assert len(world.told("recording.gap")) == 3


def test_what_was_pruned_is_no_gap_and_what_began_later_is_looked_at(world: World) -> None:
    old = Session(world).say("session.opened").say("statement.run", "a").say("statement.finished", "a")
    world.clock.advance(3600 * S)
    old.say("statement.run", "b")
    quiet = Session(world).lose().say("statement.run", "c")
    world.ledgers["default"].minimum = 3
    world.watch().look()
    assert [event.session_id for event in world.told("recording.gap")] == [quiet.id]


def test_a_book_of_another_record_is_made_anew(world: World) -> None:
    Session(world).say("session.opened")
    world.watch().look()
    world.ledgers = {"default": Shelf(), "orders": Shelf()}
    fresh = Session(world).say("session.opened")
    assert world.watch().settle() == 1
    assert world.told("session.aborted")[0].session_id == fresh.id
    world.file.write_text("{ torn")
    assert world.watch().settle() == 0


def test_what_a_feed_says_counts_for_nothing() -> None:
    book = SessionBook()
    for index, native in enumerate(('"kind":"gateway"', '"recording.gap"')):
        book.apply(
            "default", index, f'{{"action":"x.y","source":{{"kind":"json"}},"n":{{{native}:1}}}}'.encode()
        )
    forged = b'{"action":"recording.gap","attrs":{"after":0},"session_id":"s","source":{"kind":"json"}}'
    book.holes["s", 0] = None  # type: ignore[assignment]
    book.apply("default", 2, forged)
    assert ("s", 0) in book.holes
