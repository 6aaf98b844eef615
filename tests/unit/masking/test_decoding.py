"""Whatever hides a value, it is found, and what is said to be its place is what hides it, to the letter."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import uuid
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from glasshatch.masking import Engine

MAIL = "alice.smith@example.com"
VALUES = {
    "EMAIL": MAIL, "PHONE": "+14155552671", "CARD": "4111111111111111", "IP": "203.0.113.97",
    "IBAN": "DE89370400440532013000", "SSN": "536-22-8726",
}  # fmt: skip


def b64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def each(pattern: str) -> Callable[[str], str]:
    return lambda value: "".join(pattern % ord(letter) for letter in value)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "url": lambda v: quote(v, safe=""),
    "url, every letter": each("%%%02X"),
    "url twice": lambda v: quote(quote(v, safe=""), safe=""),
    "url twice, every letter": each("%%25%02x"),
    "escape()": each("%%u%04x"),
    "\\u": each("\\u%04x"),
    "\\\\u": each("\\\\u%04X"),
    "\\u{}": each("\\u{%x}"),
    "\\U": each("\\U%08x"),
    "\\x": each("\\x%02x"),
    "\\\\x": each("\\\\x%02x"),
    "octal": each("\\%03o"),
    "entity": each("&#%d;"),
    "hex entity": each("&#x%x;"),
    "entity twice": each("&amp;#%d;"),
    "full width": lambda v: "".join(chr(ord(letter) + 0xFEE0) for letter in v),
    "zero width": lambda v: f"{v[:3]}\u200b{v[3:7]}\u200d{v[7:]}",
    "soft hyphen": lambda v: f"{v[:4]}\xad{v[4:]}",
    "NUL": lambda v: f"{v[:4]}\0{v[4:]}",
    "colours": lambda v: f"{v[:4]}\x1b[1;31m{v[4:8]}\x1b[0m{v[8:]}",
    "colours written out": lambda v: f"{v[:4]}\\u001b[1;31m{v[4:8]}\\x1b[0m{v[8:]}",
    "a letter taken back": lambda v: f"{v[:4]}x\b{v[4:]}",
    "base64": b64,
    "base64url": lambda v: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "base64 of JSON": lambda v: b64(json.dumps({"user": "x", "v": v, "n": 1})),
    "base64 twice": lambda v: b64(b64(v)),
    "base64 three times": lambda v: b64(b64(b64(v))),
    "PowerShell": lambda v: b64(v.encode("utf-16-le")),
    "UTF-16BE": lambda v: b64(v.encode("utf-16-be")),
    "hex": lambda v: v.encode().hex(),
    "HEX": lambda v: v.encode().hex().upper(),
    "0x": lambda v: "0x" + v.encode().hex(),
    "hex, spaces": lambda v: v.encode().hex(" "),
    "hex, colons": lambda v: v.encode().hex(":"),
    "xxd": lambda v: v.encode().hex(" ", -2),
    "0x, listed": lambda v: ", ".join(f"0x{octet:02x}" for octet in v.encode()),
    "numbers": lambda v: ", ".join(map(str, v.encode())),
    "hex of base64": lambda v: b64(v).encode().hex(),
    "base64 of hex": lambda v: b64(v.encode().hex()),
    "url of base64": lambda v: quote(b64(v), safe=""),
    "base64 of url": lambda v: b64(quote(v, safe="")),
    "gzip": lambda v: b64(gzip.compress(v.encode())),
    "gzip, url alphabet": lambda v: base64.urlsafe_b64encode(gzip.compress(v.encode())).decode().rstrip("="),
    "gzip in hex": lambda v: gzip.compress(v.encode()).hex(),
    "gzip of JSON": lambda v: b64(gzip.compress(json.dumps([{"a": "bc", "v": v}] * 3).encode())),
    "zlib": lambda v: b64(zlib.compress(v.encode())),
    "zlib, best": lambda v: b64(zlib.compress(v.encode(), 9)),
    "zlib, fast": lambda v: b64(zlib.compress(v.encode(), 1)),
    "zlib in hex": lambda v: zlib.compress(v.encode()).hex(),
    "base32": lambda v: base64.b32encode(v.encode()).decode(),
    "quoted-printable": each("=%02X"),
}
PLACES = ["%s", "q=%s end", '{"k": "%s"}', "GET /a/b/%s HTTP/1.1"]


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("type", VALUES)
def test_an_encoded_value_is_found_to_the_letter(engine: Engine, name: str, type: str) -> None:
    encoded = ENCODINGS[name](VALUES[type])
    for place in PLACES:
        text = place.replace("%s", encoded)
        start = text.index(encoded)
        spans = [(one.type, one.start, one.end) for one in engine.scan([text])[0]]
        # The prefix is part of the number that it announces.
        assert (type, start, start + len(encoded)) in spans, text


@pytest.mark.parametrize("wrap", ["\n", "\r\n", "\\n", "\\r\\n", "\n    "])
@pytest.mark.parametrize("size", [64, 76])
def test_base64_is_read_over_its_lines(engine: Engine, wrap: str, size: int) -> None:
    whole = b64("a longer text with words of no meaning " * 3 + MAIL + " and what follows it" * 4)
    text = "body: " + wrap.join(whole[at : at + size] for at in range(0, len(whole), size)) + "."
    (found,) = engine.scan([text])[0]
    assert (found.start, found.end, found.value) == (6, len(text) - 1, MAIL)


def test_of_several_values_in_a_run_each_has_its_letters(engine: Engine) -> None:
    text = b64(f"user={MAIL};ip=203.0.113.97;n=1")
    first, second = engine.scan([text])[0]
    assert (first.type, second.type) == ("EMAIL", "IP")
    assert base64.b64decode(text[first.start : first.end]).find(MAIL.encode()) >= 0
    assert first.end <= second.start


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("a=1%3Dalice@example.com", "alice@example.com"),
        ("line\\nalice@example.com", "alice@example.com"),
        ("mail=alice+tag%40example.com&x=%20", "alice+tag%40example.com"),
        ("tel=%2B1+415+555+2671&x=1", "%2B1+415+555+2671"),
        ("alice&commat;example&period;com", "alice&commat;example&period;com"),
        ("CORP\\nick@example.com", "nick@example.com"),
        ("alice=40example.com wrote", "alice=40example.com"),
        ("<b>alice&#64;</b>", ""),
    ],
)
def test_a_value_begins_where_its_escape_ends(engine: Engine, text: str, exact: str) -> None:
    assert [text[one.start : one.end] for one in engine.scan([text])[0]] == ([exact] if exact else [])


def test_random_runs_hold_nothing(engine: Engine) -> None:
    texts = [
        form
        for _ in range(300)
        for form in (
            str(uuid.uuid4()), b64(os.urandom(30)), os.urandom(32).hex(), os.urandom(20).hex(":"),
            base64.urlsafe_b64encode(os.urandom(16)).decode(), base64.b32encode(os.urandom(20)).decode(),
        )
    ]  # fmt: skip
    found = [one.detector for group in engine.scan(texts) for one in group]
    assert len(found) <= 3, found


def test_an_image_holds_nothing_and_takes_no_time(engine: Engine) -> None:
    picture = b64(b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(300_000))
    assert len(engine.scan([f"data:image/png;base64,{picture}"])[0]) <= 1


def test_a_bomb_is_given_up_on(engine: Engine) -> None:
    for bomb in (gzip.compress(bytes(1 << 26)), zlib.compress(b"a" * (1 << 26))):
        with pytest.raises(OverflowError):
            engine.scan([b64(bomb)])
    # Bombs side by side are no way around it.
    small = b64(gzip.compress(b"word " * 150_000))
    with pytest.raises(OverflowError):
        engine.scan([" ".join([small] * 100)])


def test_a_stream_that_is_cut_off_is_read_as_far_as_it_goes(engine: Engine) -> None:
    whole = gzip.compress(f"to {MAIL} ".encode() + os.urandom(400))
    assert [one.type for one in engine.scan([b64(whole[:300])])[0]] == ["EMAIL"]
    damaged = bytearray(zlib.compress(f"to {MAIL} ".encode() + os.urandom(400)))
    damaged[-20:] = bytes(20)
    assert [one.type for one in engine.scan([b64(bytes(damaged))])[0]] == ["EMAIL"]
