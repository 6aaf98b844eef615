"""Sigma rules: read, compiled, kept, and asked about records."""

from .folder import SigmaFolder, load_folder
from .forms import LogSource, SigmaRule
from .logsources import Sources, named_source, sources_of
from .problems import RuleProblem
from .ruleset import RuleSet

__all__ = [
    "LogSource",
    "RuleProblem",
    "RuleSet",
    "SigmaFolder",
    "SigmaRule",
    "Sources",
    "load_folder",
    "named_source",
    "sources_of",
]
