"""Asking the record: query language, search, timeline, statistics."""

from .activity import Activity, activity_of
from .exposure import ExposureQuery, exposures
from .investigator import Investigator
from .query import And, Everything, Match, Or, Query
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
from .visibility import Visibility

__all__ = [
    "SUBJECTS", "Activity", "And", "Bin", "Bins", "CountRow", "Counts", "Entry", "Everything", "Exposed",
    "ExposureQuery", "Exposures", "History", "Hit", "Investigator", "Match", "Or", "Page", "Query", "Seen",
    "SessionRow", "SourceSkew", "Visibility", "activity_of", "exposures", "timeline",
]  # fmt: skip
