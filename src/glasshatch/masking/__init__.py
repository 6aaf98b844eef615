"""What may be seen: detectors, the engine, tokens, redaction of events, and plans for answers."""

from .choosing import NOBODY, MaskingPolicy, MaskingView, MaskRule, StoredRule
from .columnnames import ColumnRule, MayMask, masked_columns, rule_by_comment
from .columns import ColumnFacts, ColumnPlan
from .detectors import ALL_PACKS, Detector, Pack, load_packs, shipped_packs
from .engine import Engine, Finding
from .explaining import Explanation, Step, explain
from .fieldpaths import parse_path, spell
from .freetext import FreeTextRule, FreeTexts, NameSpan, NerSection
from .kernel import KERNEL, SCAN_KERNEL, run_of
from .literals import LONGEST_CLEAR_NUMBER, literal_value
from .operators import OPERATORS, Chosen, Operator, check_operator, masked, replacement
from .pgtypes import ANY_TEXT, OPAQUE, TypeRow, ValueType, builtin_type, read_types
from .pgvalues import readable
from .proving import SLOWEST_MB_PER_S, failures, speeds
from .redact import Redactor
from .rows import MAX_SUBJECTS, RowPlan, plan_columns
from .sealing import Sealing, SealRule, Taken
from .stencils import Stencils
from .streaming import LONGEST_WAIT_SECONDS, ByteStream, Stream
from .subjectkeys import KEY_BYTES, Opened, SubjectCipher, unwrap_key, wrap_key, wrapping_envelope
from .tokens import TOKEN, UNSCANNED, Tokens

__all__ = [
    "ALL_PACKS",
    "ANY_TEXT",
    "KERNEL",
    "KEY_BYTES",
    "LONGEST_CLEAR_NUMBER",
    "LONGEST_WAIT_SECONDS",
    "MAX_SUBJECTS",
    "NOBODY",
    "OPAQUE",
    "OPERATORS",
    "SCAN_KERNEL",
    "SLOWEST_MB_PER_S",
    "TOKEN",
    "UNSCANNED",
    "ByteStream",
    "Chosen",
    "ColumnFacts",
    "ColumnPlan",
    "ColumnRule",
    "Detector",
    "Engine",
    "Explanation",
    "Finding",
    "FreeTextRule",
    "FreeTexts",
    "MaskRule",
    "MaskingPolicy",
    "MaskingView",
    "MayMask",
    "NameSpan",
    "NerSection",
    "Opened",
    "Operator",
    "Pack",
    "Redactor",
    "RowPlan",
    "SealRule",
    "Sealing",
    "Stencils",
    "Step",
    "StoredRule",
    "Stream",
    "SubjectCipher",
    "Taken",
    "Tokens",
    "TypeRow",
    "ValueType",
    "builtin_type",
    "check_operator",
    "explain",
    "failures",
    "literal_value",
    "load_packs",
    "masked",
    "masked_columns",
    "parse_path",
    "plan_columns",
    "read_types",
    "readable",
    "replacement",
    "rule_by_comment",
    "run_of",
    "shipped_packs",
    "speeds",
    "spell",
    "unwrap_key",
    "wrap_key",
    "wrapping_envelope",
]
