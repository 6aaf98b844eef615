"""However bytes are cut, the same messages come out; rows survive their round trip."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glasshatch.gateway.connectors.postgres.answers import read_row, write_row
from glasshatch.gateway.connectors.postgres.wire import FrameReader, message

messages = st.lists(
    st.tuples(st.sampled_from([b"Q", b"D", b"C", b"d"]), st.binary(max_size=200)), max_size=12
)


@given(messages, st.lists(st.integers(min_value=1, max_value=97), min_size=1))
def test_fragmentation_changes_nothing(parts: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
    expected = [message(tag, body) for tag, body in parts]
    stream, reader, found, position, turn = b"".join(expected), FrameReader(10_000), [], 0, 0
    while position < len(stream):
        size = sizes[turn % len(sizes)]
        buffer, spans = reader.feed(stream[position : position + size])
        found += [buffer[start:end] for _, start, end in spans]
        position += size
        turn += 1
    assert found == expected
    assert reader.partial_bytes == 0


@given(st.lists(st.none() | st.binary(max_size=300), max_size=20))
def test_rows(row: list[bytes | None]) -> None:
    data = write_row(list(row))
    assert read_row(data, 0, len(data)) == row
