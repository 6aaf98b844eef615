"""Asking the record: query language, search, timeline, statistics."""

from .activity import Activity, activity_of
from .completing import Completion, complete
from .exposure import ExposureQuery, exposures
from .investigator import Investigator
from .query import And, Everything, Match, Or, Query
from .searching import SearchQuery, search
from .sessions import STATES, SessionQuery, session_ids, sessions
from .tables import chosen
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
    Table,
)
from .visibility import Visibility

__all__ = [
    "STATES", "SUBJECTS", "Activity", "And", "Bin", "Bins", "Completion", "CountRow", "Counts", "Entry",
    "Everything", "Exposed", "ExposureQuery", "Exposures", "History", "Hit", "Investigator", "Match", "Or",
    "Page", "Query", "SearchQuery", "Seen", "SessionQuery", "SessionRow", "SourceSkew", "Table", "Visibility",
    "activity_of", "chosen", "complete", "exposures", "search", "session_ids", "sessions", "timeline",
]  # fmt: skip
