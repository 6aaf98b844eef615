"""Who: the identity behind a session or a call, and what proves it."""

from .model import Emergency, Ending, Identity, IdentityType
from .passwords import LEAST_CHARACTERS, PasswordHasher, check_password
from .reasoned import MAX_REASON_CHARACTERS, Reasoned, identity_of, reason_of, with_reason
from .secondfactor import (
    accepted_step,
    enrolment_uri,
    new_recovery_codes,
    new_secret,
    recovery_hash,
    spend_recovery_code,
)
from .slowdown import FailureBook, Failures, penalty_seconds
from .tokens import (
    AREAS,
    MAX_TOKEN_LIFETIME_NS,
    TOKEN_PATTERN,
    Random,
    RefusalKind,
    Token,
    TokenHasher,
    TokenRefused,
    TokenText,
    issue_token,
    parse_token,
    scope_allows,
    verify_token,
)

__all__ = [
    "AREAS",
    "LEAST_CHARACTERS",
    "MAX_REASON_CHARACTERS",
    "MAX_TOKEN_LIFETIME_NS",
    "TOKEN_PATTERN",
    "Emergency",
    "Ending",
    "FailureBook",
    "Failures",
    "Identity",
    "IdentityType",
    "PasswordHasher",
    "Random",
    "Reasoned",
    "RefusalKind",
    "Token",
    "TokenHasher",
    "TokenRefused",
    "TokenText",
    "accepted_step",
    "check_password",
    "enrolment_uri",
    "identity_of",
    "issue_token",
    "new_recovery_codes",
    "new_secret",
    "parse_token",
    "penalty_seconds",
    "reason_of",
    "recovery_hash",
    "scope_allows",
    "spend_recovery_code",
    "verify_token",
    "with_reason",
]
