"""One export: nothing is left out, a repeat is the same parcel, and what stands in its way is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, Conflict, Denied, GlasshatchError, Unavailable
from glasshatch.events import Actor, Event, Source, encode
from glasshatch.exports import FORMS, CursorFile, Exporter, Gate, Pace, Parcel, Telling

HASTY = Pace(rows=10, linger_s=0.02, first_s=0.01, longest_s=0.05, behind_s=0.3, note_s=0.05)
ADMIN = Actor(id="a", name="admin")


def entry(number: int, action: str = "order.created") -> bytes:
    source = Source(kind="json")
    return encode(
        Event(id=f"id-{number}", time="1", observed_time=str(time.time_ns()), action=action, source=source)
    )


class Receiver:
    """A destination whose answers a test chooses."""

    where = "test:receiver"

    def __init__(self) -> None:
        self.tried: list[Parcel] = []
        self.got: list[Parcel] = []
        self.answers: list[Exception | None] = []
        self.away: Exception | None = None

    def deliver(self, parcel: Parcel) -> None:
        self.tried.append(parcel)
        answer = self.answers.pop(0) if self.answers else self.away
        if answer is not None:
            raise answer
        self.got.append(parcel)

    def close(self) -> None:
        pass

    def ids(self) -> list[str]:
        return [item.event.id for parcel in self.got for item in parcel.items]


class World:
    """An export, its ledger and what the record was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.receiver = Receiver()
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.refusal: GlasshatchError | None = None
        self.bugs: list[BaseException] = []
        self.sizes: dict[str, int] = {}
        self.matches: Callable[[Event, str], bool] = lambda event, ledger: True
        self.gate_error: GlasshatchError | None = None
        self.running: list[Exporter] = []

    def start(self, pace: Pace = HASTY, **more: Any) -> Exporter:
        exporter = Exporter(
            "siem", FORMS["jsonl"], self.receiver, CursorFile(self.folder, "siem"), self._gate,
            Telling("siem", "test:receiver", "jsonl", Actor(id="e", name="export/siem"), self._note),
            SystemClock(), lambda: 0.5, pace=pace, sizes=lambda: self.sizes, failed=self.bugs.append, **more,
        )  # fmt: skip
        self.running.append(exporter)
        exporter.start()
        return exporter

    def feed(self, exporter: Exporter, start: int, stop: int, ledger: str = "default") -> None:
        self.sizes[ledger] = max(stop, self.sizes.get(ledger, 0))
        exporter.apply([(ledger, number, entry(number)) for number in range(start, stop)])

    def events(self, action: str) -> list[dict[str, Any]]:
        return [members for name, members in self.told if name == action]

    def _gate(self) -> Gate:
        if self.gate_error is not None:
            raise self.gate_error
        return Gate(self.matches)

    def _note(self, action: str, **members: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.told.append((action, members))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for exporter in world.running:
        exporter.stop()
    assert not world.bugs


def until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)


def names(first: int, stop: int) -> list[str]:
    return [f"id-{number}" for number in range(first, stop)]


def test_every_entry_leaves_in_its_order_in_parcels_without_a_gap(world: World) -> None:
    exporter = world.start()
    world.feed(exporter, 0, 35)
    until(lambda: world.receiver.ids() == names(0, 35))
    ranges = [(parcel.first, parcel.stop) for parcel in world.receiver.got]
    assert ranges[0][0] == 0
    assert all(one[1] == after[0] for one, after in itertools.pairwise(ranges))
    until(lambda: exporter.standing().sent == 35)
    assert exporter.standing().state == "live"


def test_a_failure_repeats_the_very_same_parcel(world: World) -> None:
    world.receiver.answers = [Unavailable("away"), Unavailable("away"), None]
    exporter = world.start()
    world.feed(exporter, 0, 5)
    until(lambda: len(world.receiver.tried) >= 1)
    world.feed(exporter, 5, 8)
    until(lambda: world.receiver.ids() == names(0, 8))
    first, second, third = world.receiver.tried[:3]
    assert first == second == third


def test_what_is_under_way_at_a_crash_has_the_same_name_afterwards(world: World) -> None:
    world.receiver.away = Unavailable("away")
    before = world.start()
    world.feed(before, 0, 5)
    until(lambda: world.receiver.tried)
    before.stop()  # the cursor's file is as a kill leaves it: the intent is in it
    world.receiver.away = None
    after = world.start()
    assert after.watermarks() == {"default": 0}
    world.feed(after, 0, 20)
    until(lambda: world.receiver.ids() == names(0, 20))
    assert world.receiver.got[0].id == world.receiver.tried[0].id


