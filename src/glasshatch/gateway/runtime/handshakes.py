"""What became of a connection or its handshake, in words for the record and for the other side."""

from __future__ import annotations

import asyncio
import ssl


def shown_certificate(transport: asyncio.Transport) -> bytes:
    """The certificate that a client has shown, DER, or nothing."""
    found = transport.get_extra_info("ssl_object")
    return (found.getpeercert(binary_form=True) or b"") if found is not None else b""


def handshake_failure(error: Exception) -> str:
    """Why a client's handshake failed, as far as it is known; empty if it is not."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is over, or of another authority: the handshake failed"
    return ""


def os_reason(error: OSError) -> str:
    """The system's own word for what failed."""
    return (
        error.strerror.lower()
        if error.strerror and error.errno and error.errno > 0
        else "it cannot be reached"
    )
