"""Asking the record: query language, search, timeline, statistics."""

from .exposure import ExposureQuery, exposures
from .investigator import Investigator, Visibility
from .query import And, Match, Or, Query
from .timeline import SUBJECTS, timeline
from .views import (
    Bin,
    Bins,
    CountRow,
    Counts,
    Entry,
    Exposed,
    Exposures,
    History,
    Hit,
    Page,
    Seen,
    SessionRow,
    SourceSkew,
)

__all__ = [
    "SUBJECTS", "And", "Bin", "Bins", "CountRow", "Counts", "Entry", "Exposed", "ExposureQuery", "Exposures",
    "History", "Hit", "Investigator", "Match", "Or", "Page", "Query", "Seen", "SessionRow", "SourceSkew",
    "Visibility", "exposures", "timeline",
]  # fmt: skip
