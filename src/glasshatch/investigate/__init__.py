"""Asking the record: query language, search, timeline, statistics."""

from .investigator import Investigator, Visibility
from .query import And, Match, Or, Query
from .timeline import SUBJECTS, timeline
from .views import Bin, Bins, CountRow, Counts, Entry, History, Hit, Page, SessionRow, SourceSkew

__all__ = [
    "SUBJECTS", "And", "Bin", "Bins", "CountRow", "Counts", "Entry", "History", "Hit", "Investigator",
    "Match", "Or", "Page", "Query",
    "SessionRow", "SourceSkew", "Visibility", "timeline",
]  # fmt: skip
