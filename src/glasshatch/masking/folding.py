"""One character for one character: odd digits, widths, spaces and dashes as ASCII, so offsets hold."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=1)
def _fold_table() -> dict[int, str]:
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys((160, 5760, *range(8192, 8203), 8239, 8287, 12288), " ")
    table |= dict.fromkeys((173, *range(8208, 8214), 8722, 65112, 65123), "-")
    table |= dict.fromkeys((8228, 12290, 65106, 65377), ".")
    table |= dict.fromkeys((8216, 8217), "'") | {0xFE6B: "@", 0x2215: "/"}
    for code in range(0x660, 0x1FBFA):
        letter = chr(code)
        if code not in table and unicodedata.category(letter) == "Nd":
            table[code] = str(unicodedata.digit(letter))
    # A byte that is no UTF-8, as `surrogateescape` reads it, is most often Latin-1.
    table |= {0xDC00 + octet: chr(octet) if octet > 0xA0 else " " for octet in range(0x80, 0x100)}
    return table


def fold(text: str) -> str:
    """The text with lookalikes of ASCII folded; as long as it was."""
    return text if text.isascii() else text.translate(_fold_table())
