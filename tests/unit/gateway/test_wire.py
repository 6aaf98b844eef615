"""Framing and message bodies, malformed ones first."""

from __future__ import annotations

import struct

import pytest

from glasshatch.errors import PeerError
from glasshatch.gateway.connectors.postgres.wire import (
    FrameReader,
    message,
    parse_bind,
    parse_execute,
    parse_named,
    parse_parse,
    parse_query,
)


def cut(reader: FrameReader, data: bytes) -> list[bytes]:
    buffer, spans = reader.feed(data)
    return [buffer[start:end] for _, start, end in spans]


def test_messages_keep_their_bytes() -> None:
    first, second = message(b"Q", b"select 1\0"), message(b"S")
    reader = FrameReader(1000)
    assert cut(reader, first + second[:2]) == [first]
    assert reader.partial_bytes == 2
    assert cut(reader, second[2:]) == [second]
    assert reader.partial_bytes == 0


def test_a_large_message_is_refused_by_its_header() -> None:
    reader = FrameReader(1000, {ord("Q"): 100}, frozenset(b"QB"))
    with pytest.raises(PeerError, match="limit"):
        reader.feed(b"Q" + struct.pack(">I", 500))
    with pytest.raises(PeerError, match="limit"):
        FrameReader(1000).feed(b"B" + struct.pack(">I", 5000))
    assert cut(FrameReader(1000, {ord("Q"): 100}), message(b"B", b"x" * 500))


def test_a_foreign_tag_is_refused_at_its_first_byte() -> None:
    with pytest.raises(PeerError):
        FrameReader(1000, allowed=frozenset(b"Q")).feed(b"\xff")


@pytest.mark.parametrize("length", [0, 1, 3])
def test_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(PeerError):
        FrameReader(1000).feed(b"Q" + struct.pack(">I", length) + b"xxxx")


def test_query_needs_exactly_one_terminator() -> None:
    assert parse_query(b"select 1\0") == b"select 1"
    for body in (b"", b"select 1", b"select 1\0drop\0", b"a\0\0"):
        with pytest.raises(PeerError):
            parse_query(body)


def test_bind() -> None:
    body = b"p\0s\0" + struct.pack(">HHHI", 1, 1, 2, 3) + b"abc" + struct.pack(">iHHH", -1, 2, 0, 1)
    bind = parse_bind(body)
    assert bind.portal == b"p"
    assert bind.statement == b"s"
    assert bind.values == (b"abc", None)
    assert [bind.result_format(column) for column in (0, 1, 2)] == [0, 1, 0]
    for bad in (body[:-1], body + b"x", body.replace(b"\0\0\0\3abc", b"\x7f\xff\xff\xffabc"), b"p\0s"):
        with pytest.raises(PeerError):
            parse_bind(bad)


def test_other_bodies() -> None:
    assert parse_parse(b"n\0select $1\0" + struct.pack(">HI", 1, 25)).parameter_types == (25,)
    assert parse_named(b"Sname\0", "Close") == (b"S", b"name")
    assert parse_execute(b"p\0" + struct.pack(">I", 7)) == (b"p", 7)
    for call in (
        lambda: parse_parse(b"n\0select"),
        lambda: parse_parse(b"n\0select\0" + struct.pack(">H", 2)),
        lambda: parse_named(b"Xname\0", "Close"),
        lambda: parse_named(b"", "Close"),
        lambda: parse_execute(b"p\0\0"),
    ):
        with pytest.raises(PeerError):
            call()
