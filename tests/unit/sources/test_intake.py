"""Everything that is answered for is in the record, once; what goes wrong in between doubles nothing."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fixtures.audit import event
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, GlasshatchError, TooLarge, Unavailable
from glasshatch.events import Actor, Encoded, Event, Receipt, encode, event_of
from glasshatch.sources import SOURCES, Intake, Seen
from glasshatch.sources.seen import key_of


class Record:
    """A record in memory that answers at once, fails, holds answers back, or finds events too large."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fail_from: int | None = None
        self.hold = False
        self.held: list[Callable[[], None]] = []
        self.largest = 60_000

    def submit_all(
        self,
        events: Sequence[Event | Encoded],
        done: Callable[[int, Receipt | GlasshatchError], None],
        feed: str = "",
    ) -> None:
        for place, one in enumerate(map(event_of, events)):
            if self.fail_from is not None and place >= self.fail_from:
                done(place, Unavailable("the ledger's queue is full"))
            elif len(encode(one)) > self.largest:
                done(place, TooLarge("too large"))
            elif self.hold:
                self.held.append(lambda one=one, place=place: done(place, self._keep(one)))  # type: ignore[misc]
            else:
                done(place, self._keep(one))

    def _keep(self, one: Event) -> Receipt:
        self.events.append(one)
        return Receipt(len(self.events) - 1, b"")

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        for index in range(start, len(self.events)):
            yield index, encode(self.events[index])


