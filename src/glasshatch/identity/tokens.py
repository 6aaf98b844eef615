"""Access tokens: 256 random bits shown once, kept as an argon2id hash, with scopes and an end.

Randomness and the time are handed in. A wrong secret and an unknown token id cost the same work
and read the same outside; that a token ran out or was revoked is said only to its holder.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, Literal

import argon2
import msgspec

from ..errors import ConfigError, NotAuthenticated

Random = Callable[[int], bytes]

TOKEN_PATTERN: Final = r"gh_[a-z2-7]{16}_[a-z2-7]{52}"  # noqa: S105
"""What a token looks like, for detectors of leaked secrets; base32, so a double click selects it."""

MAX_TOKEN_LIFETIME_NS: Final = 366 * 24 * 3600 * 1_000_000_000
"""The longest life of a token; there is none without an end."""

AREAS: Final = frozenset({"*", "connect", "read", "request", "review", "admin", "ingest", "scim"})
"""What a scope may open: sessions, the record, asking, reviewing, administration, feeds, people from a
directory; `*` is all."""

RefusalKind = Literal["unknown", "wrong_secret", "expired", "revoked", "disabled"]

_ID_BYTES = 10
_SECRET_BYTES = 32
_TOKEN = re.compile(TOKEN_PATTERN)
_SCOPE_TARGET = re.compile(r"[A-Za-z0-9_.*-]+(/[A-Za-z0-9_.*-]+)*")
_HINT_NEW = "issue a new token with: glasshatch tokens issue"


class TokenRefused(NotAuthenticated):
    """A token did not authenticate. `kind` is for the record; the message is for the outside.

    `unknown` and `wrong_secret` have the same message, so that nobody can probe for token ids.
    """

    def __init__(self, kind: RefusalKind, message: str, *, token_id: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind: RefusalKind = kind
        self.token_id = token_id

    @classmethod
    def unaccepted(cls, kind: RefusalKind, token_id: str = "") -> TokenRefused:
        """The one refusal for everybody who does not hold a true token."""
        return cls(kind, "the token is not accepted", token_id=token_id, hint=_HINT_NEW)


class TokenText(msgspec.Struct, frozen=True):
    """A token as presented, taken apart; its representation hides the secret."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"TokenText(id={self.id!r})"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a token. `hash` is a PHC string, so its parameters can be raised later."""

    id: str
    tenant: str
    actor_id: str
    hash: str
    scopes: tuple[str, ...]
    created_ns: int
    expires_ns: int
    label: str = ""
    issued_by: str = ""
    revoked_ns: int = 0

    def __repr__(self) -> str:
        return f"Token(id={self.id!r}, tenant={self.tenant!r}, actor_id={self.actor_id!r})"


class TokenHasher:
    """argon2id (RFC 9106) for secrets of full entropy.

    The secret has 256 random bits, so no hash, however slow, makes guessing harder than it is.
    The modest cost (8 MiB, 2 passes) buys a margin should the randomness be poor, and keeps a
    flood of bad tokens from costing the gateway more than it costs the sender.
    """

    def __init__(self, random: Random, *, memory_kib: int = 8192, passes: int = 2) -> None:
        self._random = random
        self._argon2 = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16
        )

    @cached_property
    def _decoy(self) -> str:
        """What an unknown token id is checked against, so that it takes as long as a known one."""
        return self.hash(_base32(self._random(_SECRET_BYTES)))

    def hash(self, secret: str) -> str:
        """A PHC string of the secret under a fresh salt."""
        return self._argon2.hash(secret, salt=self._random(16))

    def matches(self, hash_: str | None, secret: str) -> bool:
        """Whether the secret belongs to the hash; with no hash the same work is done for False."""
        decoy = self._decoy  # made by the first check of all, whether that one needs it or not
        try:
            self._argon2.verify(hash_ if hash_ is not None else decoy, secret)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return hash_ is not None


def parse_token(text: str) -> TokenText | None:
    """Take a presented text apart; None if it does not have the form of a token."""
    # A password field may hold anything of any size; the fixed-length pattern bounds the work.
    if not _TOKEN.fullmatch(text):
        return None
    _, token_id, secret = text.split("_")
    return TokenText(token_id, secret)


def issue_token(
    *,
    tenant: str,
    actor_id: str,
    scopes: Sequence[str],
    lifetime_ns: int,
    now_ns: int,
    hasher: TokenHasher,
    random: Random,
    label: str = "",
    issued_by: str = "",
) -> tuple[str, Token]:
    """Make a token; the text is returned here and can never be had again.

    Raises:
        ConfigError: A scope is unknown or there is none, or the lifetime is out of bounds.
    """
    _check_scopes(scopes)
    if not 0 < lifetime_ns <= MAX_TOKEN_LIFETIME_NS:
        raise ConfigError(
            "the lifetime of a token must be more than nothing and at most 366 days", key="lifetime"
        )
    presented = TokenText(_base32(random(_ID_BYTES)), _base32(random(_SECRET_BYTES)))
    token = Token(
        id=presented.id,
        tenant=tenant,
        actor_id=actor_id,
        hash=hasher.hash(presented.secret),
        scopes=tuple(sorted(set(scopes))),
        created_ns=now_ns,
        expires_ns=now_ns + lifetime_ns,
        label=label,
        issued_by=issued_by,
    )
    return f"gh_{presented.id}_{presented.secret}", token


def verify_token(
    token: Token | None, presented: TokenText, now_ns: int, hasher: TokenHasher, *, proven: bool = False
) -> Token:
    """The token, if the presented text proves it now; `token` is None when the id is unknown.

    Args:
        proven: The caller knows already that this exact text has this exact hash.

    Raises:
        TokenRefused: With the kind and a message that is safe to send.
    """
    matches = proven or hasher.matches(token.hash if token else None, presented.secret)
    if token is None:
        raise TokenRefused.unaccepted("unknown", presented.id)
    if not matches:
        raise TokenRefused.unaccepted("wrong_secret", presented.id)
    if token.revoked_ns:
        raise TokenRefused("revoked", "the token was revoked", token_id=token.id, hint=_HINT_NEW)
    if now_ns >= token.expires_ns:
        raise TokenRefused("expired", "the token has expired", token_id=token.id, hint=_HINT_NEW)
    return token


def scope_allows(scopes: Sequence[str], area: str, target: str = "") -> bool:
    """Whether a token's scopes open an area, for example `connect` to `postgres/orders`.

    A scope is `area` or `area:target`; in the target `*` stands for one whole segment, and a
    target opens what lies below it. No area at all asks for nothing, which any scope opens.
    """
    return any(_opens(scope, area, target) for scope in scopes)


def _opens(scope: str, area: str, target: str) -> bool:
    name, _, pattern = scope.partition(":")
    if not area:
        return True
    if name not in ("*", area):
        return False
    if not pattern:
        return True
    wanted, have = target.split("/"), pattern.split("/")
    return len(have) <= len(wanted) and all(
        mine in ("*", theirs) for mine, theirs in zip(have, wanted, strict=False)
    )


def _check_scopes(scopes: Sequence[str]) -> None:
    if not scopes:
        raise ConfigError("a token needs at least one scope", key="scopes", hint=_areas_hint())
    for scope in scopes:
        name, colon, target = scope.partition(":")
        if name not in AREAS or (colon and not _SCOPE_TARGET.fullmatch(target)):
            raise ConfigError(
                f"{scope!r} is not a scope", key="scopes", hint=_areas_hint() + ", or connect:postgres/orders"
            )


def _areas_hint() -> str:
    return "scopes are " + ", ".join(sorted(AREAS))


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()
