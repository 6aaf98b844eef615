"""The query language: text to a tree, a tree to ClickHouse SQL or to a Python predicate."""

from .fields import ALIASES, PAIRS, known_field, resolve
from .grammar import parse
from .predicate import compile_predicate
from .sql import compile_sql
from .tree import And, Compare, Everything, Exists, Match, Not, Or, Query, Word, render

__all__ = [
    "ALIASES", "PAIRS", "And", "Compare", "Everything", "Exists", "Match", "Not", "Or", "Query", "Word",
    "compile_predicate", "compile_sql", "known_field", "parse", "render", "resolve",
]  # fmt: skip
