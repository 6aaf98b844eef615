"""The TLS context for clients, renewed when there is an authority that certifies them, or another one."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from .tls import server_context


class ClientTls:
    """Looks at the authority's file before each handshake; it is made when the first certificate is
    issued."""

    def __init__(self, certificate: str, key: str, authority_file: str = "") -> None:
        """Raises `ConfigError` if the gateway's own certificate cannot be used."""
        self._make: Callable[[str], ssl.SSLContext] = lambda clients: server_context(
            certificate, key, clients
        )
        self._file = Path(authority_file) if authority_file else None
        self._seen = self._stamp()
        self._context = self._make(self._authority())

    def context(self) -> ssl.SSLContext:
        """For the next handshake.

        Raises:
            ConfigError: The authority's file cannot be read: nobody comes in by a certificate of somebody
            else.
        """
        stamp = self._stamp()
        if stamp != self._seen:
            self._context, self._seen = self._make(self._authority()), stamp
        return self._context

    def _authority(self) -> str:
        if self._file is None:
            return ""
        try:
            return self._file.read_text(encoding="ascii")
        except OSError:
            return ""

    def _stamp(self) -> tuple[int, int]:
        if self._file is None:
            return (0, 0)
        try:
            status = self._file.stat()
        except OSError:
            return (0, 0)
        return status.st_ino, status.st_mtime_ns
