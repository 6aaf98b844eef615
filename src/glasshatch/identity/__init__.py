"""Who: the identity behind a session or a call, and the tokens that prove it."""

from .model import Identity, IdentityType
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
    "MAX_TOKEN_LIFETIME_NS",
    "TOKEN_PATTERN",
    "Identity",
    "IdentityType",
    "Random",
    "RefusalKind",
    "Token",
    "TokenHasher",
    "TokenRefused",
    "TokenText",
    "issue_token",
    "parse_token",
    "scope_allows",
    "verify_token",
]
