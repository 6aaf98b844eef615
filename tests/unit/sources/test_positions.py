"""An interrupted file goes on behind what was acknowledged, in every form and compression."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from fixtures.logs_of_others import POSTGRES
from glasshatch.sources import BEGIN, SOURCES, Place, Position, Positions, json_form, mark_of, read_lines

NAMES = ("local", "json", "shop", "/var/log/app.log")
FORMS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gz": gzip.compress, "zst": zstandard.compress}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", ["lines", "array", "marked"])
def test_a_file_goes_on_behind_each_batch(form: str, shape: str, tmp_path: Path) -> None:
    wanted = [{"n": n, "pad": "x" * (n % 900)} for n in range(5_000)]
    lines = "\n".join(map(json.dumps, wanted)) if shape != "array" else json.dumps(wanted, indent=1)
    path = tmp_path / "file"
    path.write_bytes(FORMS[form](("\ufeff" if shape == "marked" else "").encode() + lines.encode()))
    behind, found = [BEGIN], []
    for part in read_lines(path):
        behind.append(part.behind)
        found.append((part.first, part.body))
    assert len(found) >= 5
    for start, place in enumerate(behind):
        rest = [(part.first, part.body) for part in read_lines(path, json_form({}), place)]
        assert b"\n".join(body for _, body in rest) == b"\n".join(body for _, body in found[start:])
        assert [first for first, _ in rest][:1] == [first for first, _ in found[start:]][:1]


@pytest.mark.parametrize("log", ["log", "csv", "json"])
def test_a_log_of_many_lines_an_entry_goes_on_between_entries(log: str, tmp_path: Path) -> None:
    form = SOURCES["pgaudit"].form({})
    path = tmp_path / "log"
    data = gzip.decompress((POSTGRES / f"postgresql.{log}.gz").read_bytes()) * 40
    path.write_bytes(data)
    parts = list(read_lines(path, form))
    assert len(parts) > 1
    pieces = [len(form.split(part.body, part.first)) for part in parts]
    assert sum(pieces) == 1_046 * 40
    (first, *_) = read_lines(path, form, parts[0].behind)
    assert (first.first, first.body) == (parts[1].first, parts[1].body)


def test_a_position_is_kept_and_forgotten(tmp_path: Path) -> None:
    positions = Positions(tmp_path / "state")
    assert positions.find(*NAMES) is None
    positions.drop(*NAMES)
    kept = Position("ab", 2, Place(10, 3), {"accepted": 2})
    positions.keep(kept, *NAMES)
    assert Positions(tmp_path / "state").find(*NAMES) == kept
    assert positions.find(*NAMES[:-1], "/elsewhere") is None
    assert b"/var/log" not in b"".join(file.read_bytes() for file in (tmp_path / "state").iterdir())
    assert not [file for file in (tmp_path / "state").iterdir() if "app" in file.name]
    positions.drop(*NAMES)
    assert positions.find(*NAMES) is None


def test_a_damaged_position_is_none(tmp_path: Path) -> None:
    positions = Positions(tmp_path)
    positions.keep(Position("ab", 2), *NAMES)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"{half")
    assert positions.find(*NAMES) is None


def test_a_mark_tells_a_file_by_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    mark, length = mark_of(path)
    path.write_bytes(b"one\ntwo\n" * 9_000)
    assert mark_of(path, length) == (mark, length)
    path.write_bytes(b"two\n")
    assert mark_of(path, length) != (mark, length)
