"""A destination that refuses an event: it alone is set aside, told, and all the rest leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.errors import Unavailable
from glasshatch.events import Event, Resource, Source, encode
from glasshatch.exports import Item, Parcel, Refused
from glasshatch.exports.cursor import MOST_ASIDE
from glasshatch.exports.parting import Delivery
from glasshatch.exports.telling import SET_ASIDE

from .test_exporter import HASTY, World, entry, names, until


class Picky:
    """A destination that refuses what has certain events in it."""

    where = "test:picky"

    def __init__(self, *poison: str) -> None:
        self.poison = set(poison)
        self.got: list[Parcel] = []
        self.tries = 0
        self.everything = False

    def deliver(self, parcel: Parcel) -> None:
        self.tries += 1
        if self.everything or self.poison & {item.event.id for item in parcel.items}:
            raise Refused("answered 400")
        self.got.append(parcel)

    def close(self) -> None:
        pass

    def ids(self) -> set[str]:
        return {item.event.id for parcel in self.got for item in parcel.items}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for exporter in world.running:
        exporter.stop()
    assert not world.bugs


def picky(world: World, *poison: str) -> Picky:
    receiver = Picky(*poison)
    world.receiver = receiver  # type: ignore[assignment]
    return receiver


def test_one_refused_event_is_set_aside_and_told_and_all_others_leave(world: World) -> None:
    receiver = picky(world, "id-4")
    exporter = world.start()
    world.feed(exporter, 0, 30)
    until(lambda: exporter.standing().behind == 0)
    assert receiver.ids() == set(names(0, 30)) - {"id-4"}
    standing = exporter.standing()
    assert (standing.set_aside, standing.sent, standing.state) == (1, 29, "live")
    (aside,) = standing.aside
    assert (aside.ledger, aside.index, aside.event, aside.why) == ("default", 4, "id-4", "answered 400")
    (told,) = world.events(SET_ASIDE)
    assert told["attrs"]["events"] == [{"index": 4, "event": "id-4", "why": "answered 400"}]


def test_what_was_set_aside_is_known_after_a_restart_and_stays_set_aside(world: World) -> None:
    receiver = picky(world, "id-2")
    first = world.start()
    world.feed(first, 0, 6)
    until(lambda: first.standing().set_aside == 1)
    first.stop()
    receiver.poison = set()
    second = world.start()
    assert second.standing().set_aside == 1
    last = next(item.data for parcel in receiver.got for item in parcel.items if item.index == 5)
    second.apply([("default", 5, last)])
    world.feed(second, 6, 9)
    until(lambda: receiver.ids() >= set(names(6, 9)))
    assert "id-2" not in receiver.ids()


def test_an_only_event_waits_until_another_shows_that_it_is_the_event(world: World) -> None:
    receiver = picky(world, "id-0")
    exporter = world.start()
    world.feed(exporter, 0, 1)
    until(lambda: receiver.tries >= 5)
    assert exporter.standing().set_aside == 0, "set aside, though nothing was ever taken"
    assert exporter.standing().state in ("failing", "stopped")
    world.feed(exporter, 1, 3)
    until(lambda: exporter.standing().behind == 0)
    assert receiver.ids() == {"id-1", "id-2"}
    assert exporter.standing().set_aside == 1


def test_who_refuses_everything_is_waited_for_and_nothing_is_left_out(world: World) -> None:
    receiver = picky(world)
    receiver.everything = True
    exporter = world.start()
    world.feed(exporter, 0, 25)
    until(lambda: receiver.tries >= 40)
    assert exporter.standing().set_aside == 0
    assert not world.events(SET_ASIDE)
    receiver.everything = False
    until(lambda: exporter.standing().behind == 0)
    assert receiver.ids() == set(names(0, 25))


def test_what_cannot_be_recorded_is_not_left_out_yet(world: World) -> None:
    receiver = picky(world, "id-1")
    world.refusal = Unavailable("the ledger stopped")
    exporter = world.start()
    world.feed(exporter, 0, 4)
    until(lambda: receiver.tries >= 12)
    assert exporter.standing().positions.get("default", 0) == 0
    world.refusal = None
    until(lambda: exporter.standing().behind == 0)
    assert len(world.events(SET_ASIDE)) == 1


def test_the_word_about_it_does_not_make_another_when_it_is_refused_too(world: World) -> None:
    receiver = picky(world, "own")
    event = Event(
        id="own", time="1", action=SET_ASIDE, source=Source(kind="glasshatch"),
        resource=Resource(type="export", id="export/siem", name="siem"),
    )  # fmt: skip
    exporter = world.start(HASTY)
    exporter.apply([("default", 0, encode(event)), ("default", 1, entry(1))])
    world.sizes["default"] = 2
    until(lambda: exporter.standing().set_aside == 1)
    until(lambda: exporter.standing().behind == 0)
    assert receiver.ids() == {"id-1"}
    assert not world.events(SET_ASIDE)


def test_the_list_is_bounded_and_the_count_is_not(world: World) -> None:
    receiver = picky(world, *names(0, 3 * MOST_ASIDE))
    exporter = world.start()
    world.feed(exporter, 0, 3 * MOST_ASIDE)
    world.feed(exporter, 3 * MOST_ASIDE, 3 * MOST_ASIDE + 20)
    until(lambda: exporter.standing().behind == 0 or exporter.standing().failures > 3)
    if exporter.standing().behind:  # so many in a row stand still until somebody looks: nothing is lost
        assert exporter.standing().set_aside == 0
        receiver.poison = {f"id-{number}" for number in range(0, 3 * MOST_ASIDE, 2)}
        until(lambda: exporter.standing().behind == 0)
    standing = exporter.standing()
    assert standing.set_aside > MOST_ASIDE
    assert len(standing.aside) == MOST_ASIDE
    assert standing.aside[-1].event == f"id-{3 * MOST_ASIDE - 2}"


class Quiet:
    """A record that hears everything."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def set_aside(self, left: list[object]) -> None:
        self.told += [one.event for one in left]  # type: ignore[attr-defined]

    def is_own_aside(self, event: Event) -> bool:
        return False


def items(count: int, first: int = 0) -> tuple[Item, ...]:
    source = Source(kind="json")
    return tuple(
        Item("default", number, b"{}", Event(id=f"id-{number}", time="1", action="a", source=source))
        for number in range(first, first + count)
    )


@given(st.integers(1, 120), st.data())
def test_exactly_the_refused_ones_are_left_out_whatever_they_are(count: int, data: st.DataObject) -> None:
    poison = data.draw(st.sets(st.integers(0, count - 1), max_size=max(0, count // 3)))
    receiver, told = Picky(*(f"id-{number}" for number in poison)), Quiet()
    delivery = Delivery(receiver, told, lambda: False)  # type: ignore[arg-type]
    left = delivery.deliver(Parcel("x", "default", 0, count, items(count)), lambda: items(5, count))
    assert [one.index for one in left] == sorted(poison)
    assert set(told.told) == {one.event for one in left}
    assert receiver.ids() >= {f"id-{number}" for number in range(count) if number not in poison}


@given(st.integers(1, 2_000))
def test_who_refuses_everything_is_not_asked_about_every_event(count: int) -> None:
    receiver = Picky()
    receiver.everything = True
    delivery = Delivery(receiver, Quiet(), lambda: False)  # type: ignore[arg-type]
    with pytest.raises(Refused):
        delivery.deliver(Parcel("x", "default", 0, count, items(count)), lambda: items(50, count))
    assert receiver.tries <= 64 + 2 * max(8, count // 16) + 8
