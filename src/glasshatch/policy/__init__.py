"""Whether they may: Cedar policy sets over who, which resource and what the statement means; and grants."""

from .engine import PolicySet
from .facts import matching
from .grants import (
    TRANSITIONS,
    VERB_GROUPS,
    Grant,
    GrantLimits,
    Request,
    RequestKind,
    RequestState,
    Review,
    Verdict,
    approve,
    ask,
    deny,
    expand_verbs,
    expire,
    resource_matches,
    withdraw,
)
from .model import Ask, Decision, Effect, ResourceFacts
from .sources import Rule

__all__ = [
    "TRANSITIONS",
    "VERB_GROUPS",
    "Ask",
    "Decision",
    "Effect",
    "Grant",
    "GrantLimits",
    "PolicySet",
    "Request",
    "RequestKind",
    "RequestState",
    "ResourceFacts",
    "Review",
    "Rule",
    "Verdict",
    "approve",
    "ask",
    "deny",
    "expand_verbs",
    "expire",
    "matching",
    "resource_matches",
    "withdraw",
]