def test_a_start_goes_on_behind_what_was_delivered(world: World) -> None:
    first = world.start()
    world.feed(first, 0, 10)
    until(lambda: first.standing().sent == 10)
    first.stop()
    second = world.start()
    assert second.watermarks() == {"default": 9}, "one entry back, by which the ledger is known again"
    second.apply([("default", number, data) for number, data in again(world, 9, 10)])
    world.feed(second, 10, 12)
    until(lambda: world.receiver.ids() == names(0, 12))


def again(world: World, first: int, stop: int) -> list[tuple[int, bytes]]:
    items = {item.index: item.data for parcel in world.receiver.got for item in parcel.items}
    return [(number, items[number]) for number in range(first, stop)]


def test_another_ledger_is_noticed_and_nothing_of_it_leaves(world: World) -> None:
    first = world.start()
    world.feed(first, 0, 10)
    until(lambda: first.standing().sent == 10)
    first.stop()
    second = world.start()
    world.feed(second, 9, 15)  # other bytes at the same places
    until(lambda: "not the one that was exported" in second.standing().error)
    assert second.standing().state in ("failing", "stopped")
    until(lambda: world.events("export.stopped"))
    assert world.receiver.ids() == names(0, 10)
    second.reset("default", 0, ADMIN)
    world.feed(second, 0, 15)
    until(lambda: world.receiver.ids() == names(0, 10) + names(0, 15))


def test_a_ledger_that_became_shorter_is_noticed(world: World) -> None:
    first = world.start()
    world.feed(first, 0, 10)
    until(lambda: first.standing().sent == 10)
    first.stop()
    world.sizes = {"default": 4}
    second = world.start()
    until(lambda: "shorter than what was exported" in second.standing().error)


def test_what_does_not_match_is_passed_over_and_not_sent(world: World) -> None:
    world.matches = lambda event, ledger: int(event.id[3:]) % 7 == 0
    exporter = world.start()
    world.feed(exporter, 0, 50)
    until(
        lambda: world.receiver.ids() == ["id-0", "id-7", "id-14", "id-21", "id-28", "id-35", "id-42", "id-49"]
    )
    until(lambda: exporter.standing().behind == 0)


def test_an_entry_that_is_no_event_is_counted_and_holds_up_nothing(world: World) -> None:
    exporter = world.start()
    world.sizes["default"] = 3
    exporter.apply([("default", 0, b"no event"), ("default", 1, entry(1)), ("default", 2, b'{"schema":99}')])
    until(lambda: world.receiver.ids() == ["id-1"])
    until(lambda: world.events("record.exported"))
    assert world.events("record.exported")[0]["attrs"]["unreadable"] == 2


def test_what_left_is_told_together_and_the_telling_tells_of_nothing(world: World) -> None:
    exporter = world.start()
    world.feed(exporter, 0, 30)
    until(lambda: sum(one["data"].rows for one in world.events("record.exported")) == 30)
    told = [(one["attrs"]["first"], one["attrs"]["stop"]) for one in world.events("record.exported")]
    assert told[0][0] == 0
    assert told[-1][1] == 30
    count = len(told)
    world.sizes["default"] = 31
    exporter.apply([("default", 30, entry(30, "record.exported"))])
    until(lambda: exporter.standing().sent == 31)
    time.sleep(4 * HASTY.note_s)
    assert len(world.events("record.exported")) == count


def test_a_word_that_cannot_be_recorded_is_said_later(world: World) -> None:
    world.refusal = Unavailable("the record is away")
    exporter = world.start()
    world.feed(exporter, 0, 5)
    until(lambda: exporter.standing().sent == 5)
    world.refusal = None
    until(lambda: world.events("record.exported"))


def test_standing_still_is_told_once_and_going_on_too(world: World) -> None:
    world.receiver.away = Unavailable("connection refused")
    exporter = world.start()
    world.feed(exporter, 0, 5)
    until(lambda: world.events("export.stopped"))
    assert "connection refused" in world.events("export.stopped")[0]["outcome"].reason
    until(lambda: exporter.standing().state == "stopped")
    world.receiver.away = None
    until(lambda: world.events("export.resumed"))
    assert world.receiver.ids() == names(0, 5)
    assert len(world.events("export.stopped")) == 1


def test_an_export_that_may_not_sends_nothing(world: World) -> None:
    world.gate_error = Denied("export/siem may not do this")
    exporter = world.start()
    world.feed(exporter, 0, 5)
    until(lambda: exporter.standing().state == "refused")
    assert not world.receiver.tried
    world.gate_error = None
    until(lambda: world.receiver.ids() == names(0, 5))


def test_a_receiver_may_ask_for_patience(world: World) -> None:
    busy = Unavailable("answered 429")
    busy.retry_after_s = 0.4
    world.receiver.answers = [busy]
    exporter = world.start()
    begun_s = time.monotonic()
    world.feed(exporter, 0, 5)
    until(lambda: world.receiver.got)
    assert time.monotonic() - begun_s >= 0.4


