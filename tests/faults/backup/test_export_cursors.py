"""Exports over a restore: nothing is left out, nothing that lies there is replaced, and it is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from glasshatch.app.backup.moments import moments, read_moment
from glasshatch.app.home import Home
from glasshatch.clock import SystemClock
from glasshatch.events import Actor
from glasshatch.exports import (
    FORMS,
    CursorFile,
    Exporter,
    Folder,
    Gate,
    Objects,
    Pace,
    Telling,
)
from glasshatch.ledger import Ledger, LedgerReader

from .test_backup import FILLED, TURNING, World, event, last_event

PACE = Pace(rows=50, linger_s=0.01, first_s=0.01, longest_s=0.05)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.home.config_file.write_text(
        world.home.config_file.read_text()
        + f'\n[exports.lake]\nform = "jsonl"\nto = "file:{tmp_path / "lake"}"\n'
        + f'[exports.late]\nform = "jsonl"\nto = "file:{tmp_path / "late"}"\nstart = "now"\n'
    )
    world.fill(FILLED)
    yield world
    world.ledger.close()


def export(world: World, home: Path) -> None:
    """Let everything of a directory's ledger leave into the lake."""
    with LedgerReader(home / "ledgers" / "default", world.keyring) as reader:
        entries = [("default", index, bytes(data)) for index, data in reader.scan()]
    exporter = Exporter(
        "lake", FORMS["jsonl"], Objects(Folder(world.folder / "lake"), FORMS["jsonl"]),
        CursorFile(Home(home).exports, "lake"), lambda: Gate(lambda event, ledger: True),
        Telling("lake", "lake", "jsonl", Actor(id="e"), lambda *_, **__: None), SystemClock(), lambda: 0.5,
        pace=PACE, sizes=lambda: {"default": len(entries)},
    )  # fmt: skip
    exporter.start()
    exporter.apply(entries[exporter.watermarks().get("default", 0) :])
    deadline = time.monotonic() + 60
    while exporter.standing().behind:
        assert time.monotonic() < deadline, exporter.standing()
        time.sleep(0.01)
    exporter.stop()


def lake(world: World) -> dict[str, bytes]:
    folder = world.folder / "lake"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.jsonl")}


def bodies(files: dict[str, bytes]) -> list[dict[str, object]]:
    return [msgspec.json.decode(line)["event"] for data in files.values() for line in data.splitlines()]


def test_an_export_goes_on_after_a_restore_and_replaces_nothing(world: World) -> None:
    export(world, world.home.directory)
    world.fill(40, FILLED)
    world.back_up()
    world.fill(60, FILLED + 40)
    export(world, world.home.directory)  # all of it left, and the last sixty are lost with the disk
    before = lake(world)

    home = world.restore()
    restored = last_event(world, home)
    assert restored.attrs["exports"] == f"lake from default/{FILLED}; late from what is new"
    with Ledger.open(Home(home).ledger, world.keyring, SystemClock(), TURNING) as ledger:
        for number in range(60):
            ledger.append(event(1_000_000 + number))  # the same places as the lost ones, and other events
    export(world, home)

    after = lake(world)
    assert {name: after[name] for name in before} == before, "what lay there was replaced"
    out = [one["attrs"].get("number") for one in bodies(after)]  # type: ignore[attr-defined]
    kept = {*range(FILLED + 100), *range(1_000_000, 1_000_060)}
    assert kept <= set(out), f"left out: {sorted(kept - set(out))[:10]}"
    again = len(out) - len({one["id"] for one in bodies(after)})
    assert again <= 60, f"{again} events left twice, and at most those since the backup's cursor may"


def test_a_cursor_that_is_being_written_is_not_backed_up(world: World) -> None:
    export(world, world.home.directory)
    (world.home.exports / "lake.new").write_bytes(b"half")
    world.back_up()
    paths = {file.path for file in read_moment(moments(world.place)[-1]).files}
    assert {path for path in paths if path.startswith("exports/")} == {"exports/lake.json"}


def test_a_damaged_cursor_does_not_keep_a_record_from_being_restored(world: World) -> None:
    export(world, world.home.directory)
    (world.home.exports / "lake.json").write_bytes(b"{")
    world.back_up()
    home = world.restore()
    assert "lake from its cursor cannot be read" in last_event(world, home).attrs["exports"]


def test_two_restores_of_one_moment_give_names_of_their_own(world: World) -> None:
    export(world, world.home.directory)
    world.back_up()
    lines = set()
    for number in range(2):
        home = world.restore(f"restored-{number}")
        cursor = CursorFile(Home(home).exports, "lake").load()
        assert cursor is not None
        lines.add(cursor.line)
        time.sleep(1.1)
    assert len(lines) == 2
