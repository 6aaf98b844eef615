"""Errors and rows on their way to the client."""

from __future__ import annotations

import pytest

from glasshatch.errors import PeerError
from glasshatch.gateway.connectors.postgres.answers import (
    clean_notification,
    clean_report,
    command_rows,
    error_fields,
    error_message,
    read_row,
    read_shape,
    write_row,
)
from glasshatch.gateway.connectors.postgres.wire import message


def scan(text: str) -> str:
    return text.replace("bob@example.org", "<EMAIL>")


def report(tag: bytes = b"E", *, touches: bool, **fields: str) -> dict[str, str]:
    body = b"".join(letter.encode() + value.encode() + b"\0" for letter, value in fields.items()) + b"\0"
    cleaned, code = clean_report(tag, body, scan, touches_masked=touches)
    assert code == fields["C"]
    return error_fields(cleaned[5:])


def test_everything_is_scanned() -> None:
    fields = report(
        touches=False, C="23505", M="no bob@example.org", D="Key (bob@example.org)", W="at bob@example.org"
    )
    assert "bob" not in "".join(fields.values())
    assert fields["D"] == "Key (<EMAIL>)"


def test_values_that_no_scan_knows_go_too_when_masked_columns_are_touched() -> None:
    fields = report(
        touches=True, C="22P02", M='invalid input syntax for type integer: "Carla"', D="Carla", W="Carla"
    )
    assert fields == {"C": "22P02", "M": 'invalid input syntax for type integer: "[masked]"'}


def test_names_in_static_errors_stay() -> None:
    fields = report(touches=True, C="42703", M='column "emial" does not exist', H='Perhaps "email".')
    assert fields["M"] == 'column "emial" does not exist'
    assert fields["H"] == 'Perhaps "email".'


@pytest.mark.parametrize(("tag", "code"), [(b"N", "00000"), (b"E", "P0001")])
def test_what_users_code_says_is_dropped_whole(tag: bytes, code: str) -> None:
    assert report(tag, touches=True, C=code, M="name is Carla", H="ask Carla") == {"C": code, "M": "[masked]"}


def test_notification() -> None:
    raw = message(b"A", b"\0\0\0\7mail\0to bob@example.org\0")
    assert clean_notification(raw, scan) == message(b"A", b"\0\0\0\7mail\0to <EMAIL>\0")


def test_rows() -> None:
    row = [b"a", None, b"", b"x" * 300]
    data = write_row(list(row))
    assert read_row(data, 0, len(data)) == row
    for bad in (data[:-1], data[:6], data + b"x"):
        with pytest.raises(PeerError):
            read_row(bad, 0, len(bad))


def test_shape_malformed() -> None:
    for body in (b"", b"\0\1", b"\0\1name\0", b"\0\0extra"):
        with pytest.raises(PeerError):
            read_shape(body)


def test_command_tags() -> None:
    assert command_rows(b"INSERT 0 5\0") == ("INSERT", 5)
    assert command_rows(b"SELECT 12\0") == ("SELECT", 12)
    assert command_rows(b"CREATE TABLE\0") == ("CREATE TABLE", 0)


def test_our_own_error_is_complete() -> None:
    fields = error_fields(error_message("42501", "no\0pe", detail="d", hint="h")[5:])
    assert fields == {
        "S": "ERROR",
        "V": "ERROR",
        "C": "42501",
        "M": "nope",
        "D": "d",
        "H": "h",
        "R": "glasshatch",
    }
