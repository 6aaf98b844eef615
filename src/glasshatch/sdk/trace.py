"""Which trace the code runs in, and how it travels: W3C Trace Context, level 1.

The trace of the moment lives in a context variable, so threads of a request and asyncio tasks each have
their own. A program that is traced with OpenTelemetry has that one's spans as well: whichever began last is
the current one, so events join the trace that other services see.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

import msgspec

from ..errors import PeerError

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_HEADER = "traceparent"
_HEADERS = frozenset({_HEADER, "tracestate", "baggage"})


class Trace(msgspec.Struct, frozen=True):
    """A span of a trace: 32 and 16 hexadecimal digits, and whether it is sampled.

    `state` and `baggage` are the headers `tracestate` and `baggage` as they came in, which go on untouched.
    """

    trace_id: str
    span_id: str
    sampled: bool = True
    state: str = ""
    baggage: str = ""

    def __str__(self) -> str:
        """The `traceparent` of this span (§3.2)."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    def child(self) -> Trace:
        """A new span of the same trace."""
        return Trace(self.trace_id, os.urandom(8).hex(), self.sampled, self.state, self.baggage)

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


class _Running(msgspec.Struct, frozen=True):
    """Our span, and OpenTelemetry's that was current when it began."""

    trace: Trace
    around: Any


_current: ContextVar[_Running | None] = ContextVar("glasshatch_trace", default=None)


def current_trace() -> Trace | None:
    """The trace this code runs in, if any."""
    running = _current.get()
    other = _opentelemetry_span()
    if other is None or (running is not None and running.around is other):
        return running.trace if running is not None else None
    return _trace_of(other, running)


@contextlib.contextmanager
def start_trace(parent: Trace | None = None) -> Iterator[Trace]:
    """Run a block in a span: a child of `parent`, else of the current trace, else of a new one."""
    above = parent or current_trace()
    span = above.child() if above else Trace(os.urandom(16).hex(), os.urandom(8).hex())
    token = _current.set(_Running(span, _opentelemetry_span()))
    try:
        yield span
    finally:
        _current.reset(token)


def inject(headers: MutableMapping[str, str]) -> None:
    """Add the current trace to the headers of a request that is about to be sent; none, nothing.

    What came in as `tracestate` and `baggage` goes on with it, unless the headers have their own.
    """
    trace = current_trace()
    if trace is None:
        return
    headers[_HEADER] = str(trace)
    if trace.state:
        headers.setdefault("tracestate", trace.state)
    if trace.baggage:
        headers.setdefault("baggage", trace.baggage)


def extract(headers: Mapping[str, str]) -> Trace | None:
    """The trace a request came with; None if it has none or one that is not understood (§4.3)."""
    found = {lower: value for name, value in headers.items() if (lower := name.lower()) in _HEADERS}
    with contextlib.suppress(PeerError):
        trace = Trace.parse(found.get(_HEADER, ""))
        return msgspec.structs.replace(
            trace, state=found.get("tracestate", ""), baggage=found.get("baggage", "")
        )
    return None


def _opentelemetry_span() -> Any:
    """The active span of OpenTelemetry; None if there is none, or the program does not use it."""
    module = sys.modules.get("opentelemetry.trace")
    if module is None:
        return None
    try:
        span = module.get_current_span()
        return span if span.get_span_context().is_valid else None
    except AttributeError:  # it is being imported, or is another package
        return None


def _trace_of(span: Any, running: _Running | None) -> Trace:
    context = span.get_span_context()
    trace_id = f"{context.trace_id:032x}"
    baggage = running.trace.baggage if running is not None and running.trace.trace_id == trace_id else ""
    state = context.trace_state.to_header() if context.trace_state else ""
    return Trace(trace_id, f"{context.span_id:016x}", bool(context.trace_flags.sampled), state, baggage)
