"""What is asked: turns a client's text into verbs, resources, risks and a shape free of values."""

from .model import OutputColumn, Span, SpanKind, Statement
from .registry import ALIASES, KINDS, analyze, kind_of
from .sql import Reading, analyze_sql, read_sql
from .sql.changes import Calls, Change, matching, quoted, read_change, target_name
from .sql.selecting import also_selecting
from .sql.tokens import filled, plain_numbers
from .traces import TraceContext, trace_of

__all__ = [
    "ALIASES",
    "KINDS",
    "Calls",
    "Change",
    "OutputColumn",
    "Reading",
    "Span",
    "SpanKind",
    "Statement",
    "TraceContext",
    "also_selecting",
    "analyze",
    "analyze_sql",
    "filled",
    "kind_of",
    "matching",
    "plain_numbers",
    "quoted",
    "read_change",
    "read_sql",
    "target_name",
    "trace_of",
]
