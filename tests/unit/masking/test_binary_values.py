"""Binary values read as PostgreSQL itself writes them, so that a value has one token in either format."""

from __future__ import annotations

import datetime
import decimal
import struct
import uuid

import psycopg
import pytest
from psycopg.adapt import PyFormat, Transformer

from glasshatch.masking.pgvalues import readable

NUMBERS = (
    "0 1 -1 12.50 0.0001 0.00001234 123456789.987654321 -100000000 10000 9999.9999 0.10 -0.5 "
    "0.00 1000000000000 4111111111111111 99999999999999999999.5 NaN Infinity -Infinity"
).split()


def in_binary(value: object) -> tuple[bytes, int]:
    """What the real driver sends for a value, and its type."""
    dumper = Transformer().get_dumper(value, PyFormat.BINARY)
    return bytes(dumper.dump(value)), dumper.oid


@pytest.mark.parametrize("number", NUMBERS)
def test_a_numeric_reads_as_it_was_written(number: str) -> None:
    value, oid = in_binary(decimal.Decimal(number))
    assert oid == 1700
    assert readable(value, 1, oid) == number


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "{}"),
        ([1, 2, -3], "{1,2,-3}"),
        (["ada@example.com", "a b", 'say "x"', "null", "", "back\\slash", None],
         '{ada@example.com,"a b","say \\"x\\"","null","","back\\\\slash",NULL}'),
        ([decimal.Decimal("1.50")], "{1.50}"),
        ([uuid.UUID(int=1)], "{00000000-0000-0000-0000-000000000001}"),
        ([datetime.date(2026, 3, 4)], "{2026-03-04}"),
    ],
)  # fmt: skip
def test_an_array_reads_as_the_database_writes_it(values: list[object], text: str) -> None:
    value, oid = in_binary(values)
    assert readable(value, 1, oid or psycopg.adapters.types["text"].array_oid) == text


@pytest.mark.parametrize(
    ("value", "oid"),
    [
        (b"", 1700),
        (b"\0\1\0\0\0\0\0\0", 1700),
        (struct.pack("!HhHHH", 1, 0, 0, 0, 10_000), 1700),
        (struct.pack("!HhHHH", 1, 0, 7, 0, 1), 1700),
        (b"\0\0", 1007),
        (struct.pack("!iiIii", 1, 0, 23, 9, 1), 1007),
        (struct.pack("!iiIii", 1, 0, 23, 0, 1) + b"more", 1007),
        # An array of arrays, as deep as the sender likes, is none.
        (struct.pack("!iiIiii", 1, 0, 1007, 1, 1, 12) + struct.pack("!iiI", 0, 0, 23), 1007),
        (struct.pack("!iiIiiii", 2, 0, 23, 1, 1, 1, 1) + struct.pack("!ii", 4, 5), 1007),
    ],
)
def test_what_is_no_such_value_is_given_byte_for_byte(value: bytes, oid: int) -> None:
    try:
        plain = value.decode("utf-8")
    except UnicodeDecodeError:
        plain = value.decode("latin-1")
    assert readable(value, 1, oid) == plain
