"""What a provider says of itself (OpenID Connect Discovery 1.0, section 3), as far as it is needed here."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec

from ...errors import Unavailable


class Provider(msgspec.Struct, frozen=True):
    """A provider's addresses. `device` and `userinfo` are empty where it has none.

    issuer_in_answers: it names itself in its answers to a browser (RFC 9207), so one without that is refused.
    """

    issuer: str
    authorization: str
    token: str
    jwks: str
    userinfo: str = ""
    device: str = ""
    issuer_in_answers: bool = False
    secret_in_form: bool = False
    """It takes a client's secret in the form alone, and not as a header."""


class _Document(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    device_authorization_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


def read_provider(data: bytes, issuer: str) -> Provider:
    """Read a discovery document of this issuer.

    Raises:
        Unavailable: It is none, is another issuer's (section 4.3), or would send secrets without TLS.
    """
    try:
        found = msgspec.json.decode(data, type=_Document)
    except msgspec.DecodeError:
        raise Unavailable(
            "the identity provider's description is not understood",
            hint=f"see {issuer.rstrip('/')}/.well-known/openid-configuration",
        ) from None
    if found.issuer != issuer:
        raise Unavailable(
            "the identity provider calls itself by another name than identity.oidc.issuer",
            hint="write the issuer exactly as the provider's own description has it",
        )
    addresses = (
        found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint,
        found.device_authorization_endpoint,
    )  # fmt: skip
    if not all(safe_address(one) for one in addresses if one):
        raise Unavailable("the identity provider names an address without TLS", hint="it must be https")
    return Provider(
        issuer=issuer, authorization=found.authorization_endpoint, token=found.token_endpoint,
        jwks=found.jwks_uri, userinfo=found.userinfo_endpoint, device=found.device_authorization_endpoint,
        issuer_in_answers=found.authorization_response_iss_parameter_supported,
        secret_in_form="client_secret_basic" not in found.token_endpoint_auth_methods_supported,
    )  # fmt: skip


def safe_address(address: str) -> bool:
    """Whether what is sent there stays secret: https, or http on this very machine."""
    try:
        url = urlsplit(address)
        host = url.hostname or ""
    except ValueError:
        return False
    if url.scheme == "https":
        return bool(host)
    if url.scheme != "http":
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
