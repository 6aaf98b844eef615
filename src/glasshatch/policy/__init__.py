"""Whether they may: Cedar policy sets over who, which resource and what the statement means; and grants."""

from .cases import CaseFile, Result, read_cases, run_cases
from .checking import Checked, Problem, check, check_sources
from .engine import PolicySet
from .facts import matching
from .grants import (
    CLEAR,
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
from .limits import Allowance, Breach, Limit, Usage
from .model import Ask, Decision, Effect, ResourceFacts
from .sources import STATEMENTS, Rule, Source, find_sources, hash_sources, shipped_sets
from .sources import Kind as PolicyKind
from .supposing import (
    USUAL_RESOURCES,
    USUAL_ROLES,
    suppose_actor,
    suppose_ask,
    suppose_resource,
)

__all__ = [
    "CLEAR",
    "STATEMENTS",
    "TRANSITIONS",
    "USUAL_RESOURCES",
    "USUAL_ROLES",
    "VERB_GROUPS",
    "Allowance",
    "Ask",
    "Breach",
    "CaseFile",
    "Checked",
    "Decision",
    "Effect",
    "Grant",
    "GrantLimits",
    "Limit",
    "PolicyKind",
    "PolicySet",
    "Problem",
    "Request",
    "RequestKind",
    "RequestState",
    "ResourceFacts",
    "Result",
    "Review",
    "Rule",
    "Source",
    "Usage",
    "Verdict",
    "approve",
    "ask",
    "check",
    "check_sources",
    "deny",
    "expand_verbs",
    "expire",
    "find_sources",
    "hash_sources",
    "matching",
    "read_cases",
    "resource_matches",
    "run_cases",
    "shipped_sets",
    "suppose_actor",
    "suppose_ask",
    "suppose_resource",
    "withdraw",
]
