"""What may be seen: detectors, the engine, tokens, redaction of events, and plans for answers."""

from .columnnames import ColumnRule, masked_columns
from .columns import ColumnFacts, ColumnPlan
from .detectors import Detector, Pack, shipped_packs
from .engine import Engine, Finding
from .fieldpaths import parse_path, spell
from .kernel import KERNEL, run_of
from .operators import OPERATORS, Operator, check_operator, replacement
from .redact import Redactor
from .rows import MAX_SUBJECTS, RowPlan, plan_columns
from .sealing import Sealing, SealRule, Taken
from .subjectkeys import KEY_BYTES, Opened, SubjectCipher, unwrap_key, wrap_key, wrapping_envelope
from .tokens import TOKEN, UNSCANNED, Tokens

__all__ = [
    "KERNEL",
    "KEY_BYTES",
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
    "Opened",
    "Operator",
    "Pack",
    "Redactor",
    "RowPlan",
    "SealRule",
    "Sealing",
    "SubjectCipher",
    "Taken",
    "Tokens",
    "check_operator",
    "masked_columns",
    "parse_path",
    "plan_columns",
    "replacement",
    "run_of",
    "shipped_packs",
    "spell",
    "unwrap_key",
    "wrap_key",
    "wrapping_envelope",
]
