"""What is asked: turns a client's text into verbs, resources, risks and a shape free of values."""

from .model import OutputColumn, Span, SpanKind, Statement
from .registry import ALIASES, KINDS, analyze, kind_of
from .sql import analyze_sql

__all__ = [
    "ALIASES",
    "KINDS",
    "OutputColumn",
    "Span",
    "SpanKind",
    "Statement",
    "analyze",
    "analyze_sql",
    "kind_of",
]
