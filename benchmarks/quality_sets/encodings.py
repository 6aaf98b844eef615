"""Ways a value is written so that a plain pattern does not see it, with where it then lies.

An encoder gives the text, and two spans in it: the least that carries the value, and the most a
finding may cover and still be exact (the whole encoded word, or the value's part of it).
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import quopri
import urllib.parse
from collections.abc import Callable

from .people import Rng

Encoded = tuple[str, int, int, int, int]
"""Text, least start, least end, most start, most end."""


def _whole(text: str) -> Encoded:
    return text, 0, len(text), 0, len(text)


def url(rng: Rng, value: str) -> Encoded:
    return _whole(urllib.parse.quote(value, safe=""))


def url_full(rng: Rng, value: str) -> Encoded:
    return _whole("".join(f"%{byte:02X}" for byte in value.encode()))


def url_double(rng: Rng, value: str) -> Encoded:
    return _whole(urllib.parse.quote(urllib.parse.quote(value, safe=""), safe=""))


def escape_u(rng: Rng, value: str) -> Encoded:
    return _whole("".join(f"\\u{ord(char):04x}" for char in value))


def escape_u_some(rng: Rng, value: str) -> Encoded:
    return _whole("".join(char if char.isalnum() else f"\\u{ord(char):04X}" for char in value))


def escape_x(rng: Rng, value: str) -> Encoded:
    return _whole("".join(f"\\x{byte:02x}" for byte in value.encode()))


def html_decimal(rng: Rng, value: str) -> Encoded:
    return _whole("".join(f"&#{ord(char)};" for char in value))


def html_hex_some(rng: Rng, value: str) -> Encoded:
    return _whole("".join(char if char.isalnum() else f"&#x{ord(char):x};" for char in value))


def _inside(text: bytes, value: bytes, encode: Callable[[bytes], str], group: int, wide: int) -> Encoded:
    """Encode a text that holds the value; `group` bytes become `wide` characters."""
    encoded = encode(text)
    start = text.index(value)
    end = start + len(value)
    least = start * wide // group, -(-end * wide // group)
    return encoded, *least, 0, len(encoded)


def _standard(data: bytes) -> str:
    return base64.b64encode(data).decode()


def base64_0(rng: Rng, value: str) -> Encoded:
    return _whole(_standard(value.encode()))


def base64_1(rng: Rng, value: str) -> Encoded:
    return _inside(f" {value}\nok".encode(), value.encode(), _standard, 3, 4)


def base64_2(rng: Rng, value: str) -> Encoded:
    return _inside(f"to={value}"[1:].encode(), value.encode(), _standard, 3, 4)


def base64_json(rng: Rng, value: str) -> Encoded:
    text = json.dumps({"id": rng.randrange(9999), "note": value, "ok": True})
    return _inside(text.encode(), value.encode(), _standard, 3, 4)


def base64_urlsafe(rng: Rng, value: str) -> Encoded:
    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    return _inside(f"~?>{value}?ö>".encode(), value.encode(), encode, 3, 4)


def base64_wrapped(rng: Rng, value: str) -> Encoded:
    text = f"Dear colleague,\nplease update this customer's file by noon.\n{value}\nThank you, the desk.\n"
    plain, least_start, least_end, _, _ = _inside(text.encode(), value.encode(), _standard, 3, 4)
    rows = [plain[place : place + 64] for place in range(0, len(plain), 64)]
    wrapped = "\n".join(rows)
    return wrapped, least_start + least_start // 64, least_end + (least_end - 1) // 64, 0, len(wrapped)


def base64_utf16(rng: Rng, value: str) -> Encoded:
    text = f"Send-MailMessage -To '{value}'"
    return _inside(text.encode("utf-16-le"), value.encode("utf-16-le"), _standard, 3, 4)


def hex_lower(rng: Rng, value: str) -> Encoded:
    return _whole(value.encode().hex())


def hex_upper(rng: Rng, value: str) -> Encoded:
    return _whole(value.encode().hex().upper())


def hex_bytea(rng: Rng, value: str) -> Encoded:
    text = "\\x" + value.encode().hex()
    return text, 2, len(text), 0, len(text)


def hex_inside(rng: Rng, value: str) -> Encoded:
    return _inside(f"user={value};".encode(), value.encode(), lambda data: data.hex(), 1, 2)


def gzip_base64(rng: Rng, value: str) -> Encoded:
    packed = gzip.compress(f'{{"note":"{value}"}}'.encode(), mtime=0)
    return _whole(_standard(packed))


def quoted_printable(rng: Rng, value: str) -> Encoded:
    text = quopri.encodestring(value.encode(), quotetabs=True).decode()
    return _whole(text.replace("@", "=40").replace("+", "=2B").replace("-", "=2D"))


def double_json(rng: Rng, value: str) -> Encoded:
    """A JSON text inside a JSON string, where the inner writer escaped signs and the first letter."""
    inner = "".join(
        char if char.isalnum() and place else f"\\\\u{ord(char):04x}" for place, char in enumerate(value)
    )
    head = '{\\"to\\": \\"'
    return head + inner + '\\", \\"n\\": 1}', len(head), len(head + inner), len(head), len(head + inner)


def full_width(rng: Rng, value: str) -> Encoded:
    return _whole("".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in value))


def full_width_digits(rng: Rng, value: str) -> Encoded:
    return _whole(
        "".join(chr(ord(char) + 0xFEE0) if char.isdigit() or char == "@" else char for char in value)
    )


def no_break(rng: Rng, value: str) -> Encoded:
    return _whole(value.replace(" ", "\u00a0"))


def narrow_space(rng: Rng, value: str) -> Encoded:
    return _whole(value.replace(" ", "\u202f"))


def zero_width(rng: Rng, value: str) -> Encoded:
    place = rng.randrange(2, len(value) - 2)
    return _whole(value[:place] + "\u200b" + value[place:])


def soft_hyphen(rng: Rng, value: str) -> Encoded:
    place = rng.randrange(2, len(value) - 2)
    return _whole(value[:place] + "\u00ad" + value[place:])


def joiner(rng: Rng, value: str) -> Encoded:
    return _whole(value[:3] + "\u2060" + value[3:-3] + "\ufeff" + value[-3:])


def ansi(rng: Rng, value: str) -> Encoded:
    place = rng.randrange(2, len(value) - 2)
    return _whole(f"{value[:place]}\x1b[1;31m{value[place:]}")


def ansi_reset(rng: Rng, value: str) -> Encoded:
    place = len(value) // 2
    return _whole(f"{value[:place]}\x1b[0m\x1b[K{value[place:]}")


def html_named(rng: Rng, value: str) -> Encoded:
    return _whole(html.escape(value).replace("@", "&commat;").replace(".", "&period;").replace("+", "&plus;"))


ENCODINGS: dict[str, Callable[[Rng, str], Encoded]] = {
    maker.__name__: maker
    for maker in (
        url, url_full, url_double, escape_u, escape_u_some, escape_x, html_decimal, html_hex_some, html_named,
        base64_0, base64_1, base64_2, base64_json, base64_urlsafe, base64_wrapped, base64_utf16, hex_lower,
        hex_upper, hex_bytea, hex_inside, gzip_base64, quoted_printable, double_json, full_width,
        full_width_digits, no_break, narrow_space, zero_width, soft_hyphen, joiner, ansi, ansi_reset,
    )
}  # fmt: skip
"""Every encoder by name."""
