"""An index that is away, damaged, of another format or of another ledger never gives a wrong answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from fixtures.glasshatch import run
from glasshatch.errors import Unavailable
from glasshatch.events import Data, Event, Source, StatementText, encode
from glasshatch.index import Index
from glasshatch.index.embedded import Embedded as Engine

MONTH_NS = 31 * 86_400 * 10**9
ANSWER = "SELECT count(), sum(toUInt64(attrs['n'][1])), uniqExact(id) FROM events"


def entries(start: int, stop: int) -> list[tuple[int, bytes]]:
    """Entries of seven months in turn, so that a batch makes several parts."""
    return [
        (
            number,
            encode(
                Event(
                    id=f"e{number}", time=str(1_700_000_000 * 10**9 + number % 7 * MONTH_NS),
                    action="order.paid", source=Source(kind="app"), attrs={"n": number},
                )
            ),
        )
        for number in range(start, stop)
    ]  # fmt: skip


def filled(folder: Path, stop: int = 3_000) -> Path:
    index = Index.open(folder, "default")
    index.apply(entries(0, stop))
    index.close()
    return folder


def answer(folder: Path, stop: int = 3_000) -> tuple[int, int, int]:
    """What the index says after it has followed the ledger up to `stop`."""
    index = Index.open(folder, "default")
    try:
        index.apply(entries(index.watermark, stop))
        (row,) = index.select(ANSWER)
        return row[0], row[1], row[2]
    finally:
        index.close()


def whole(stop: int = 3_000) -> tuple[int, int, int]:
    return stop, stop * (stop - 1) // 2, stop


def delete(folder: Path) -> None:
    shutil.rmtree(folder)


def delete_tables(folder: Path) -> None:
    shutil.rmtree(folder / "chdb")


def forget_format(folder: Path) -> None:
    (folder / "format").unlink()


def newer_format(folder: Path) -> None:
    (folder / "format").write_text("999 0123456789abcdef\n")


def garbage_format(folder: Path) -> None:
    (folder / "format").write_bytes(b"\xff\xfe\x00")


def lose_a_part(folder: Path) -> None:
    parts = sorted({path.parent for path in (folder / "chdb").rglob("checksums.txt")})
    assert len(parts) > 3
    shutil.rmtree(parts[len(parts) // 2])


def cut_metadata(folder: Path) -> None:
    for path in (folder / "chdb").rglob("*.sql"):
        path.write_bytes(path.read_bytes()[:40])


def cut_marks(folder: Path) -> None:
    for path in [*(folder / "chdb").rglob("*.mrk*"), *(folder / "chdb").rglob("*.cmrk*")]:
        path.write_bytes(b"")


HARM = [
    delete,
    delete_tables,
    forget_format,
    newer_format,
    garbage_format,
    lose_a_part,
    cut_metadata,
    cut_marks,
]


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_a_harmed_index_answers_as_the_ledger_says(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    folder = filled(tmp_path / "index")
    harm(folder)
    assert answer(folder) == whole()


def test_damaged_columns_are_refused_or_made_anew(tmp_path: Path) -> None:
    folder = filled(tmp_path / "index")
    for path in (folder / "chdb").rglob("*.bin"):
        data = bytearray(path.read_bytes())
        data[len(data) // 3 : len(data) // 3 + 16] = b"\xa5" * 16
        path.write_bytes(bytes(data))
    try:
        found: object = answer(folder)
    except Unavailable as error:
        found = error.hint
    assert found in (whole(), "glasshatch index rebuild makes it anew")
    index = Index.open(folder, "default")
    index.clear()
    index.close()
    assert answer(folder) == whole()


def test_a_batch_that_failed_half_way_is_not_doubled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk: the rows of some months are there, the insert says it failed."""
    index = Index.open(tmp_path / "index", "default")
    real = Engine.insert

    def half(engine: Engine, table: str, found: pa.Table, token: str) -> None:
        months = found.column("month").to_pylist()
        first = [place for place, month in enumerate(months) if month == months[0]]
        real(engine, table, found.take(first), token)
        raise Unavailable("the disk is full")

    try:
        index.apply(entries(0, 500))
        monkeypatch.setattr(Engine, "insert", half)
        with pytest.raises(Unavailable):
            index.apply(entries(500, 1_200))
        monkeypatch.setattr(Engine, "insert", real)
        assert index.watermark <= 501
        index.apply(entries(500, 1_200))
        assert index.select(ANSWER) == [whole(1_200)]
    finally:
        index.close()


def test_one_entry_that_no_column_takes_keeps_no_other_out(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default")
    huge = encode(
        Event(id="huge", time="1", action="a.b", source=Source(kind="app"), data=Data(rows=5))
    ).replace(b'"rows":5', b'"rows":' + b"9" * 25)
    deep = b'{"action":"a.b","attrs":' + b'{"a":' * 9_000 + b"1" + b"}" * 9_000
    deep += b',"id":"deep","source":{"kind":"app"},"time":"1"}'
    try:
        index.apply([*entries(0, 5), (5, huge), (6, deep), *entries(7, 10)])
        assert index.watermark == 10
        assert index.select("SELECT count() FROM events WHERE action = 'order.paid'") == [(8,)]
    finally:
        index.close()


def test_long_texts_and_many_members_are_found_to_their_ends(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "index", "default")
    event = Event(
        id="e0", time="1", action="a.b", source=Source(kind="app"),
        statement=StatementText(text="word " * 4_000 + "lastword"),
        attrs={f"member{number}": f"value{number}" for number in range(900)} | {"z": "x" * 9_000 + " last"},
    )  # fmt: skip
    try:
        index.apply([(0, encode(event))])
        for word in ("lastword", "last", "value899"):
            assert index.select(
                "SELECT count() FROM events WHERE hasToken(body, {w:String})", {"w": word}
            ) == [(1,)]
        assert index.select("SELECT attrs['member899'][1] FROM events") == [("value899",)]
    finally:
        index.close()


def test_an_index_of_another_ledger_is_made_anew(tmp_path: Path) -> None:
    """The ledger was restored from a backup and the index was not: both go on from a common beginning."""
    home, kept = tmp_path / "home", tmp_path / "kept"

    def ingest(word: str, count: int) -> None:
        file = tmp_path / f"{word}.jsonl"
        file.write_text("".join(f'{{"message": "{word} {number}"}}\n' for number in range(count)))
        done = run("ingest", "json", str(file), "--data", str(home))
        assert done.returncode == 0, done.stderr

    def found(word: str) -> int:
        done = run("search", word, "--count", "--data", str(home))
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    ingest("common", 5)
    assert found("common") == 5
    shutil.copytree(home, kept)
    ingest("forgotten", 30)
    assert found("forgotten AND -action:record.read") == 30
    index = tmp_path / "index"
    shutil.move(home / "derived" / "index", index)
    for more, expected in ((40, 40), (0, 0)):
        shutil.rmtree(home)
        shutil.copytree(kept, home, dirs_exist_ok=True)
        shutil.rmtree(home / "derived" / "index")
        shutil.copytree(index, home / "derived" / "index")
        if more:
            ingest("another", more)
        assert found("another AND -action:record.read") == expected
        assert found("forgotten AND -action:record.read") == 0
        assert found("common AND -action:record.read") == 5
