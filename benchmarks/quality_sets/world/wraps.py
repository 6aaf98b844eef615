"""Ways of writing that hide a value, made anew for the blind sets: text, least span, most span."""

# ruff: noqa: E501

from __future__ import annotations

import base64
import gzip
import html
import json
import urllib.parse
import zlib

from .draw import Rng

Wrapped = tuple[str, int, int, int, int]


def _all(text: str) -> Wrapped:
    return text, 0, len(text), 0, len(text)


def _part(head: str, value: str, tail: str, pad: str = "=", urlsafe: bool = False) -> Wrapped:
    """Base64 of a text around the value: the least is the characters whose bits the value owns."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    text = encode((head + value + tail).encode()).decode()
    text = text if pad else text.rstrip("=")
    start = len(head.encode())
    end = start + len(value.encode())
    return text, start * 4 // 3, -(-end * 4 // 3), 0, len(text)


def percent(rng: Rng, value: str) -> Wrapped:
    return _all(urllib.parse.quote(value, safe=rng.choice(["", "."])))


def percent_form(rng: Rng, value: str) -> Wrapped:
    return _all(urllib.parse.quote_plus(value))


def percent_lower(rng: Rng, value: str) -> Wrapped:
    return _all("".join(f"%{byte:02x}" for byte in value.encode()))


def percent_twice(rng: Rng, value: str) -> Wrapped:
    return _all(urllib.parse.quote(urllib.parse.quote(value, safe=""), safe=""))


def backslash_u(rng: Rng, value: str) -> Wrapped:
    return _all("".join(f"\\u{ord(sign):04x}" for sign in value))


def backslash_u_signs(rng: Rng, value: str) -> Wrapped:
    return _all("".join(sign if sign.isalnum() else f"\\u{ord(sign):04x}" for sign in value))


def backslash_x(rng: Rng, value: str) -> Wrapped:
    return _all("".join(f"\\x{byte:02X}" for byte in value.encode()))


def b64_at_0(rng: Rng, value: str) -> Wrapped:
    return _part("", value, "")


def b64_at_1(rng: Rng, value: str) -> Wrapped:
    return _part(rng.choice(["id: ", "user=9;m: ", "x12 "]), value, "\n")


def b64_at_2(rng: Rng, value: str) -> Wrapped:
    return _part(rng.choice(["k=", "entry = "]), value, " #")


def b64_record(rng: Rng, value: str) -> Wrapped:
    return _part('{"v":2,"customer":"', value, f'","seq":{rng.randrange(999)}}}', pad=rng.choice(["", "="]))


def b64_url(rng: Rng, value: str) -> Wrapped:
    return _part("??>>", value, "~~", pad="", urlsafe=True)


def b64_twice(rng: Rng, value: str) -> Wrapped:
    return _all(base64.b64encode(base64.b64encode(value.encode())).decode())


def hex_plain(rng: Rng, value: str) -> Wrapped:
    return _all(value.encode().hex())


def hex_caps(rng: Rng, value: str) -> Wrapped:
    return _all(value.encode().hex().upper())


def hex_0x(rng: Rng, value: str) -> Wrapped:
    text = "0x" + value.encode().hex()
    return text, 2, len(text), 0, len(text)


def hex_within(rng: Rng, value: str) -> Wrapped:
    text = f"a=1;v={value};z=2".encode().hex()
    return text, 12, 12 + 2 * len(value.encode()), 0, len(text)


def gz_b64(rng: Rng, value: str) -> Wrapped:
    return _all(base64.b64encode(gzip.compress(f"row 7: {value}, checked".encode(), mtime=0)).decode())


def gz_hex(rng: Rng, value: str) -> Wrapped:
    return _all(gzip.compress(f"contact <{value}> ok".encode(), mtime=0).hex())


def zlib_b64(rng: Rng, value: str) -> Wrapped:
    return _all(base64.b64encode(zlib.compress(f"row 7: {value}, checked".encode())).decode())


def entities(rng: Rng, value: str) -> Wrapped:
    return _all("".join(f"&#{ord(sign)};" for sign in value))


def entities_hex(rng: Rng, value: str) -> Wrapped:
    return _all("".join(f"&#x{ord(sign):X};" for sign in value))


def entities_signs(rng: Rng, value: str) -> Wrapped:
    text = html.escape(value).replace("@", "&#64;").replace("+", "&#43;").replace("-", "&#45;")
    return _all(text.replace(".", "&#46;").replace(":", "&#58;").replace("_", "&lowbar;"))


def printable(rng: Rng, value: str) -> Wrapped:
    """Quoted-printable, every sign that is no letter or digit."""
    return _all(
        "".join(
            chr(byte) if chr(byte).isalnum() and byte < 128 else f"={byte:02X}" for byte in value.encode()
        )
    )


def printable_broken(rng: Rng, value: str) -> Wrapped:
    """Quoted-printable with a soft break within the value."""
    at = max(2, len(value) // 2)
    return _all(value[:at].replace("=", "=3D") + "=\n" + value[at:].replace("=", "=3D"))


def json_in_json(rng: Rng, value: str) -> Wrapped:
    inner = json.dumps({"who": {"ref": value}})
    text = json.dumps(inner)[1:-1]
    start = text.index(value)
    return text, start, start + len(value), start, start + len(value)


def json_thrice(rng: Rng, value: str) -> Wrapped:
    text = json.dumps(json.dumps(json.dumps({"ref": value})))[1:-1]
    start = text.index(value)
    return text, start, start + len(value), start, start + len(value)


def wide(rng: Rng, value: str) -> Wrapped:
    return _all("".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in value))


def hidden(rng: Rng, value: str) -> Wrapped:
    at = len(value) // 2
    return _all(value[:at] + rng.choice(["\u200b", "\u200d", "\u00ad", "\u2060"]) + value[at:])


def coloured(rng: Rng, value: str) -> Wrapped:
    at = len(value) // 2
    return _all(value[:at] + "\x1b[01;32m" + value[at:])


WRAPS = {
    made.__name__: made
    for made in (
        percent, percent_form, percent_lower, percent_twice, backslash_u, backslash_u_signs, backslash_x, b64_at_0, b64_at_1,
        b64_at_2, b64_record, b64_url, b64_twice, hex_plain, hex_caps, hex_0x, hex_within, gz_b64, gz_hex, zlib_b64, entities,
        entities_hex, entities_signs, printable, printable_broken, json_in_json, json_thrice, wide, hidden, coloured,
    )
}  # fmt: skip
