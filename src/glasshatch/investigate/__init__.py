"""Asking the record: query language, search, timeline, statistics."""

from .investigator import Investigator, Visibility
from .timeline import SUBJECTS, timeline
from .views import Bin, Bins, CountRow, Counts, Entry, History, Hit, Page, SessionRow, SourceSkew

__all__ = [
    "SUBJECTS", "Bin", "Bins", "CountRow", "Counts", "Entry", "History", "Hit", "Investigator", "Page",
    "SessionRow", "SourceSkew", "Visibility", "timeline",
]  # fmt: skip
