"""What may be seen: detectors, the engine, tokens, redaction of events, and plans for answers."""

from .choosing import NOBODY, MaskingPolicy, MaskingView, MaskRule, StoredRule
from .columnnames import ColumnRule, MayMask, masked_columns, rule_by_comment
from .columns import ColumnFacts, ColumnPlan
from .detectors import Detector, Pack, shipped_packs
from .engine import Engine, Finding
from .fieldpaths import parse_path, spell
from .kernel import KERNEL, run_of
from .literals import literal_value
from .operators import OPERATORS, Chosen, Operator, check_operator, masked, replacement
from .pgtypes import ANY_TEXT, OPAQUE, TypeRow, ValueType, builtin_type, read_types
from .redact import Redactor
from .rows import MAX_SUBJECTS, RowPlan, plan_columns
from .sealing import Sealing, SealRule, Taken
from .streaming import LONGEST_WAIT_SECONDS, ByteStream, Stream
from .subjectkeys import KEY_BYTES, Opened, SubjectCipher, unwrap_key, wrap_key, wrapping_envelope
from .tokens import TOKEN, UNSCANNED, Tokens

__all__ = [
    "ANY_TEXT",
    "KERNEL",
    "KEY_BYTES",
    "LONGEST_WAIT_SECONDS",
    "MAX_SUBJECTS",
    "NOBODY",
    "OPAQUE",
    "OPERATORS",
    "TOKEN",
    "UNSCANNED",
    "ByteStream",
    "Chosen",
    "ColumnFacts",
    "ColumnPlan",
    "ColumnRule",
    "Detector",
    "Engine",
    "Finding",
    "MaskRule",
    "MaskingPolicy",
    "MaskingView",
    "MayMask",
    "Opened",
    "Operator",
    "Pack",
    "Redactor",
    "RowPlan",
    "SealRule",
    "Sealing",
    "StoredRule",
    "Stream",
    "SubjectCipher",
    "Taken",
    "Tokens",
    "TypeRow",
    "ValueType",
    "builtin_type",
    "check_operator",
    "literal_value",
    "masked",
    "masked_columns",
    "parse_path",
    "plan_columns",
    "read_types",
    "replacement",
    "rule_by_comment",
    "run_of",
    "shipped_packs",
    "spell",
    "unwrap_key",
    "wrap_key",
    "wrapping_envelope",
]