class World:
    """An intake over a record and a directory; `restart` is what a new process sees."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.record = Record()
        self.opened = 0
        self.restart()

    def restart(self) -> None:
        self.intake = Intake(
            self.record, self._seen, SOURCES, SystemClock(), os.urandom, "default", list, b"a key"
        )

    def _seen(self) -> Seen:
        self.opened += 1
        seen = Seen(self.directory, {"default": len(self.record.events)})
        seen.catch_up(self.record.entries(seen.watermark()))
        return seen

    def take(self, *items: Any, kind: str = "json", **more: Any) -> tuple[int, int, int]:
        body = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in items).encode()
        result = self.intake.take(kind, "prod", body, **more)
        return result.accepted, result.duplicates, result.quarantined


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_id_is_recorded_once_whatever_is_delivered_again(world: World) -> None:
    assert world.take({"id": "a"}, {"id": "b"}, {"id": "a"}) == (2, 1, 0)
    assert world.take({"id": "b"}, {"id": "c"}) == (1, 1, 0)
    world.restart()
    assert world.take({"id": "a"}, {"id": "c"}, {"id": "d"}) == (1, 2, 0)
    assert len(world.record.events) == 4


OTHER = "has the id of another event, which says something else"


def test_an_id_that_comes_again_with_other_content_is_quarantined_once(world: World) -> None:
    first, other = {"id": "a", "amount": 1}, {"id": "a", "amount": 2}
    assert world.take(first) == (1, 0, 0)
    assert world.take({"amount": 1, "id": "a"}) == (0, 1, 0)  # the same, in another order
    assert world.take(other, {"id": "b"}) == (1, 0, 1)
    assert world.take(other, other, first) == (0, 3, 0)
    told = world.record.events[1]
    assert (told.action, told.attrs["reason"]) == ("intake.quarantined", f"item 1 {OTHER}")
    assert told.attrs["item"] == other
    world.restart()
    assert world.take(other, {"id": "a", "amount": 3}) == (0, 1, 1)
    assert [event.action for event in world.record.events].count("intake.quarantined") == 2


def test_in_one_delivery_the_first_content_of_an_id_stays(world: World) -> None:
    items = [
        {"id": "a", "n": 1},
        {"id": "a", "n": 2},
        {"id": "a", "n": 1},
        {"id": "a", "n": 3},
        {"id": "a", "n": 2},
    ]
    assert world.take(*items) == (1, 2, 2)
    assert [event.attrs.get("n") for event in world.record.events] == [1, None, None]
    assert world.take(*items) == (0, 5, 0)


def test_contents_are_not_compared_with_what_only_the_record_knows(world: World, tmp_path: Path) -> None:
    world.take({"id": "a", "n": 1})
    world.intake.close()
    (tmp_path / "seen.db").unlink()
    world.restart()
    assert world.take({"id": "a", "n": 2}, {"id": "a", "n": 3}) == (0, 2, 0)


def test_a_store_of_an_older_version_is_used_further(world: World, tmp_path: Path) -> None:
    world.take({"id": "a", "n": 1})
    world.intake.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "seen.db")) as database:
        database.executescript(
            "CREATE TABLE old (key BLOB PRIMARY KEY) WITHOUT ROWID; INSERT INTO old SELECT key FROM seen;"
            "DROP TABLE seen; ALTER TABLE old RENAME TO seen"
        )
    world.restart()
    assert world.take({"id": "a", "n": 2}, {"id": "b", "n": 1}) == (1, 1, 0)
    assert world.take({"id": "b", "n": 2}) == (0, 0, 1)
    assert world.opened == 2


def test_nobody_can_try_out_what_a_line_without_id_said(world: World) -> None:
    line = b'{"phone":"555-0100"}'
    world.intake.take("json", "prod", line, file="log", first_line=1)
    plain = hashlib.blake2b(line, digest_size=16).hexdigest()
    guessed = key_of("default", "json", "prod", f"line log 1 {plain}")
    assert guessed != world.record.events[0].labels["dedup"]


def test_instances_are_told_apart(world: World) -> None:
    world.take({"id": "a"})
    assert world.intake.take("json", "other", b'{"id":"a"}').accepted == 1


def test_the_store_of_what_was_seen_may_be_lost_or_damaged(world: World, tmp_path: Path) -> None:
    world.take({"id": "a"})
    for damage in (
        lambda: [file.unlink() for file in tmp_path.iterdir()],
        lambda: (tmp_path / "seen.db").write_bytes(b"no database at all" * 99),
    ):
        world.intake.close()
        damage()
        world.restart()
        assert world.take({"id": "a"}) == (0, 1, 0)


def test_keys_of_a_record_that_was_put_back_are_forgotten(world: World) -> None:
    world.take({"id": "a"})
    world.take({"id": "b"})
    world.intake.close()
    del world.record.events[1:]  # an older copy of the record, with a newer file beside it
    world.restart()
    assert world.take({"id": "a"}, {"id": "b"}) == (1, 1, 0)


def test_a_delivery_that_fails_halfway_doubles_nothing_when_it_comes_again(world: World) -> None:
    world.record.fail_from = 2
    with pytest.raises(Unavailable, match="deliver it again"):
        world.take({"id": "a"}, {"id": "b"}, {"id": "c"})
    world.record.fail_from = None
    world.take({"id": "z"})  # another delivery in between must not make it forget
    assert world.take({"id": "a"}, {"id": "b"}, {"id": "c"}) == (1, 2, 0)
    assert len(world.record.events) == 4


def test_what_arrives_after_all_doubles_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasshatch.sources.collecting._PATIENCE_SECONDS", 0.05)
    world.record.hold = True
    with pytest.raises(Unavailable, match="in time"):
        world.take({"id": "a"})
    with pytest.raises(Unavailable, match="in time"):
        world.take({"id": "a"})  # nobody can say yet whether it is there
    world.record.hold = False
    for release in world.record.held:
        release()
    assert world.take({"id": "a"}, {"id": "b"}) == (1, 1, 0)
    assert len(world.record.events) == 2


def test_a_file_again_and_a_grown_file_double_nothing(world: World) -> None:
    lines = [{"n": 1}, "broken {", {"n": 2}]
    assert world.take(*lines, file="/x", first_line=1) == (2, 0, 1)
    world.restart()
    assert world.take(*lines, {"n": 3}, file="/x", first_line=1) == (1, 3, 0)
    assert world.take({"n": 1}, file="/y", first_line=1) == (1, 0, 0)


def test_live_deliveries_without_id_are_all_recorded(world: World) -> None:
    assert world.take({"n": 1}, {"n": 1}) == (2, 0, 0)
    assert world.take({"n": 1}, "bad") == (1, 0, 1)
    assert world.take("bad") == (0, 0, 1)


def test_what_turns_out_too_large_is_quarantined_and_stops_nobody(world: World) -> None:
    world.record.largest = 5_000
    assert world.take({"id": "a"}, {"id": "b", "x": "y" * 6_000}, {"id": "c"}) == (2, 0, 1)
    assert [one.action for one in world.record.events].count("intake.quarantined") == 1


def test_who_delivered_and_what_was_wrong_is_recorded(world: World) -> None:
    actor = Actor(id="actor-1", name="feeder")
    result = world.intake.take("json", "prod", b'{"a":1}\n{"actor":5}', actor)
    good, bad = world.record.events
    assert [(link.rel, link.id) for link in good.links] == [("delivered_by", "actor-1")]
    assert bad.action == "intake.quarantined"
    assert bad.attrs["reason"] == "item 2 cannot be understood: actor is a number, not an object"
    assert bad.attrs["item"] == {"actor": 5}
    assert [(one.item, one.reason) for one in result.problems] == [
        (2, "cannot be understood: actor is a number, not an object")
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(("Metadata", "Request", "RequestResponse"))))
@pytest.mark.parametrize("between", [0, 400])
def test_the_fullest_copy_of_a_delivery_is_kept(world: World, order: tuple[str, ...], between: int) -> None:
    copies = []
    for level in order:
        copies += [{**event(number=1, level=level)}] + [event() for _ in range(between)]
    accepted, duplicates, _ = world.take(*copies, kind="kubernetes")
    assert (accepted, duplicates) == (1 + 3 * between, 2)
    kept = [one for one in world.record.events if one.request_id.endswith("000000000001")]
    assert [one.labels["level"] for one in kept] == ["RequestResponse"]


def test_a_fuller_copy_that_comes_later_completes_the_recorded_one_once(world: World) -> None:
    copies = [event(number=1, level=level) for level in ("Metadata", "Request", "RequestResponse")]
    assert world.take(copies[0], kind="kubernetes") == (1, 0, 0)
    world.restart()
    assert world.take(copies[2], event(number=2), kind="kubernetes") == (2, 0, 0)
    for _ in range(2):
        for copy in (copies[0], copies[2], event(number=2, level="Metadata")):
            assert world.take(copy, kind="kubernetes") == (0, 1, 0)
        world.restart()
    first, fuller, _ = world.record.events
    assert (first.action, first.labels["level"]) == ("pods.create", "Metadata")
    assert (fuller.action, fuller.labels["level"]) == ("recording.completed", "RequestResponse")
    assert ("completes", first.labels["dedup"]) in [(link.rel, link.id) for link in fuller.links]
    assert (fuller.request_id, fuller.resource, fuller.time) == (first.request_id, first.resource, first.time)
    assert fuller.native["level"] == "RequestResponse"
    # Who counts actors, outcomes or actions finds the fact once.
    assert (fuller.actor, fuller.outcome, fuller.client) == (None, None, None)


def test_of_a_copy_whose_weight_is_not_known_any_more_the_first_stays(world: World, tmp_path: Path) -> None:
    world.take(event(number=1, level="Metadata"), kind="kubernetes")
    (tmp_path / "seen.db").unlink()
    world.restart()
    assert world.take(event(number=1), kind="kubernetes") == (0, 1, 0)
    assert len(world.record.events) == 1


def test_stages_of_a_request_are_facts_of_their_own(world: World) -> None:
    stages = [event(number=1, stage=stage) for stage in ("RequestReceived", "ResponseComplete")]
    assert world.take(*stages, *stages, kind="kubernetes") == (2, 2, 0)


@pytest.mark.parametrize(
    ("time", "live", "clock"),
    [
        (-366, True, "behind"),
        (-366, False, None),
        (366, True, "ahead"),
        (366, False, "ahead"),
        (-1, True, None),
    ],
)
def test_a_clock_that_is_far_off_is_marked_and_counted(
    world: World, time: int, live: bool, clock: str | None
) -> None:
    moment = SystemClock().now_ns() + time * 86_400 * 10**9
    result = world.intake.take(
        "json", "prod", json.dumps({"time": moment}).encode(), first_line=0 if live else 1
    )
    assert (result.accepted, result.skewed) == (1, int(clock is not None))
    assert world.record.events[0].labels.get("clock") == clock
    assert world.record.events[0].time == str(moment)


def test_many_clients_at_once_record_each_id_once(world: World) -> None:
    bodies = [[{"id": f"{n % 40}"} for n in range(start, start + 30)] for start in range(0, 200, 10)]
    counts: list[tuple[int, int, int]] = []
    threads = [threading.Thread(target=lambda b=body: counts.append(world.take(*b))) for body in bodies]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(accepted for accepted, _, _ in counts) == len(world.record.events) == 40
    assert sum(map(sum, counts)) == sum(map(len, bodies))


def test_an_unknown_source_is_named(world: World) -> None:
    with pytest.raises(ConfigError, match="there is no source 'smoke'"):
        world.take({}, kind="smoke")
