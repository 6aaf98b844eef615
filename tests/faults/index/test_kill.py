"""The process that indexes is killed at any moment: no entry is lost, none is there twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glasshatch.errors import ConfigError, Conflict
from glasshatch.events import Event, Source, encode
from glasshatch.index import KEPT, Index, restored
from glasshatch.index.rows import as_stored

MONTH_NS = 31 * 86_400 * 10**9
APPLYING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_kill import entries
from glasshatch.index import KEPT, Index, restored
index = Index.open(Path(sys.argv[1]), "default")
while index.watermark < 60_000:
    index.apply(entries(index.watermark, index.watermark + 1_500))
    print(index.watermark, flush=True)
"""


def entries(start: int, stop: int) -> list[tuple[int, bytes]]:
    """Entries whose times jump between months, so that a batch makes several parts."""
    return [(number, encode(event(number))) for number in range(start, stop)]


def event(number: int) -> Event:
    time_ns = 1_700_000_000 * 10**9 + number % 7 * MONTH_NS + number
    return Event(
        id=f"e{number}",
        time=str(time_ns),
        action="order.paid",
        source=Source(kind="app"),
        attrs={"n": number},
    )


@pytest.mark.slow
def test_a_kill_loses_and_doubles_nothing(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    reached = 0
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", APPLYING, str(tmp_path / "index"), here], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.random() / 2)
        process.kill()
        told = [line for line in process.stdout if line.endswith("\n")]
        process.wait()
        reached = max([reached, *map(int, told)])
    index = Index.open(tmp_path / "index", "default")
    try:
        assert index.watermark >= reached
        # As much as a killed batch can have left some rows of.
        index.apply(entries(index.watermark, index.watermark + 1_500))
        stop = index.watermark
        ((count, distinct, highest),) = index.select(
            "SELECT count(), uniqExact(`index`), max(`index`) FROM events"
        )
        assert (count, distinct, highest) == (stop, stop, stop - 1)
        ((total,),) = index.select("SELECT sum(toUInt64(attrs['n'][1])) FROM events")
        assert total == stop * (stop - 1) // 2
    finally:
        index.close()


def test_entries_given_again_change_nothing_and_a_gap_is_refused(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default")
    try:
        index.apply(entries(0, 20))
        index.apply(entries(0, 25))
        assert index.watermark == 25
        with pytest.raises(ConfigError, match="waits for entry 25"):
            index.apply(entries(26, 30))
        assert index.select("SELECT count() FROM events") == [(25,)]
        with pytest.raises(Conflict):
            Index.open(tmp_path / "index", "default")
        index.clear()
        assert (index.watermark, index.select("SELECT count() FROM events")) == (0, [(0,)])
    finally:
        index.close()


def test_what_cannot_be_read_takes_its_row_and_stops_nothing(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default")
    try:
        newer = b'{"action":"x.y","id":"e1","schema":99,"source":{"kind":"app"},"time":"1"}'
        odd = Event(id="e3", time="99999999999999999999999", action="a.b", source=Source(kind="app"))
        index.apply([(0, b"no event at all"), (1, newer), (2, b"\xff\xfe"), (3, encode(odd)), *entries(4, 6)])
        assert index.watermark == 6
        for place, data in ((0, b"no event at all"), (1, newer), (2, b"\xff\xfe"), (3, encode(odd))):
            (row,) = index.select(f"SELECT {KEPT} FROM events WHERE `index` = {place}")
            assert restored(row) == as_stored(data)
    finally:
        index.close()


def test_a_damaged_index_is_begun_anew(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default")
    index.apply(entries(0, 20))
    index.close()
    for path in (tmp_path / "index" / "chdb").rglob("*.bin"):
        path.write_bytes(b"damage")
    again = Index.open(tmp_path / "index", "default")
    try:
        assert again.watermark in (0, 20)
        again.apply(entries(again.watermark, 40))
        assert again.watermark == 40
    finally:
        again.close()


def test_another_format_is_begun_anew(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default")
    index.apply(entries(0, 20))
    index.close()
    (tmp_path / "index" / "format").write_text("0\n")
    again = Index.open(tmp_path / "index", "default")
    try:
        assert again.watermark == 0
    finally:
        again.close()


def test_ledgers_have_a_watermark_each_and_share_batches(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default")
    try:
        index.apply(entries(0, 20))
        index.apply_all([*(("shop", *entry) for entry in entries(0, 5)), ("default", *entries(20, 21)[0])])
        with pytest.raises(ConfigError, match="waits for entry shop/5, not for 6"):
            index.apply(entries(6, 7), "shop")
        index.apply_all([("shop", *entry) for entry in entries(3, 8)])
        assert index.watermarks == {"default": 21, "shop": 8}
    finally:
        index.close()
    again = Index.open(tmp_path / "index", "default")
    try:
        assert (again.watermark, again.watermarks) == (21, {"default": 21, "shop": 8})
        assert again.select("SELECT ledger, count() FROM events GROUP BY ledger ORDER BY ledger") == [
            ("default", 21), ("shop", 8),
        ]  # fmt: skip
        read = dict(entries(0, 30)).__getitem__
        assert again.follows(8, read, "shop")
        assert not again.follows(7, read, "shop")
        assert not again.follows(8, lambda index: read(index + 1), "shop")
    finally:
        again.close()
