"""The way in: PostgreSQL sessions that are authenticated, decided, masked and recorded."""

from .core import (
    Authenticator,
    Authority,
    EndingSource,
    GuardedResource,
    Limiter,
    Limits,
    PostgresTarget,
    Reviewing,
    Siblings,
    TlsMode,
    process_of,
)
from .runtime import GatewayServer, Listen

__all__ = [
    "Authenticator",
    "Authority",
    "EndingSource",
    "GatewayServer",
    "GuardedResource",
    "Limiter",
    "Limits",
    "Listen",
    "PostgresTarget",
    "Reviewing",
    "Siblings",
    "TlsMode",
    "process_of",
]
