"""Where messages end in a connection, however its bytes come, and what becomes of those that do not end."""

from __future__ import annotations

import pytest

from glasshatch.sources.syslog.framing import Frame, Framer

LINES = b"<13>one\n<13>two\r\n\n<13>three\n"
COUNTED = b"7 <13>one11 <13>two\nand8 <13>four"


def fed(data: bytes, size: int, most: int = 64) -> list[Frame]:
    """All frames of data that comes in pieces of this size, and of its end."""
    framer, found = Framer(most), []
    for start in range(0, len(data), size):
        found += framer.feed(data[start : start + size])
    return found + framer.end()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_both_ways_are_told_apart_however_the_bytes_come(size: int) -> None:
    assert [frame.data.strip() for frame in fed(LINES, size)] == [b"<13>one", b"<13>two", b"<13>three"]
    assert [frame.data for frame in fed(COUNTED, size)] == [b"<13>one", b"<13>two\nand", b"<13>four"]


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_line_that_begins_with_digits_is_a_line(size: int) -> None:
    data = b"2026-11-26T11:00:00Z vm app: x\n7 apples\n"
    assert [frame.data for frame in fed(data, size)] == data.splitlines()


def test_a_last_line_needs_no_end() -> None:
    """RFC 6587 §3.4.2: a connection that closes ends its last line."""
    assert fed(b"<13>one\n<13>two", 5) == [Frame(b"<13>one"), Frame(b"<13>two")]


@pytest.mark.parametrize("size", [1, 5, 1_000])
def test_a_message_that_is_too_long_costs_itself_only(size: int) -> None:
    long = b"<13>" + b"x" * 200
    lines = fed(long + b"\n<13>next\n", size)
    assert [frame.problem for frame in lines] == ["has more than 64 bytes", ""]
    assert lines[1].data == b"<13>next"
    counted = fed(b"%d %s9 <13>after" % (len(long), long), size)
    assert [frame.problem for frame in counted] == ["has more than 64 bytes", ""]
    assert counted[1].data == b"<13>after"


def test_a_length_that_is_none_ends_the_connection() -> None:
    framer = Framer()
    good, bad = framer.feed(b"7 <13>one<13>without its length")
    assert (good, bad.data[:4]) == (Frame(b"<13>one"), b"<13>")
    assert "does not begin with its length" in bad.problem
    assert framer.broken
    assert framer.feed(b"7 <13>two") == framer.end() == []


def test_what_is_cut_off_is_said_to_be() -> None:
    assert fed(b"9 <13>one", 100) == [Frame(b"9 <13>one", "ended before the length that it said")]
    framer = Framer()
    framer.feed(b"<13>half")
    assert framer.pending
    assert framer.end("cut off") == [Frame(b"<13>half", "cut off")]


def test_what_never_ends_is_held_no_longer_than_a_message_may_be() -> None:
    framer = Framer(1_000)
    frames = framer.feed(b"<13>")
    for _ in range(1_000):
        frames += framer.feed(b"x" * 100)
        assert len(framer._held) <= 1_100
    assert [frame.problem for frame in frames] == ["has more than 1000 bytes"]
    assert framer.pending
