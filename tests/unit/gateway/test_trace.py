"""The trace a statement belongs to, as its client comments it."""

import pytest

from glasshatch.statements import TraceContext, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT 1 /*traceparent='{PARENT}'*/",
        f"/*traceparent='{PARENT}'*/ SELECT 1",
        f"SELECT 1 /*action='pay',traceparent='{PARENT}',tracestate='x%3D1'*/;",
        "SELECT '" + "x" * 10_000 + f"' /*traceparent='{PARENT}'*/",
    ],
)
def test_a_comment_names_the_trace(text: str) -> None:
    assert trace_of(text) == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        f"SELECT 'traceparent=''{PARENT}'''",
        f"SELECT 1 /*traceparent='00-{'0' * 32}-{SPAN}-01'*/",
        f"SELECT 1 /*traceparent='00-{TRACE}-{'0' * 16}-01'*/",
        f"SELECT 1 /*traceparent='ff-{TRACE}-{SPAN}-01'*/",
        f"SELECT 1 /*traceparent='00-{TRACE.upper()}-{SPAN}-01'*/",
        f"SELECT 1 /*traceparent='00-{TRACE[1:]}-{SPAN}-01'*/",
    ],
)
def test_anything_else_names_none(text: str) -> None:
    assert trace_of(text) == TraceContext()
