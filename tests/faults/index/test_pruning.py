"""The index of a pruned ledger: rows go, watermarks stay, and a crash in between is made good."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from glasshatch.errors import Unavailable
from glasshatch.index import Index

sys.path.insert(0, str(Path(__file__).parent))

from test_kill import entries


def held(index: Index) -> list[tuple[str, int, int]]:
    """Of every ledger how many rows there are, and the first."""
    sql = "SELECT ledger, count(), min(`index`) FROM events GROUP BY ledger ORDER BY ledger"
    return [tuple(row) for row in index.select(sql)]  # type: ignore[misc]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    index = Index.open(tmp_path / "index", "default")
    index.apply(entries(0, 300))
    index.apply(entries(0, 40), "shop")
    index.close()
    return tmp_path / "index"


def test_rows_below_the_minimum_go_and_it_goes_on_behind(directory: Path) -> None:
    index = Index.open(directory, "default")
    try:
        index.prune({"default": 200})
        assert held(index) == [("default", 100, 200), ("shop", 40, 0)]
        assert index.watermarks == {"default": 300, "shop": 40}
        index.prune({"default": 256, "shop": 50})
        assert held(index) == [("default", 44, 256)]
        assert index.watermarks == {"default": 300, "shop": 50}
        index.apply(entries(50, 60), "shop")
        index.clear()
        assert (held(index), index.watermarks) == ([], {"default": 256, "shop": 50})
        index.apply(entries(256, 270))
        assert held(index) == [("default", 14, 256)]
    finally:
        index.close()
    again = Index.open(directory, "default")
    try:
        assert again.watermarks == {"default": 270, "shop": 50}
        assert again.follows(50, lambda _: b"", "shop")
        assert not again.follows(400, lambda _: b"other")
    finally:
        again.close()


def test_a_crash_before_the_rows_are_gone_is_made_good_at_the_next_start(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index.open(directory, "default")

    def fail(*_: object) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("glasshatch.index.index.drop_pruned", fail)
        with pytest.raises(Unavailable):
            index.prune({"default": 200})
    index.close()
    again = Index.open(directory, "default")
    try:
        assert held(again) == [("default", 100, 200), ("shop", 40, 0)]
        assert again.watermarks == {"default": 300, "shop": 40}
    finally:
        again.close()


def test_an_index_pruned_further_than_its_ledger_is_of_another_one(directory: Path) -> None:
    index = Index.open(directory, "default")
    try:
        index.prune({"default": 256})
        index.prune({"default": 128})
        assert (held(index), index.watermarks) == ([], {"default": 128})
        index.prune({})
        assert (held(index), index.watermarks) == ([], {})
    finally:
        index.close()


def test_a_lost_note_of_the_minimums_is_made_good_by_the_follower(directory: Path) -> None:
    index = Index.open(directory, "default")
    index.prune({"default": 200})
    index.close()
    (directory / "minimums").unlink()
    again = Index.open(directory, "default")
    try:
        assert again.watermarks == {"default": 0, "shop": 40}, "a hole from 0 on"
        again.prune({"default": 200})
        again.apply(entries(200, 310))
        assert held(again) == [("default", 110, 200), ("shop", 40, 0)]
    finally:
        again.close()


@pytest.mark.slow
def test_their_bytes_are_off_the_disk_within_a_minute(directory: Path) -> None:
    """Parts that were rewritten lie there a while; looked at to the end in `make deep` only."""
    index = Index.open(directory, "default")
    sql = "SELECT sum(rows) FROM system.parts WHERE table = 'events' AND NOT active"
    try:
        index.prune({"default": 290, "shop": 40})
        deadline_s, left = time.monotonic() + rounds(0, 90), [(1,)]
        while time.monotonic() < deadline_s and left != [(0,)]:
            time.sleep(1)
            left = index.select(sql)
        if rounds(0, 1):
            assert left == [(0,)]
            tell("rows of pruned entries: 0 left in any part of the index, replaced ones included")
        assert held(index) == [("default", 10, 290)]
        assert shutil.disk_usage(directory).used
    finally:
        index.close()
