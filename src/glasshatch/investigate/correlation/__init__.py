"""What belongs together: by keys that say so exactly, or by what makes it likely, marked and told."""

from .graph import graph
from .suggesting import Suggestion, suggestions
from .timeline import SUBJECTS, PinnedEvent, timeline, timeline_of

__all__ = ["SUBJECTS", "PinnedEvent", "Suggestion", "graph", "suggestions", "timeline", "timeline_of"]
