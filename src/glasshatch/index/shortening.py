"""An entry's bytes without what stands in columns of their own, and whole again: a third of the space.

JSON holds no control characters, so one of them marks the place of each member that was cut out. The first
place that spells a member is the one that is cut and mended, whichever that is, so nothing can be mixed up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

CUT_OUT = (
    ("id", "id", "id"),
    ("time", "time", "toString(time)"),
    ("observed_time", "observed_time", "toString(time + delay)"),
    ("text", "statement.text", "statement_text"),
    ("hash", "statement.hash", "statement_hash"),
    ("shape", "statement.shape", "statement_shape"),
    ("trace_id", "trace_id", "trace_id"),
    ("span_id", "span_id", "span_id"),
    ("session_id", "session_id", "session_id"),
    ("request_id", "request_id", "request_id"),
    ("ip", "client.ip", "client_ip"),
    ("id", "resource.id", "resource_id"),
)
"""A member as an entry spells it, its field, and what its column says in SQL."""

KEPT = "rest, " + ", ".join(value for _, _, value in CUT_OUT)
"""What to select of a row for `restored`."""

# 9, 10 and 13 may stand between the members of JSON; no other character below 32 may stand in it at all.
MARKS = [chr(code) for code in range(1, 32) if code not in (9, 10, 13)]
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
_WHOLE = "\0"


def shortened(texts: Sequence[str], found: Mapping[str, Sequence[Any]], absent: set[str]) -> list[str]:
    """Each entry with a mark in place of each member; behind a zero byte what cannot be JSON."""
    cut = [
        (f'"{name}":"', mark, found[field])
        for mark, (name, field, _) in zip(MARKS, CUT_OUT, strict=False)
        if field not in absent
    ]
    return [_shortened(text, place, cut) for place, text in enumerate(texts)]


def _shortened(text: str, place: int, cut: Sequence[tuple[str, str, Sequence[Any]]]) -> str:
    if _CONTROL.search(text):
        return _WHOLE + text
    for begin, mark, values in cut:
        value = values[place]
        if value:
            text = text.replace(f'{begin}{value}"', mark, 1)
    return text


def restored(row: Sequence[Any]) -> str:
    """The entry as it was, of what `KEPT` selects; what was cut last is mended first."""
    text = str(row[0])
    if text.startswith(_WHOLE):
        return text[1:]
    for mark, (name, _, _), value in reversed(list(zip(MARKS, CUT_OUT, row[1:], strict=False))):
        text = text.replace(mark, f'"{name}":"{value}"', 1)
    return text
