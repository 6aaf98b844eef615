"""W3C Trace Context as the SDK speaks it."""

from __future__ import annotations

import asyncio

import pytest

from glasshatch.errors import PeerError
from glasshatch.sdk import Trace, current_trace, extract, inject, start_trace
from glasshatch.statements import trace_of

TEXT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_header_is_read_and_written_back() -> None:
    trace = Trace.parse(TEXT)
    assert (trace.trace_id, trace.span_id, trace.sampled) == (TEXT[3:35], TEXT[36:52], True)
    assert str(trace) == TEXT


def test_a_newer_version_may_have_more_parts() -> None:
    assert Trace.parse("01" + TEXT[2:] + "-more").trace_id == TEXT[3:35]


@pytest.mark.parametrize(
    "text",
    ["", "hello", TEXT + "-more", TEXT.upper(), "ff" + TEXT[2:], TEXT[:-1],
     "00-" + "0" * 32 + TEXT[35:], TEXT[:36] + "0" * 16 + "-01"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        Trace.parse(text)
    assert extract({"traceparent": text}) is None


def test_a_block_is_a_child_and_ends() -> None:
    assert current_trace() is None
    with start_trace(Trace.parse(TEXT)) as outer, start_trace() as inner:
        assert inner.trace_id == outer.trace_id == TEXT[3:35]
        assert inner.span_id not in (outer.span_id, TEXT[36:52])
        headers: dict[str, str] = {}
        inject(headers)
        assert extract({"TraceParent": headers["traceparent"]}) == inner
    assert current_trace() is None
    nothing: dict[str, str] = {}
    inject(nothing)
    assert nothing == {}


def test_tasks_have_their_own_trace() -> None:
    async def one() -> str:
        with start_trace() as trace:
            await asyncio.sleep(0)
            now = current_trace()
            assert now is not None
            assert now == trace
            return trace.trace_id

    async def many() -> list[str]:
        return await asyncio.gather(*(one() for _ in range(5)))

    assert len(set(asyncio.run(many()))) == 5


def test_the_gateway_reads_the_comment_of_a_statement() -> None:
    trace = Trace.parse(TEXT)
    found = trace_of(f"SELECT 1 {trace.sql_comment()}")
    assert (found.trace_id, found.span_id) == (trace.trace_id, trace.span_id)


def test_state_and_baggage_go_on_untouched() -> None:
    came = {"Traceparent": TEXT, "tracestate": "vendor=a:1;x", "Baggage": "user=7,tier=gold;p=1"}
    with start_trace(extract(came)):
        onward: dict[str, str] = {}
        inject(onward)
        own = {"baggage": "mine=1"}
        inject(own)
    assert (onward["tracestate"], onward["baggage"]) == (came["tracestate"], came["Baggage"])
    assert own["baggage"] == "mine=1"


def test_whichever_span_began_last_is_the_current_one() -> None:
    from opentelemetry import trace as opentelemetry

    context = opentelemetry.SpanContext(
        int("1" * 32, 16), int("2" * 16, 16), is_remote=False,
        trace_flags=opentelemetry.TraceFlags(1), trace_state=opentelemetry.TraceState([("v", "1")]),
    )  # fmt: skip
    span = opentelemetry.NonRecordingSpan(context)
    assert current_trace() is None
    with start_trace() as outer, opentelemetry.use_span(span):
        assert current_trace() == Trace("1" * 32, "2" * 16, True, "v=1")
        with start_trace() as inner:
            assert current_trace() == inner
            assert (inner.trace_id, inner.state) == ("1" * 32, "v=1")
            onward: dict[str, str] = {}
            inject(onward)
            assert onward == {"traceparent": str(inner), "tracestate": "v=1"}
        with start_trace(Trace.parse(TEXT)) as other:
            assert current_trace() == other
            assert other.trace_id == TEXT[3:35]
    assert outer.trace_id != "1" * 32
    assert current_trace() is None


def test_events_join_the_spans_of_a_program_that_opentelemetry_traces() -> None:
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("shop")
    with tracer.start_as_current_span("request") as outer:
        seen = current_trace()
        assert seen is not None
        assert (int(seen.trace_id, 16), int(seen.span_id, 16)) == (
            outer.get_span_context().trace_id, outer.get_span_context().span_id,
        )  # fmt: skip
        with start_trace() as ours, tracer.start_as_current_span("query") as inner:
            innermost = current_trace()
            assert innermost is not None
            assert ours.trace_id == innermost.trace_id == seen.trace_id
            assert int(innermost.span_id, 16) == inner.get_span_context().span_id
    assert current_trace() is None
