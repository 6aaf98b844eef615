"""Files: names that a repeat has too, the same bytes for the same events, and Parquet that is read back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet

from fixtures.parquet import rows_of
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.events import Actor, Data, Event, Source, encode
from glasshatch.exports import FORMS, Folder, Item, Objects, Parcel, write_file

DAY_NS = 86_400 * 10**9
MIDNIGHT = 1_700_006_400 * 10**9  # 2023-11-15T00:00:00Z


def items(count: int, *, start_ns: int = MIDNIGHT, step_ns: int = 10**9) -> tuple[Item, ...]:
    found = []
    for number in range(count):
        event = Event(
            id=f"id-{number}", time="1", observed_time=str(start_ns + number * step_ns),
            action="order.created",
            source=Source(kind="json", name="shop"),
            actor=Actor(id="u", name="dana", roles=("a", "b")),
            data=Data(rows=number) if number % 2 else None,
        )  # fmt: skip
        found.append(Item("default", number, encode(event), event))
    return tuple(found)


def parcel(of: tuple[Item, ...], stop: int = 0) -> Parcel:
    return Parcel("lake", "default", 0, stop or len(of), of)


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", FORMS)
def test_a_repeat_writes_the_same_names_and_bytes(tmp_path: Path, form: str) -> None:
    store = Objects(Folder(tmp_path), FORMS[form], compress=form == "ocsf")
    store.deliver(parcel(items(10)))
    first = written(tmp_path)
    store.deliver(parcel(items(10)))
    assert written(tmp_path) == first
    (name,) = first
    assert name.startswith("ledger=default/date=2023-11-15/00000000000000000000-00000000000000000010.")


def test_a_parcel_over_midnight_is_two_files(tmp_path: Path) -> None:
    Objects(Folder(tmp_path), FORMS["jsonl"]).deliver(parcel(items(4, start_ns=MIDNIGHT - 2 * 10**9)))
    lines = {name.split("/")[1]: len(data.splitlines()) for name, data in written(tmp_path).items()}
    assert lines == {"date=2023-11-14": 2, "date=2023-11-15": 2}


def test_a_clock_that_is_mad_still_has_a_day(tmp_path: Path) -> None:
    strange = [msgspec.structs.replace(one.event, observed_time=time, time=time)
               for one, time in zip(items(4), ("", "x", "-5", "9" * 30), strict=True)]  # fmt: skip
    found = tuple(Item("default", n, encode(event), event) for n, event in enumerate(strange))
    for form in FORMS.values():
        Objects(Folder(tmp_path), form).deliver(parcel(found))
    assert len(written(tmp_path)) == len(FORMS), "all of them on one day"


def test_lines_are_compressed_and_whole(tmp_path: Path) -> None:
    Objects(Folder(tmp_path), FORMS["jsonl"], compress=True).deliver(parcel(items(5)))
    ((name, data),) = written(tmp_path).items()
    assert name.endswith(".jsonl.gz")
    lines = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2, 3, 4]
    assert lines[0]["event"] == json.loads(items(1)[0].data)


def test_parquet_holds_what_the_event_holds(tmp_path: Path) -> None:
    out = tmp_path / "x.parquet"
    assert write_file(FORMS["parquet"], iter(items(25_000)), out) == 25_000
    table = parquet.read_table(out)
    assert table.num_rows == 25_000
    row = rows_of(table.slice(3, 1))[0]
    assert row["recorded"] // 10**9 == 1_700_006_403  # 2023-11-15T00:00:03Z
    assert (row["actor_name"], row["actor_roles"], row["data_rows"]) == ("dana", ["a", "b"], 3)
    assert json.loads(row["event"])["id"] == row["id"] == "id-3"
    assert table["data_rows"].null_count == 12_500, "no count is not a count of 0"
    assert table["index"].to_pylist() == list(range(25_000))


def test_no_events_are_a_table_without_rows(tmp_path: Path) -> None:
    out = tmp_path / "x.parquet"
    assert write_file(FORMS["parquet"], iter(()), out) == 0
    assert parquet.read_table(out).num_rows == 0


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    out.write_text("what was there")

    def breaking() -> object:
        yield from items(5)
        raise Unavailable("the export broke off")

    with pytest.raises(Unavailable, match="broke off"):
        write_file(FORMS["jsonl"], breaking(), out)
    assert out.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [out]


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_file(FORMS["jsonl"], iter(()), tmp_path / "no" / "x.jsonl")
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be written"):
        Objects(Folder(tmp_path / "file"), FORMS["jsonl"]).deliver(parcel(items(1)))


def test_parquet_has_no_lines() -> None:
    with pytest.raises(ConfigError, match="for files"):
        FORMS["parquet"].line(items(1)[0])
