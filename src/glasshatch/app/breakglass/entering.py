"""Who comes to the gateway with a sheet instead of a token."""

from __future__ import annotations

import asyncio

from ...errors import Denied
from ...events import Client
from ...identity import Identity
from ..authority import TokenAuthenticator
from .door import Door
from .sheets import is_sheet


class GlassAuthenticator:
    """The gateway's `Authenticator`: sheets to the door, tokens to where they were always looked at."""

    def __init__(self, tokens: TokenAuthenticator | None, door: Door) -> None:
        """`tokens` is None in an emergency: then nothing but a sheet opens anything."""
        self._tokens = tokens
        self._door = door

    async def authenticate(
        self, user: str, secret: str, resource: str, client: Client, certificate: bytes = b""
    ) -> Identity:
        """See `Authenticator`."""
        return await asyncio.to_thread(self.admit, user, secret, resource, certificate, client)

    def admit(self, user: str, secret: str, resource: str, certificate: bytes, client: Client) -> Identity:
        """The same, here and now: for a worker's process, on a thread of its own."""
        if is_sheet(secret):
            return self._door.open(user, secret, f"postgres/{resource}", client)
        if self._tokens is None:
            raise Denied(
                "only break-glass opens the gateway now: recording or the control store is down",
                hint="type a break-glass sheet and a reason as the password",
            )
        return self._tokens.admit(user, secret, resource, certificate)
