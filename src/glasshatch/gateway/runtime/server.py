"""The listening gateway: accepts clients, keeps their sessions, drains them on the way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ...clock import Clock
from ...events import EventSink
from ...masking import Redactor
from ..core import Authenticator, Authority, GuardedResource, Limits


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """Where clients connect. tls_certificate, tls_key: PEM files, both or neither.

    plaintext_anywhere: accept a token without TLS from other hosts too; off unless somebody asks for it.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls_certificate: str = ""
    tls_key: str = ""
    plaintext_anywhere: bool = False


class GatewayServer:
    """One PostgreSQL listener in front of any number of resources (a client's database names one)."""

    def __init__(
        self,
        listen: Listen,
        resources: Sequence[GuardedResource],
        *,
        authenticator: Authenticator,
        authority: Authority,
        sink: EventSink,
        redactor: Redactor,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        tenant: str = "default",
        instance: str = "",
        limits: Limits | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on, once started."""
        raise NotImplementedError

    async def start(self) -> None:
        """Listen. Raises ConfigError: port in use, certificate unreadable."""
        raise NotImplementedError

    async def stop(self, grace_s: float = 10.0) -> None:
        """Stop accepting, let running statements finish for at most `grace_s`, close the rest (57P01)."""
        raise NotImplementedError

    def cut(self, session_id: str, reason: str) -> bool:
        """End one session now; False if there is no such session."""
        raise NotImplementedError
