"""The query language: text to a tree, a tree to ClickHouse SQL or to a Python predicate."""

from .fields import ALIASES, PAIRS, SEVERAL, known_field, resolve
from .grammar import parse, parse_pipeline
from .predicate import compile_predicate
from .redacted import findable, redacted, stages_redacted
from .sql import compile_sql
from .stages import Pipeline, render_pipeline
from .tree import And, Compare, Everything, Exists, Match, Not, Or, Query, Word, render

__all__ = [
    "ALIASES",
    "PAIRS",
    "SEVERAL",
    "And",
    "Compare",
    "Everything",
    "Exists",
    "Match",
    "Not",
    "Or",
    "Pipeline",
    "Query",
    "Word",
    "compile_predicate",
    "compile_sql",
    "findable",
    "known_field",
    "parse",
    "parse_pipeline",
    "redacted",
    "render",
    "render_pipeline",
    "resolve",
    "stages_redacted",
]  # fmt: skip
