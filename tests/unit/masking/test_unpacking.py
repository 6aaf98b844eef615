"""Values in compressed text of every kind are found, and what grows too large is given up on."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

import pytest
import zstandard

from glasshatch.masking import Engine
from glasshatch.masking.decoding.unpacking import MOST, unpacked

NOTE = b"row 7: alice.smith@example.com, checked by nobody in particular"


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "bzip2 of the first level": lambda data: bz2.compress(data, 1),
    "bzip2 of the fifth level": lambda data: bz2.compress(data, 5),
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load(["core"])


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("writer", ["base64", "hex"])
def test_the_whole_run_is_found(engine: Engine, name: str, writer: str) -> None:
    packed = PACKERS[name](NOTE)
    run = base64.b64encode(packed).decode() if writer == "base64" else packed.hex()
    (found,) = engine.scan([f'body="{run}" end'])[0]
    assert (found.type, found.start, found.end) == ("EMAIL", 6, 6 + len(run))


@pytest.mark.parametrize("head", ["deflate: ", "deflated=", '{"SAMLRequest":"'])
def test_raw_deflate_is_read_behind_a_word_that_says_so(engine: Engine, head: str) -> None:
    run = base64.b64encode(deflated(NOTE)).decode()
    (found,) = engine.scan([f"{head}{run}"])[0]
    assert (found.type, found.start) == ("EMAIL", len(head))
    assert engine.scan([run])[0] == []


@pytest.mark.parametrize("name", PACKERS)
def test_what_is_cut_off_is_read_as_far_as_it_goes(name: str) -> None:
    long = NOTE + bytes(range(256)) * 40
    packed = PACKERS[name](long)
    assert unpacked(packed) == (long, len(packed))
    assert long.startswith(unpacked(packed[:-9])[0])
    assert unpacked(packed[:3])[0] == b""


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_not_unpacked(engine: Engine, name: str) -> None:
    bomb = PACKERS[name](b"a" * (MOST * 4))
    with pytest.raises(OverflowError):
        unpacked(bomb)
    with pytest.raises(OverflowError):
        engine.scan([base64.b64encode(bomb).decode()])


@pytest.mark.parametrize("name", PACKERS)
def test_a_run_ends_where_its_stream_ends(engine: Engine, name: str) -> None:
    packed = PACKERS[name](NOTE)
    assert unpacked(packed + b"and more") == (NOTE, len(packed))
    run = base64.b64encode(packed).decode()
    # A token under it looks like one more line of the same base64.
    found = engine.scan([f"{run}\neyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"])[0]
    # zstd leaves short text as it is, so that it is read as base64 too, and both lines as one run.
    assert [(one.start, one.end) for one in found] == [(0, len(run))] or name == "zstd"
