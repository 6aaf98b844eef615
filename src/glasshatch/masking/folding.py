"""One character for one character: odd digits, widths, spaces and dashes as ASCII, so offsets hold."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from .decoding.escapes import INVISIBLE

_UNSEEN = (
    0xAD, 0x34F, 0x61C, 0x180E, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF,
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFE00, 0xFE10),
    *range(0xE0001, 0xE0080),
)  # fmt: skip
"""Zero-width characters, soft hyphens, marks of direction and variation: what nobody sees."""


_ZEROS = (
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50,
    0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
    0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950,
    0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
    0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
)  # fmt: skip
"""The zero of every script that Unicode has digits for; the nine others follow it."""


@lru_cache(maxsize=1)
def _fold_table() -> dict[int, str]:
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys((160, 5760, *range(8192, 8203), 8239, 8287, 12288), " ")
    table |= dict.fromkeys((*range(8208, 8214), 8722, 65112, 65123), "-")
    table |= dict.fromkeys((8228, 12290, 65106, 65377), ".")
    table |= dict.fromkeys((8216, 8217), "'") | {0xFE6B: "@", 0x2215: "/"}
    table |= dict.fromkeys(_UNSEEN, INVISIBLE)
    table |= {zero + digit: str(digit) for zero in _ZEROS for digit in range(10)}
    # A byte that is no UTF-8, as `surrogateescape` reads it, is most often Latin-1.
    table |= {0xDC00 + octet: chr(octet) if octet > 0xA0 else " " for octet in range(0x80, 0x100)}
    return table


@lru_cache(maxsize=1)
def _folded() -> re.Pattern[str]:
    # What lies beyond the first plane as one range: `re` looks up a large set fast only below it.
    near = "".join(re.escape(chr(code)) for code in _fold_table() if code < 0x10000)
    return re.compile(f"[{near}\U00010000-\U0010ffff]+")


def fold(text: str) -> str:
    """The text with lookalikes of ASCII folded; as long as it was."""
    if text.isascii():
        return text
    table = _fold_table()
    # Most text that is not ASCII holds nothing to fold, and looking costs a tenth of translating.
    return _folded().sub(lambda match: match[0].translate(table), text)


def octets(text: str) -> bytes:
    """One octet for each character, for the triggers: Latin-1 as it is, any other with its high bit set.

    Different characters may share an octet: a trigger only says where to look.
    """
    return text.encode("latin-1", "glasshatch-octets")


def _squeezed(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    return bytes(ord(one) & 0x7F | 0x80 for one in error.object[error.start : error.end]), error.end


codecs.register_error("glasshatch-octets", _squeezed)