def test_a_destination_that_never_answers_does_not_hold_up_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glasshatch.exports.exporter._LAST_TRY_S", 0.2)
    answered = threading.Event()
    receiver = world.receiver

    def deliver(parcel: Parcel) -> None:
        receiver.tried.append(parcel)
        answered.wait(60)
        raise Unavailable("broken off")

    receiver.deliver = deliver  # type: ignore[method-assign]
    receiver.close = answered.set  # type: ignore[method-assign]
    exporter = world.start()
    world.feed(exporter, 0, 5)
    until(lambda: receiver.tried)
    begun_s = time.monotonic()
    exporter.stop()
    assert time.monotonic() - begun_s < 20
    assert CursorFile(world.folder, "siem").load().lane("default").next == 0  # type: ignore[union-attr]


def test_pruned_entries_that_had_not_left_are_told(world: World) -> None:
    exporter = world.start()
    world.feed(exporter, 0, 5)
    until(lambda: exporter.standing().sent == 5)
    world.sizes["default"] = 50
    exporter.prune({"default": 40})
    assert exporter.watermarks() == {"default": 40}
    world.feed(exporter, 40, 50)
    until(lambda: world.receiver.ids() == names(0, 5) + names(40, 50))
    (skipped,) = world.events("export.skipped")
    assert (skipped["attrs"]["first"], skipped["attrs"]["stop"]) == (5, 40)


def test_a_gap_is_refused_so_that_the_follower_asks_anew(world: World) -> None:
    exporter = world.start()
    with pytest.raises(Conflict, match="leave a gap"):
        world.feed(exporter, 3, 5)


def test_no_more_is_held_than_may_be(world: World) -> None:
    world.receiver.away = Unavailable("away")
    exporter = world.start(
        Pace(rows=10, bytes=1_000, linger_s=0.02, held_bytes=3_000, first_s=0.01, longest_s=0.05)
    )
    done = threading.Event()

    def follow() -> None:
        for number in range(200):
            world.feed(exporter, number, number + 1)
        done.set()

    threading.Thread(target=follow, daemon=True).start()
    until(lambda: len(world.receiver.tried) > 3)
    assert not done.is_set(), "the follower waits"
    world.receiver.away = None
    until(lambda: world.receiver.ids() == names(0, 200))
    assert done.wait(10)


def test_only_chosen_ledgers_leave_each_on_its_own(world: World) -> None:
    exporter = world.start(chosen=lambda ledger: ledger != "hr")
    world.feed(exporter, 0, 5, "hr")
    world.feed(exporter, 0, 3, "shop")
    world.feed(exporter, 0, 3)
    until(lambda: exporter.standing().sent == 6)
    assert {parcel.ledger for parcel in world.receiver.got} == {"shop", "default"}
    assert exporter.watermarks() == {"hr": 5, "shop": 3, "default": 3}
    assert exporter.standing().behind == 0


def test_a_reset_is_told_first_and_sends_again(world: World) -> None:
    exporter = world.start()
    world.feed(exporter, 0, 10)
    until(lambda: exporter.standing().sent == 10)
    world.refusal = Unavailable("the record is away")
    with pytest.raises(Unavailable):
        exporter.reset("default", 4, ADMIN)
    world.refusal = None
    assert exporter.reset("default", 4, ADMIN) == 10
    assert exporter.watermarks() == {"default": 4}
    world.feed(exporter, 4, 10)
    until(lambda: world.receiver.ids() == names(0, 10) + names(4, 10))
    assert world.events("export.reset")[0]["actor"] == ADMIN


def test_a_damaged_cursor_is_not_begun_anew_silently(world: World, tmp_path: Path) -> None:
    for text, says in (("{", "is no cursor"), ('{"format": 99}', "newer than")):
        (tmp_path / "siem.json").write_text(text)
        with pytest.raises(ConfigError, match=says):
            world.start()


def test_a_full_disk_stops_the_export_and_leaves_nothing_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = world.start()
    world.feed(exporter, 0, 5)
    until(lambda: exporter.standing().sent == 5)
    full = Unavailable("the cursor cannot be kept: no space left on device")
    save = CursorFile.save

    def refuse(*_: object) -> None:
        raise full

    monkeypatch.setattr(CursorFile, "save", refuse)
    world.feed(exporter, 5, 10)
    until(lambda: "no space left" in exporter.standing().error)
    monkeypatch.setattr(CursorFile, "save", save)
    until(lambda: exporter.standing().sent == 10)
    assert sorted(set(world.receiver.ids())) == sorted(names(0, 10))
