"""Who may read what of the record, and do what at the desk: the same Cedar, about another kind of thing."""

from ..vocabulary import DEEDS, REVIEW
from .rules import ACCESS, FIELDS, AccessRules
from .sight import (
    Always,
    EventFacts,
    Every,
    Is,
    Like,
    Not,
    Sight,
    Some,
    Younger,
    fits,
    negated,
    small,
    written,
)

__all__ = [
    "ACCESS",
    "DEEDS",
    "FIELDS",
    "REVIEW",
    "AccessRules",
    "Always",
    "EventFacts",
    "Every",
    "Is",
    "Like",
    "Not",
    "Sight",
    "Some",
    "Younger",
    "fits",
    "negated",
    "small",
    "written",
]
