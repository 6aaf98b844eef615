"""The way in: PostgreSQL sessions that are authenticated, decided, masked and recorded."""

from .core import Authenticator, Authority, GuardedResource, Limits, PostgresTarget, TlsMode
from .runtime import GatewayServer, Listen

__all__ = [
    "Authenticator",
    "Authority",
    "GatewayServer",
    "GuardedResource",
    "Limits",
    "Listen",
    "PostgresTarget",
    "TlsMode",
]
