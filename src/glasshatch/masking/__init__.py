"""What may be seen: detectors, the engine, tokens, redaction of events, and plans for answers."""

from .columnnames import ColumnRule, masked_columns
from .columns import ColumnFacts, ColumnPlan
from .detectors import Detector, Pack, shipped_packs
from .engine import Engine, Finding
from .operators import OPERATORS, Operator
from .redact import Redactor
from .rows import MAX_SUBJECTS, RowPlan, plan_columns
from .tokens import TOKEN, UNSCANNED, Tokens

__all__ = [
    "MAX_SUBJECTS",
    "OPERATORS",
    "TOKEN",
    "UNSCANNED",
    "ColumnFacts",
    "ColumnPlan",
    "ColumnRule",
    "Detector",
    "Engine",
    "Finding",
    "Operator",
    "Pack",
    "Redactor",
    "RowPlan",
    "Tokens",
    "masked_columns",
    "plan_columns",
    "shipped_packs",
]
