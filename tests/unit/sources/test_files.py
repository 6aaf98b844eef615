"""Files come in batches of whole lines, compressed or not, and every line comes once."""

from __future__ import annotations

import bz2
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from glasshatch.errors import ConfigError, PeerError
from glasshatch.sources import MAX_ITEM_BYTES, read_lines
from glasshatch.sources.items import read_item, split

Compress = Callable[[bytes], bytes]
FORMS: dict[str, Compress] = {"plain": bytes, "gz": gzip.compress, "zst": zstandard.compress}


def items(path: Path) -> list[tuple[int, object]]:
    return [
        (item.place, item.problem or item.value)
        for part in read_lines(path)
        for item in map(read_item, split(part.body, part.first))
    ]


@pytest.fixture(params=FORMS)
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], Path]:
    def make(data: bytes) -> Path:
        path = tmp_path / "feed.log"  # what it is compressed with, its bytes tell
        path.write_bytes(FORMS[request.param](data))
        return path

    return make


def test_every_line_comes_once_at_its_place(write: Callable[[bytes], Path]) -> None:
    lines = [b'{"n":%d,"pad":"%s"}' % (n, b"x" * (n % 4_000)) for n in range(12_000)]
    lines[7] = b""
    found = items(write(b"\n".join(lines)))
    assert [place for place, _ in found] == [n for n in range(1, 12_001) if n != 8]
    assert [value["n"] for _, value in found] == [n for n in range(12_000) if n != 7]  # type: ignore[index]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_taken_item_by_item(write: Callable[[bytes], Path], indent: int | None) -> None:
    wanted = [{"n": n, "text": "a\nb", "in": [{"x": "]"}]} for n in range(3_000)]
    found = items(write(json.dumps(wanted, indent=indent).encode()))
    assert found == list(enumerate(wanted, 1))


def test_a_list_of_a_cloud_is_one_object_or_its_items(write: Callable[[bytes], Path]) -> None:
    listed = {"kind": "EventList", "items": [{"n": 1}, {"n": 2}]}
    assert items(write(json.dumps(listed, indent=1).encode())) == [(1, {"n": 1}), (2, {"n": 2})]
    assert items(write(json.dumps(listed).encode())) == [(1, {"n": 1}), (2, {"n": 2})]


def test_a_long_list_on_one_line_is_its_items(write: Callable[[bytes], Path]) -> None:
    listed = {"kind": "EventList", "items": [{"n": n, "pad": "x" * 900} for n in range(8_000)]}
    assert [value["n"] for _, value in items(write(json.dumps(listed).encode()))] == list(range(8_000))  # type: ignore[index]


@pytest.mark.parametrize("first", [b'{"a":' * 5_000, b"{broken", b'{"a": "cut', b"nothing"])
def test_a_broken_first_line_costs_only_itself(write: Callable[[bytes], Path], first: bytes) -> None:
    found = items(write(first + b'\n{"n":1}\n{"n":2}\n'))
    assert isinstance(found[0][1], str)
    assert found[1:] == [(2, {"n": 1}), (3, {"n": 2})]


@pytest.mark.parametrize("size", [MAX_ITEM_BYTES + 1, 5_000_000, 13_000_000])
def test_a_line_that_is_too_long_is_told_and_the_next_one_comes(
    write: Callable[[bytes], Path], size: int
) -> None:
    found = items(write(b'{"n":1}\n{"a":"' + b"x" * size + b'"}\n{"n":3}\n'))
    assert found == [(1, {"n": 1}), (2, f"has more than {MAX_ITEM_BYTES} bytes"), (3, {"n": 3})]


def test_a_too_long_line_at_the_end_is_told(write: Callable[[bytes], Path]) -> None:
    assert [place for place, _ in items(write(b'{"n":1}\n' + b"y" * 9_000_000))] == [1, 2]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_nothing(write: Callable[[bytes], Path], data: bytes) -> None:
    assert items(write(data)) == []


def test_a_mark_of_byte_order_is_no_part_of_the_first_line(write: Callable[[bytes], Path]) -> None:
    assert items(write(b'\xef\xbb\xbf{"n":1}\r\n{"n":2}\r\n')) == [(1, {"n": 1}), (2, {"n": 2})]


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_of_a_damaged_file_the_whole_lines_come_and_then_the_error(form: str, tmp_path: Path) -> None:
    dice = random.Random(1)
    lines = [b'{"n":%d,"x":"%s"}' % (n, dice.randbytes(40).hex().encode()) for n in range(20_000)]
    data = FORMS[form](b"\n".join(lines))
    path = tmp_path / "cut"
    path.write_bytes(data[: len(data) // 2])
    found: list[int] = []

    def read() -> None:
        for part in read_lines(path):
            found.extend(read_item(piece).value["n"] for piece in split(part.body, part.first))

    with pytest.raises(PeerError, match="damaged or incomplete"):
        read()
    assert found == list(range(len(found)))
    assert len(found) > 5_000


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigError, match=str(path)):
            items(path)


def test_another_compression_is_read_as_what_it_is_not(tmp_path: Path) -> None:
    path = tmp_path / "feed.bz2"
    path.write_bytes(bz2.compress(b'{"n":1}\n'))
    assert all(isinstance(value, str) for _, value in items(path))


def test_how_far_it_is_read_grows_to_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "feed"
    path.write_bytes(b'{"n":1}\n' * 1_500_000)
    parts = list(read_lines(path))
    read = [part.read_bytes for part in parts]
    assert read == sorted(read)
    assert read[-1] == parts[-1].total_bytes == path.stat().st_size
