"""Passing a cancel request on to the database, over a connection of its own, as the protocol wants it."""

from __future__ import annotations

import asyncio
import logging
import ssl

from ...errors import GlasshatchError
from ..core import CancelUpstream
from .tls import upstream_context

_log = logging.getLogger("glasshatch.gateway")
_CONNECT_SECONDS = 10.0


async def cancel_upstream(effect: CancelUpstream) -> None:
    """Best effort, like PostgreSQL's own cancel: the client sees only whether its statement ends."""
    address = effect.address
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                if address.tls != "disable":
                    writer.write(effect.tls_request)
                    if await reader.readexactly(1) != effect.tls_answer:
                        return
                    await writer.start_tls(upstream_context(address), server_hostname=address.host)
                writer.write(effect.request)
                await writer.drain()
                await reader.read()
            finally:
                writer.close()
    except (OSError, ssl.SSLError, EOFError, GlasshatchError) as error:
        _log.warning("a cancel request did not reach the database: %s", type(error).__name__)
