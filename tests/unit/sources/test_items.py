"""Bodies are taken apart so that an item that cannot be read costs only itself."""

from __future__ import annotations

import gzip
import json

import pytest
import zstandard

from glasshatch.errors import PeerError, TooLarge
from glasshatch.sources import MAX_ITEM_BYTES, decode_body, items
from glasshatch.sources.items import read_item, split

FEW_ITEMS = 5_000
ONE, TWO = b'{"a":1}', b'{"b":[2,{"c":"}]"}]}'


def values(body: bytes, first: int = 1) -> list[tuple[int, object]]:
    """Place and value of each item; for one that cannot be read, what is wrong."""
    read = [read_item(piece) for piece in split(body, first)]
    return [(item.place, item.problem or item.value) for item in read]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n \n"])
@pytest.mark.parametrize(
    ("body", "places"),
    [
        (ONE + b"\n" + TWO, (1, 2)),
        (ONE + b"\r\n\r\n" + TWO, (1, 3)),
        (b"[" + ONE + b"," + TWO + b"]", (1, 2)),
        (b" [\n" + ONE + b" ,\n" + TWO + b"\n]", (1, 2)),
        (b'{"kind":"EventList","items":[' + ONE + b"," + TWO + b"]}", (1, 2)),
        (b"\xef\xbb\xbf" + ONE + b"\n" + TWO, (1, 2)),
    ],
)
def test_every_form_gives_the_same_items(body: bytes, places: tuple[int, ...], end: bytes) -> None:
    assert values(body + end) == list(zip(places, (json.loads(ONE), json.loads(TWO)), strict=True))


def test_one_value_may_take_many_lines() -> None:
    assert values(json.dumps(json.loads(TWO), indent=2).encode()) == [(1, json.loads(TWO))]
    several = "\n".join(json.dumps(json.loads(one), indent=2) for one in (ONE, TWO)).encode()
    assert [value for _, value in values(several)] == [json.loads(ONE), json.loads(TWO)]


def test_lines_count_from_where_they_stand_in_their_file() -> None:
    assert [place for place, _ in values(ONE + b"\n\n" + ONE, 41)] == [41, 43]


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\t\n", b"[]", b"\xef\xbb\xbf", b"[ ]\n"])
def test_nothing_is_no_item(body: bytes) -> None:
    assert values(body) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{bad}", "is not JSON, from byte 1 on"),
        (b'{"a":', "is not JSON, or ends too early"),
        (b'{"a":"\xff"}', "is not UTF-8"),
        (b'{"a":NaN}', "is not JSON, from byte 5 on"),
        (b'{"a":1e999}', "holds a number that is too large"),
        (b"9" * 5_000, "holds a number that is too large"),
        (b'{"a":"' + b"x" * MAX_ITEM_BYTES + b'"}', f"has more than {MAX_ITEM_BYTES} bytes"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "is nested too deeply"),
        (b"\0\0", "is not JSON, from byte 0 on"),
    ],
)
def test_a_bad_line_costs_only_itself(bad: bytes, reason: str) -> None:
    good = json.loads(ONE)
    assert values(b"\n".join((ONE, bad, ONE))) == [(1, good), (2, reason), (3, good)]
    assert values(b"\n".join((bad, ONE, ONE))) == [(1, reason), (2, good), (3, good)]


def test_lines_that_are_all_broken_are_counted_one_by_one() -> None:
    found = values(b"\n".join(b'{"auditID":"%d","requestObject":{"data":"' % n for n in range(70)))
    assert [place for place, _ in found] == list(range(1, 71))


@pytest.mark.parametrize(
    "bad", [b"{bad}", b'{"a":}', b"nope", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":1e999}', b'"\\x"']
)
def test_a_bad_item_of_an_array_costs_only_itself(bad: bytes) -> None:
    found = values(b"[" + b",".join((ONE, bad, TWO)) + b"]")
    assert found[0] == (1, json.loads(ONE))
    assert isinstance(found[1][1], str)
    assert found[2] == (3, json.loads(TWO))


@pytest.mark.parametrize("cut", range(1, len(TWO) + 1))
def test_an_array_that_breaks_off_gives_what_was_whole(cut: int) -> None:
    found = values(b"[" + ONE + b"," + TWO[:cut])
    assert found[0] == (1, json.loads(ONE))
    assert len(found) == 2


def test_what_follows_an_array_is_not_lost() -> None:
    found = values(b"[" + ONE + b"] and more")
    assert found[0] == (1, json.loads(ONE))
    assert len(found) == 2


def test_empty_lines_cost_nothing() -> None:
    assert values(b"\n" * 1_000_000 + ONE) == [(1_000_001, json.loads(ONE))]


@pytest.mark.parametrize(
    "body", [b"1\n" * (FEW_ITEMS + 1), b"[" + b"1," * FEW_ITEMS + b"1]", b"[],\n" * (FEW_ITEMS + 1)]
)
def test_too_many_items_are_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    assert items.MAX_ITEMS == 250_000
    monkeypatch.setattr(items, "MAX_ITEMS", FEW_ITEMS)
    with pytest.raises(TooLarge, match="nothing was stored"):
        split(body)


def test_a_body_made_to_be_slow_is_not() -> None:
    for body in (b"[" + b'"\\' * 500_000, b"[" + b'\\"' * 500_000, b"{" * 1_000_000, b'["' * 500_000):
        assert len(split(body)) <= 2


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_compressed_body_is_whole_or_refused(encoding: str) -> None:
    body = b"\n".join(b'{"n":%d}' % n for n in range(5_000))
    data = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    assert decode_body(data, encoding) == body
    assert decode_body(data + data, encoding) == body + body
    for cut in range(1, len(data), max(1, len(data) // 60)):
        with pytest.raises(PeerError):
            decode_body(data[:cut], encoding)
    if encoding == "gzip":  # zstd has a checksum only if its writer wants one
        with pytest.raises(PeerError):
            decode_body(data[:100] + b"\xff" * 9 + data[109:], encoding)
    with pytest.raises(PeerError):
        decode_body(body, encoding)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_refused_at_the_limit(encoding: str) -> None:
    body = b"\n" * 5_000_000
    data = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    assert len(data) < 10_000
    assert len(decode_body(data, encoding, limit=5_000_000)) == 5_000_000
    with pytest.raises(TooLarge):
        decode_body(data, encoding, limit=4_999_999)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_what_is_compressed_and_does_not_say_so_is_told(compress: object) -> None:
    inner = compress(ONE)  # type: ignore[operator]
    with pytest.raises(PeerError, match="Content-Encoding"):
        decode_body(inner, "")
    with pytest.raises(PeerError, match="Content-Encoding"):
        decode_body(gzip.compress(inner), "gzip")


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate", "x", "GZIP "])
def test_another_encoding_is_named_as_unknown(encoding: str) -> None:
    with pytest.raises(PeerError, match="not known"):
        decode_body(ONE, encoding)


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd", "identity"])
def test_an_empty_body_is_empty_in_every_encoding(encoding: str) -> None:
    assert decode_body(b"", encoding) == b""
