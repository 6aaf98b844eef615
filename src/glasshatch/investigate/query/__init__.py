"""The query language: text to a tree, a tree to ClickHouse SQL or to a Python predicate."""

from .fields import ALIASES, PAIRS, SEVERAL, known_field, resolve
from .grammar import parse
from .predicate import compile_predicate
from .redacted import findable, redacted
from .sql import compile_sql
from .tree import And, Compare, Everything, Exists, Match, Not, Or, Query, Word, render

__all__ = [
    "ALIASES", "PAIRS", "SEVERAL", "And", "Compare", "Everything", "Exists", "Match", "Not", "Or", "Query",
    "Word", "compile_predicate", "compile_sql", "findable", "known_field", "parse", "redacted", "render",
    "resolve",
]  # fmt: skip
