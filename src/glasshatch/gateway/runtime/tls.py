"""TLS contexts: the gateway's own certificate for clients, and how upstream certificates are checked."""

from __future__ import annotations

import ssl

from ...errors import ConfigError
from ..core import Address


def server_context(certificate: str, key: str, clients: str = "") -> ssl.SSLContext:
    """The context for clients.

    Args:
        clients: Certificates (PEM) of authorities; a client may then show a certificate that one of them
        signed.

    Raises:
        ConfigError: A file cannot be read, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificate cannot be used: {type(error).__name__}",
            file=certificate,
            key="gateway.tls_certificate",
            hint="both files in PEM, readable, and made for each other",
        ) from None
    if clients:
        try:
            context.load_verify_locations(cadata=clients)
        except ssl.SSLError:
            raise ConfigError("the authority for clients cannot be read", key="identity") from None
        # Not demanded: who has a token needs none. One of another authority ends the handshake.
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def upstream_context(address: Address) -> ssl.SSLContext:
    """The context for a database: `require` encrypts, `verify-full` also knows whom it speaks to.

    Raises:
        ConfigError: The file of authorities cannot be read.
    """
    if address.tls == "verify-full":
        try:
            context = ssl.create_default_context(cafile=address.tls_ca or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"cannot be read: {type(error).__name__}", file=address.tls_ca, key="tls_ca"
            ) from None
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
