"""What an ID token must be and say (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725) before it says who.

Only signatures by public keys count: `none`, and every algorithm whose key would have to be secret here too,
are refused by name before any key is looked at.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ...errors import NotAuthenticated
from .keys import Key

ALGORITHMS: Final = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
    "ES256": "EC", "ES384": "EC", "ES512": "EC", "Ed25519": "OKP", "EdDSA": "OKP",
}  # fmt: skip
"""Which signatures are taken, each with the kind of key that it takes."""

MOST_TOKEN_BYTES: Final = 256 * 1024

Candidates = Callable[[str, str], list[Key]]


class TokenFault(NotAuthenticated):
    """A provider's token is not accepted; `kind` says why, in one word for the record."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(f"the identity provider's token {message}", hint=hint or "sign in again")
        self.kind = kind


class Expected(msgspec.Struct, frozen=True):
    """What a token must say. nonce: empty in flows that have none. now_s: seconds; leeway_s: for two
    clocks."""

    issuer: str
    audience: str
    now_s: int
    nonce: str = ""
    leeway_s: int = 60
    oldest_s: int = 600


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str = ""
    crit: list[str] = []


def verify_id_token(text: str, candidates: Candidates, expected: Expected) -> dict[str, Any]:
    """The claims of a token that is the provider's, for us, and of now.

    Args:
        candidates: The provider's keys by name and kind; see `KeyStore.candidates`.

    Raises:
        TokenFault: It is not; says what is wrong with it.
        Unavailable: The provider's keys cannot be had.
    """
    header = _header(text)
    kind = ALGORITHMS.get(header.alg)
    if kind is None or header.crit:
        raise TokenFault("algorithm", "is signed in a way that is not taken")
    claims = _signed(text, candidates(header.kid, kind), header.alg)
    _check(claims, expected)
    return claims


def _header(text: str) -> _Header:
    parts = text.split(".")
    if len(parts) != 3 or len(text) > MOST_TOKEN_BYTES:
        raise TokenFault("form", "is none")
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(parts[0] + "=="), type=_Header)
    except (ValueError, msgspec.DecodeError):
        raise TokenFault("form", "is none") from None


def _signed(text: str, keys: list[Key], algorithm: str) -> dict[str, Any]:
    if not keys:
        raise TokenFault("key", "is signed with a key that the provider does not publish")
    from joserfc import jws  # here, as in `keys`: who signs in otherwise is spared it
    from joserfc.errors import JoseError

    registry = jws.JWSRegistry(algorithms=list(ALGORITHMS))
    for key in keys:
        try:
            found = jws.deserialize_compact(text, key, [algorithm], registry)
        except (JoseError, ValueError, TypeError):
            continue
        try:
            return msgspec.json.decode(found.payload or b"", type=dict[str, Any])
        except msgspec.DecodeError:
            raise TokenFault("form", "is none") from None
    raise TokenFault("signature", "is not signed by the provider")


def _check(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenFault("issuer", "was issued by another provider")
    audiences = claims.get("aud")
    audiences = [audiences] if isinstance(audiences, str) else audiences
    party = claims.get("azp", expected.audience)
    if not isinstance(audiences, list) or expected.audience not in audiences or party != expected.audience:
        raise TokenFault("audience", "was issued for another application")
    if len(audiences) > 1 and "azp" not in claims:
        raise TokenFault("audience", "was issued for several applications")
    _check_times(claims, expected)
    if expected.nonce and claims.get("nonce") != expected.nonce:
        raise TokenFault("nonce", "does not belong to this sign-in")
    if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
        raise TokenFault("subject", "does not say whose it is")


def _check_times(claims: dict[str, Any], expected: Expected) -> None:
    now_s, leeway_s = expected.now_s, expected.leeway_s
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    begins = _time(claims, "nbf") if "nbf" in claims else issued
    if now_s >= expires + leeway_s:
        raise TokenFault("expired", "has expired", "if this happens at once, compare both machines' clocks")
    if max(begins, issued) > now_s + leeway_s:
        raise TokenFault("future", "is from the future", "compare both machines' clocks")
    if issued < now_s - expected.oldest_s - leeway_s:
        raise TokenFault("old", "is too old for a sign-in")


def _time(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:
        raise TokenFault("form", f"lacks the time {name}")
    return int(value)
