"""Sigma rules: read, compiled, kept, and asked about records."""

from .correlating import CorrelationFinding, Correlations, Sighting
from .folder import SHIPPED_SIGMA, SigmaFolder, joined, load_folder
from .forms import Correlation, LogSource, SigmaRule
from .logsources import Sources, named_source, sources_of
from .problems import RuleProblem
from .records import Record
from .ruleset import RuleSet
from .testing import run_tests, untested_rules

__all__ = [
    "SHIPPED_SIGMA",
    "Correlation",
    "CorrelationFinding",
    "Correlations",
    "LogSource",
    "Record",
    "RuleProblem",
    "RuleSet",
    "Sighting",
    "SigmaFolder",
    "SigmaRule",
    "Sources",
    "joined",
    "load_folder",
    "named_source",
    "run_tests",
    "sources_of",
    "untested_rules",
]
