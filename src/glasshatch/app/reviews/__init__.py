"""Requests and their judges: rules, schedules, statements that wait in their sessions.

What needs the gateway lies in `holding`, which only a server loads.
"""

from .rules import ReviewRules, names
from .sections import NotifySection, OncallSection, ReviewSection

__all__ = ["NotifySection", "OncallSection", "ReviewRules", "ReviewSection", "names"]
