"""The two ways in by a provider: a browser that is sent there and back (authorization code with PKCE), and a
device that shows a code while its user signs in elsewhere (RFC 8628). And the look later whether it still
holds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import msgspec

from ...clock import Clock
from ...errors import Unavailable
from ..tokens import Random
from .claims import Expected, TokenFault, verify_id_token
from .keys import KeyStore
from .provider import Provider, read_provider

Form = Mapping[str, str]
_DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_SECOND_NS = 1_000_000_000
_KEEP_NS = 3_600 * _SECOND_NS
_AWAY_NS = 10 * _SECOND_NS
_REMEMBERED = 10_000
_MOST_GROUPS, _MOST_NAME = 2_000, 63


class Web(Protocol):
    """The way to the provider. Both raise `Unavailable` when nothing comes back; redirects are not
    followed."""

    def get(self, address: str, bearer: str = "") -> tuple[int, bytes]:
        """Status and body."""

    def post(self, address: str, form: Form, basic: tuple[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Which provider, who we are there, and where in its tokens name and groups stand.

    secret: gives the client's secret now; empty for a public client.
    """

    issuer: str
    client_id: str
    secret: Callable[[], str] = lambda: ""
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    leeway_s: int = 60

    def __repr__(self) -> str:
        return f"Settings({self.issuer!r})"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider vouches for. groups: None where it says nothing of groups."""

    subject: str
    name: str
    groups: tuple[str, ...] | None
    refresh_token: str = ""

    def __repr__(self) -> str:
        return f"Person({self.name!r})"


class Begun(msgspec.Struct, frozen=True):
    """A sign-in by browser: where it goes, and what must come back with it."""

    address: str
    state: str
    nonce: str
    verifier: str
    redirect: str

    def __repr__(self) -> str:
        return "Begun()"


class DeviceBegun(msgspec.Struct, frozen=True):
    """A sign-in by device: what its user is shown, and how often to ask."""

    device_code: str
    user_code: str
    address: str
    whole_address: str
    expires_ns: int
    interval_s: int
    verifier: str

    def __repr__(self) -> str:
        return f"DeviceBegun({self.address!r})"


class Waiting(msgspec.Struct, frozen=True):
    """The user has not answered yet; ask again in so many seconds."""

    interval_s: int


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str = ""
    access_token: str = ""
    refresh_token: str = ""


class _Device(msgspec.Struct, frozen=True):
    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    verification_uri_complete: str = ""
    interval: int = 5


class _Refusal(msgspec.Struct, frozen=True):
    error: str


class OpenIdClient:
    """One provider, seen by one client of it. Blocks on the network; from any thread.

    Everything raises `Unavailable` when the provider cannot be asked, and `TokenFault` when what it says is
    not accepted.
    """

    def __init__(self, settings: Settings, web: Web, clock: Clock, random: Random) -> None:
        self._settings = settings
        self._web = web
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._provider: tuple[int, Provider] | None = None
        self._failed: tuple[int, Unavailable] | None = None
        self._keys = KeyStore(self._fetch_keys, clock.monotonic_ns)
        self._used: OrderedDict[bytes, None] = OrderedDict()

    # -- a browser ------------------------------------------------------------------------------

    def begin(self, redirect: str) -> Begun:
        """Send a browser to the provider, which sends it back to `redirect`."""
        state, nonce, verifier = (self._secret() for _ in range(3))
        wanted = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": redirect,
            "scope": " ".join(self._settings.scopes), "state": state, "nonce": nonce,
            **_challenge(verifier),
        }  # fmt: skip
        if "offline_access" in self._settings.scopes:
            wanted["prompt"] = (
                "consent"  # OpenID Connect Core 1.0, section 11: without it the scope is ignored
            )
        # Not what it said an hour ago: a browser that is sent to a provider that is away is told nothing.
        address = self.provider(_AWAY_NS).authorization
        return Begun(
            address + ("&" if "?" in address else "?") + urlencode(wanted), state, nonce, verifier, redirect
        )

    def finish(self, begun: Begun, code: str, issuer: str = "") -> Person:
        """Who came back with this code. issuer: as the answer to the browser names it (RFC 9207)."""
        provider = self.provider()
        if issuer != provider.issuer and (issuer or provider.issuer_in_answers):
            raise TokenFault("issuer", "is announced by another provider")
        found = self._ask_token(
            {
                "grant_type": "authorization_code", "code": code, "redirect_uri": begun.redirect,
                "code_verifier": begun.verifier,
            }
        )  # fmt: skip
        if isinstance(found, str):
            raise TokenFault("code", "was not given out: its code is used up, over, or not for us")
        return self._person(found, begun.nonce)

    # -- a device -------------------------------------------------------------------------------

    def begin_device(self) -> DeviceBegun:
        """Ask for a code that a user confirms at the provider."""
        provider = self.provider()
        if not provider.device:
            raise Unavailable(
                "the identity provider has no sign-in by code", hint="sign in at the page, or with a password"
            )
        # PKCE says nothing of devices, but Keycloak wants it of them where it is demanded of the client;
        # who does not know it passes over it (RFC 6749, section 3.1).
        verifier = self._secret()
        form = {"client_id": self._settings.client_id, "scope": " ".join(self._settings.scopes)}
        form |= _challenge(verifier)
        status, body = self._post(provider.device, form)
        try:
            found = msgspec.json.decode(body, type=_Device)
        except msgspec.DecodeError:
            raise Unavailable(f"the identity provider gave no code (status {status})", hint=_SETUP) from None
        interval_s = min(max(found.interval, 1), 60)
        return DeviceBegun(
            found.device_code, found.user_code, found.verification_uri, found.verification_uri_complete,
            self._clock.now_ns() + min(max(found.expires_in, 1), 3_600) * _SECOND_NS, interval_s,
            verifier,
        )  # fmt: skip

    def poll_device(self, begun: DeviceBegun) -> Person | Waiting:
        """Who has confirmed the code, if somebody has."""
        found = self._ask_token(
            {
                "grant_type": _DEVICE_GRANT, "device_code": begun.device_code,
                "code_verifier": begun.verifier,
            }
        )  # fmt: skip
        if found == "authorization_pending":
            return Waiting(begun.interval_s)
        if found == "slow_down":
            return Waiting(begun.interval_s + 5)
        if isinstance(found, str):
            raise TokenFault("device", _DEVICE_ENDS.get(found, "was not given out"), "glasshatch login")
        return self._person(found, "")

    def present(self) -> Provider:
        """The provider, if it answered within the last seconds; raises `Unavailable`."""
        return self.provider(_AWAY_NS)

    # -- later ----------------------------------------------------------------------------------

    def refresh(self, refresh_token: str) -> Person:
        """Whom the provider still vouches for; its answer may hold the next token to ask with.

        Raises:
            TokenFault: It does not any more (`gone`), or what it says is not accepted.
        """
        found = self._ask_token({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if isinstance(found, str):
            raise TokenFault("gone", "is not renewed")
        # Within one second a provider may write the very same token again, so this one may have been seen.
        person = self._person(found, "", once=False)
        return msgspec.structs.replace(person, refresh_token=person.refresh_token or refresh_token)

    # -- inside ---------------------------------------------------------------------------------

    def provider(self, age_ns: int = _KEEP_NS) -> Provider:
        """What the provider says of itself, as it was within the last hour, or a shorter time.

        While it is away, it is asked once in a few seconds, whoever wants to sign in.

        Raises:
            Unavailable: It cannot be asked.
        """
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            if self._provider is not None and now_ns - self._provider[0] <= age_ns:
                return self._provider[1]
            if self._failed is not None and now_ns - self._failed[0] <= _AWAY_NS:
                raise self._failed[1]
            try:
                found = self._look_up()
            except Unavailable as error:
                self._failed = (self._clock.monotonic_ns(), error)
                raise
            self._provider, self._failed = (now_ns, found), None
            return found

    def _look_up(self) -> Provider:
        issuer = self._settings.issuer
        status, body = self._web.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if status != 200:
            raise Unavailable(
                f"the identity provider answers {status} instead of its description", hint=_SETUP
            )
        return read_provider(body, issuer)

    def _fetch_keys(self) -> bytes:
        status, body = self._web.get(self.provider().jwks)
        if status != 200:
            raise Unavailable(f"the identity provider answers {status} instead of its keys")
        return body

    def _ask_token(self, form: Form) -> _Tokens | str:
        """Tokens, or the error that RFC 6749, section 5.2 names."""
        status, body = self._post(self.provider().token, form)
        try:
            if status == 200:
                return msgspec.json.decode(body, type=_Tokens)
            refusal = msgspec.json.decode(body, type=_Refusal).error
        except msgspec.DecodeError:
            raise Unavailable(f"the identity provider answers {status} and no token") from None
        if refusal in _OUR_FAULT:
            raise Unavailable(f"the identity provider refuses this client: {refusal}", hint=_SETUP)
        return refusal

    def _post(self, address: str, form: Form) -> tuple[int, bytes]:
        client, secret = self._settings.client_id, self._settings.secret()
        if not secret:
            return self._web.post(address, {**form, "client_id": client})
        if self.provider().secret_in_form:
            return self._web.post(address, {**form, "client_id": client, "client_secret": secret})
        # RFC 6749, section 2.3.1: both are form-encoded before they become a header.
        return self._web.post(address, form, (quote(client, safe=""), quote(secret, safe="")))

    def _person(self, tokens: _Tokens, nonce: str, *, once: bool = True) -> Person:
        if not tokens.id_token:
            raise TokenFault("form", "is missing: the scope openid is not granted", _SETUP)
        settings = self._settings
        expected = Expected(
            settings.issuer, settings.client_id, self._clock.now_ns() // _SECOND_NS, nonce, settings.leeway_s
        )
        claims = verify_id_token(tokens.id_token, self._keys.candidates, expected)
        if once:
            self._use_once(tokens.id_token)
        claims = self._completed(claims, tokens.access_token)
        return Person(
            subject=claims["sub"], name=_name(claims.get(settings.name_claim), settings.name_claim),
            groups=_groups(claims, settings.groups_claim), refresh_token=tokens.refresh_token,
        )  # fmt: skip

    def _use_once(self, token: str) -> None:
        digest = hashlib.sha256(token.encode()).digest()
        with self._lock:
            if digest in self._used:
                raise TokenFault("replayed", "was used before")
            self._used[digest] = None
            if len(self._used) > _REMEMBERED:
                self._used.popitem(last=False)

    def _completed(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """With what the provider tells of the user elsewhere, where the token itself says too little."""
        settings, address = self._settings, self.provider().userinfo
        wanted = {settings.name_claim, settings.groups_claim}
        if wanted <= claims.keys() or not access_token or not address:
            return claims
        status, body = self._web.get(address, access_token)
        if status != 200:
            raise Unavailable(f"the identity provider answers {status} instead of what it knows of the user")
        try:
            more = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            raise Unavailable("what the identity provider says of the user is not understood") from None
        if not hmac.compare_digest(str(more.get("sub")).encode(), claims["sub"].encode()):
            raise TokenFault("subject", "and its account of the user are not of the same person")
        return claims | {name: more[name] for name in wanted - claims.keys() if name in more}

    def _secret(self) -> str:
        return _base64(self._random(32))


_SETUP = "compare identity.oidc in the configuration with the client at the provider"
_OUR_FAULT = frozenset(
    {"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_request", "invalid_scope"}
)
_DEVICE_ENDS = {
    "access_denied": "was refused by the user",
    "expired_token": "was waited for too long",
    "invalid_grant": "was given out already",
}


def _name(value: object, claim: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_NAME or not value.isprintable():
        raise TokenFault("name", f"names nobody in its claim {claim}", _SETUP)
    return value


def _groups(claims: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > _MOST_GROUPS:
        raise TokenFault("groups", f"has no list of groups in its claim {name}", _SETUP)
    return tuple(sorted({one for one in value if isinstance(one, str)}))


def _challenge(verifier: str) -> dict[str, str]:
    """What is sent ahead of a verifier (RFC 7636, section 4.2)."""
    return {
        "code_challenge": _base64(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
