"""What is asked: turns a client's text into verbs, resources, risks and a shape free of values."""

from .model import OutputColumn, Span, SpanKind, Statement
from .sql import analyze_sql

__all__ = ["OutputColumn", "Span", "SpanKind", "Statement", "analyze_sql"]
