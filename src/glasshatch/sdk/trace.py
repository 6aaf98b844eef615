"""Which trace the code runs in, and how it travels: W3C Trace Context, level 1.

The trace of the moment lives in a context variable, so threads of a request and asyncio tasks each have
their own.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar

import msgspec

from ..errors import PeerError

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_HEADER = "traceparent"


class Trace(msgspec.Struct, frozen=True):
    """A span of a trace: 32 and 16 hexadecimal digits, and whether it is sampled."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def __str__(self) -> str:
        """The `traceparent` of this span (§3.2)."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self) -> Trace:
        """A new span of the same trace."""
        return Trace(self.trace_id, os.urandom(8).hex(), self.sampled)

    def sql_comment(self) -> str:
        """What to append to a statement, so that the database gateway's record joins the trace."""
        return f"/*{_HEADER}='{self}'*/"

    @classmethod
    def parse(cls, text: str) -> Trace:
        """A `traceparent` header's value.

        Raises:
            PeerError: It is none: bad form, all zeros, or the version ff (§3.2.2).
        """
        found = _PARENT.fullmatch(text.strip())
        if found is None or found[1] == "ff" or (found[1] == "00" and found[5]):
            raise PeerError("the traceparent is not understood", hint="it looks like 00-<32 hex>-<16 hex>-01")
        if not found[2].strip("0") or not found[3].strip("0"):
            raise PeerError("the traceparent names no trace: it is all zeros")
        return cls(found[2], found[3], bool(int(found[4], 16) & 1))


_current: ContextVar[Trace | None] = ContextVar("glasshatch_trace", default=None)


def current_trace() -> Trace | None:
    """The trace this code runs in, if any."""
    return _current.get()


@contextlib.contextmanager
def start_trace(parent: Trace | None = None) -> Iterator[Trace]:
    """Run a block in a span: a child of `parent`, else of the current trace, else of a new one."""
    above = parent or _current.get()
    span = above.child() if above else Trace(os.urandom(16).hex(), os.urandom(8).hex())
    token = _current.set(span)
    try:
        yield span
    finally:
        _current.reset(token)


def inject(headers: MutableMapping[str, str]) -> None:
    """Add the current trace to the headers of a request that is about to be sent; none, nothing."""
    trace = _current.get()
    if trace is not None:
        headers[_HEADER] = str(trace)


def extract(headers: Mapping[str, str]) -> Trace | None:
    """The trace a request came with; None if it has none or one that is not understood (§4.3)."""
    for name, value in headers.items():
        if name.lower() == _HEADER:
            with contextlib.suppress(PeerError):
                return Trace.parse(value)
    return None
