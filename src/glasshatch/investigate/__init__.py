"""Asking the record: query language, search, timeline, statistics."""

from .activity import Activity, activity_of
from .aliases import NOBODY, Alias, Aliases
from .completing import Completion, complete
from .correlation import SUBJECTS, PinnedEvent, Suggestion, graph, suggestions, timeline, timeline_of
from .exposure import ExposureQuery, exposures
from .investigator import Investigator
from .query import And, Everything, Match, Or, Query
from .searching import SearchQuery, search
from .sessions import STATES, SessionQuery, session_ids, sessions
from .tables import chosen
from .views import (
    Bin,
    Bins,
    CountRow,
    Counts,
    Edge,
    Entry,
    Exposed,
    Exposures,
    History,
    Hit,
    Node,
    Page,
    Seen,
    SessionGraph,
    SessionRow,
    SourceSkew,
    Table,
)
from .visibility import Visibility
from .walking import Walk, walk

__all__ = [
    "NOBODY", "STATES", "SUBJECTS", "Activity", "Alias", "Aliases", "And", "Bin", "Bins", "Completion",
    "CountRow", "Counts", "Edge", "Entry", "Everything", "Exposed", "ExposureQuery", "Exposures",
    "History", "Hit", "Investigator", "Match", "Node", "Or", "Page", "PinnedEvent", "Query",
    "SearchQuery", "Seen", "SessionGraph", "SessionQuery", "SessionRow", "SourceSkew", "Suggestion",
    "Table", "Visibility", "Walk", "activity_of", "chosen", "complete", "exposures", "graph", "search",
    "session_ids", "sessions", "suggestions", "timeline", "timeline_of", "walk",
]  # fmt: skip
