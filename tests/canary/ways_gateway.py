"""By the PostgreSQL gateway: every message of the protocol that carries text of either side."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .birds import Aviary
from .wire import Wire, message

Open = Callable[..., Wire]
SHORT = ("email", "card", "phone", "github", "iban")
"""Sorts for places that take no more than a word."""


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def simple(aviary: Aviary, wire: Wire) -> None:
    for canary in aviary.flock("simple query"):
        assert b"E" not in wire.ask(f"SELECT {quoted(canary.text)}, E'{canary.value}', $${canary.value}$$")
    for sort in SHORT:
        one = aviary.one("comment", sort).value
        assert b"C" in wire.ask(f"/* for {one} */ SELECT 1 -- asked by {one}")
        wire.ask(f'SELECT 1 AS "{aviary.one("alias", sort).value}"')
        wire.ask(f'CREATE TABLE "{aviary.one("table name", sort).value[:60]}" (n int)')
        wire.ask(f"SET application_name = {quoted(aviary.one('set', sort).value)}")
        wire.ask(f"SET my.setting = {quoted(aviary.one('set custom', sort).value)}")
        wire.ask(f"NOTIFY news, {quoted(aviary.one('notify', sort).value)}")
        wire.ask(
            f"PREPARE p{sort}(text) AS SELECT $1;"
            f" EXECUTE p{sort}({quoted(aviary.one('execute', sort).value)})"
        )
        wire.ask(f'DECLARE "{aviary.one("cursor", sort).value[:60]}" CURSOR FOR SELECT 1')
        wire.ask(f"EXPLAIN SELECT {quoted(aviary.one('explain', sort).value)}")
        wire.ask(f"CREATE ROLE r{sort} PASSWORD {quoted(aviary.one('role password', sort).value)}")
        wire.ask(f"COMMENT ON TABLE birds IS {quoted(aviary.one('comment on', sort).value)}")


def split(aviary: Aviary, wire: Wire) -> None:
    text = aviary.text("split in packets", forms=("raw",))
    assert b"D" in wire.ask(f"SELECT {quoted(text)}")
    assert b"D" in wire.ask_with("SELECT $1::text", [aviary.text("split bind", forms=("raw",)).encode()], [0])


def errors(aviary: Aviary, wire: Wire) -> None:
    for sort in SHORT:
        value = aviary.one("error", sort).value
        assert b"E" in wire.ask(f"SELECT {quoted(value)}::int")
        assert b"E" in wire.ask(f"DO $x$ BEGIN RAISE EXCEPTION 'no %', {quoted(value)}; END $x$")
        assert b"E" in wire.ask(f"SELECT FROM WHERE {quoted(aviary.one('syntax error', sort).value)} (")
        wire.ask(f"SELECT {aviary.one('bare in syntax error', sort).value} FROM")
        wire.ask(f"DO $x$ BEGIN RAISE NOTICE 'see %', {quoted(aviary.one('notice', sort).value)}; END $x$")
        value = aviary.one("unique violation", sort).value
        wire.ask(f"INSERT INTO birds (email) VALUES ({quoted(value)}), ({quoted(value)})")
        wire.ask(f'SELECT * FROM "{aviary.one("unknown table", sort).value}"')


def extended(aviary: Aviary, wire: Wire) -> None:
    for canary in aviary.flock("bind text"):
        assert b"D" in wire.ask_with("SELECT $1::text", [canary.text.encode()], [0])
    for canary in aviary.flock("bind binary", forms=("raw", "base64_1", "hex")):
        assert b"D" in wire.ask_with("SELECT $1::text", [canary.text.encode()], [1])
    for sort in SHORT:
        blob = aviary.one("bind bytea", sort).value.encode()
        assert b"D" in wire.ask_with("SELECT $1::bytea", [blob], [1])
        wire.ask_with(
            "SELECT $1::jsonb", [b'{"to":"%s"}' % aviary.one("bind json", sort).value.encode()], [0]
        )
        wire.ask_with("SELECT 1", [], [], name=aviary.one("statement name", sort).value)
        wire.ask_with("SELECT $1::int", [aviary.one("bad bind", sort).value.encode()], [0])


def copying(aviary: Aviary, wire: Wire) -> None:
    rows = "".join(f"{canary.text}\n" for canary in aviary.flock("copy in text", forms=("raw",)))
    assert wire.ask("COPY birds (note) FROM STDIN")[-1] == b"G"
    wire.send(message(b"d", rows.encode()) + message(b"c"))
    assert b"E" not in wire.until(b"Z")
    csv = "".join(f'"{canary.text}"\n' for canary in aviary.flock("copy in csv", SHORT, ("raw", "upper")))
    assert wire.ask("COPY birds (note) FROM STDIN WITH (FORMAT csv)")[-1] == b"G"
    for start in range(0, len(csv), 7):
        wire.send(message(b"d", csv[start : start + 7].encode()))
    wire.send(message(b"c"))
    wire.until(b"Z")
    wire.ask("COPY birds (note) FROM STDIN")
    wire.send(message(b"d", aviary.one("copy given up", "email").value.encode()))
    wire.send(message(b"f", b"no: " + aviary.one("copy fail", "email").value.encode() + b"\0"))
    wire.until(b"Z")
    wire.ask("COPY birds (n) FROM STDIN")
    wire.send(message(b"d", aviary.one("copy bad row", "card").value.encode() + b"x\n") + message(b"c"))
    wire.until(b"Z")
    wire.ask("COPY birds TO STDOUT")
    wire.ask("COPY (SELECT note FROM birds) TO STDOUT WITH (FORMAT csv)")
    assert b"D" in wire.ask("SELECT * FROM birds")


def doors(aviary: Aviary, enter: Open, token: str) -> None:
    """What is said before anybody is let in, and by those who never are."""
    for sort in SHORT:
        assert not enter().log_in(aviary.one("password", sort).value)
        assert not enter().log_in(token, user=aviary.one("user", sort).value)
        assert not enter().log_in(token, database=aviary.one("database", sort).value)
        enter().log_in(token, application_name=aviary.one("application name", sort).value)
        enter().log_in(token, options=f"-c my.x={aviary.one('startup options', sort).value}")
        enter().log_in(token, search_path=aviary.one("startup parameter", sort).value)
        enter().log_in(token, **{aviary.one("startup name", sort).value: "on"})
        wire = enter()
        wire.send(f"GET /?q={aviary.one('no protocol', sort).value} HTTP/1.1\r\n\r\n".encode())
        wire.close()


def broken(aviary: Aviary, enter: Callable[[], Wire]) -> None:
    """Too long, not UTF-8, cut off, and messages that mean nothing."""
    flock = aviary.text("oversize", by=" ")
    enter().ask(f"SELECT {quoted(flock)}, {quoted('x' * (1 << 20))}")
    enter().ask("SELECT " + " + ".join(["1"] * 60_000) + f" -- {aviary.one('too many terms', 'email').value}")
    for sort in SHORT:
        enter().ask(b"SELECT '\xff\xfe %s \xc3'" % aviary.one("invalid utf-8", sort).value.encode())
        enter().ask_with(
            "SELECT $1::text", [b"\xff" + aviary.one("bad bind utf-8", sort).value.encode()], [0]
        )
        enter().ask(b"SELECT 'a\0b %s'" % aviary.one("null byte", sort).value.encode())
        wire = enter()
        wire.send(b"Q" + struct.pack(">I", 900) + f"SELECT '{aviary.one('cut off', sort).value}".encode())
        wire.close()
        wire = enter()
        wire.send(message(b"y", aviary.one("unknown message", sort).value.encode()))
        wire.until(b"Z", b"E")
        wire.close()
        wire = enter()
        wire.send(message(b"F", struct.pack(">I", 1) + aviary.one("function call", sort).value.encode()))
        wire.until(b"Z", b"E")
        wire.close()
        wire = enter()
        wire.send(b"Q\x7f\xff\xff\xff" + aviary.one("huge length", sort).value.encode())
        wire.close()


INSIDE = (simple, errors, extended, copying)
"""What is done by somebody who was let in."""
