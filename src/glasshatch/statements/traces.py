"""Which trace a statement belongs to, as its client says in a sqlcommenter comment.

`SELECT 1 /*traceparent='00-4bf9…-00f0…-01'*/` (sqlcommenter, W3C Trace Context §3.2.2). It is the client's
claim, as in every protocol: it links events, and no decision rests on it.
"""

from __future__ import annotations

import re

import msgspec

_COMMENTED = re.compile(
    r"/\*[^*]*\btraceparent\s*=\s*'(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}'[^*]*\*/"
)
_TAIL_CHARACTERS = 2_048


class TraceContext(msgspec.Struct, frozen=True):
    """A trace and the span in it, in hex; both empty if there is none."""

    trace_id: str = ""
    span_id: str = ""


def trace_of(text: str) -> TraceContext:
    """The trace named in a comment at the beginning or the end of a statement."""
    if "traceparent" not in text:
        return TraceContext()
    ends = text if len(text) <= 2 * _TAIL_CHARACTERS else text[:_TAIL_CHARACTERS] + text[-_TAIL_CHARACTERS:]
    found = _COMMENTED.search(ends)
    if found is None or not found[1].strip("0") or not found[2].strip("0"):
        return TraceContext()
    return TraceContext(found[1], found[2])
