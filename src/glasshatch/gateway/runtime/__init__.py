"""The only place of the gateway that does input and output."""

from .server import GatewayServer, Listen

__all__ = ["GatewayServer", "Listen"]
