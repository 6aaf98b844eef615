"""A provider's public keys: looked up by their name, and fetched anew when a token names one not known yet.

A provider changes its keys whenever it likes, so an unknown name is no fault at first. But a stranger can
invent names as well, so keys are fetched at most once in a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from ...errors import Unavailable

if TYPE_CHECKING:
    # At run time it is loaded with the first key: most servers and nearly all commands meet none.
    from joserfc.jwk import ECKey, OKPKey, RSAKey

Key: TypeAlias = "RSAKey | ECKey | OKPKey"
FETCH_AGAIN_NS: Final = 1 * 1_000_000_000
KEEP_NS: Final = 3_600 * 1_000_000_000
_LEAST_RSA_BITS = 2048
_MOST_KEYS = 100


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class KeyStore:
    """The keys of one provider. From any thread."""

    def __init__(self, fetch: Callable[[], bytes], now_ns: Callable[[], int]) -> None:
        """`fetch` gives the provider's JWK set, or raises `Unavailable`; `now_ns` never goes back."""
        self._fetch = fetch
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._keys: list[tuple[str, Key]] = []
        self._fetched_ns: int | None = None

    def candidates(self, key_id: str, kind: str) -> list[Key]:
        """The keys of this kind (`RSA`, `EC`, `OKP`) with this name, or all of the kind where none is named.

        Raises:
            Unavailable: None is known, and they cannot be fetched.
        """
        with self._lock:
            if self._too_old(KEEP_NS):
                self._renew()
            found = self._known(key_id, kind)
            if not found and self._too_old(FETCH_AGAIN_NS):
                self._renew()
                found = self._known(key_id, kind)
            return found

    def _too_old(self, age_ns: int) -> bool:
        return self._fetched_ns is None or self._now_ns() - self._fetched_ns >= age_ns

    def _known(self, key_id: str, kind: str) -> list[Key]:
        return [
            key for name, key in self._keys
            if key.key_type == kind and (not key_id or name == key_id)
        ]  # fmt: skip

    def _renew(self) -> None:
        self._keys = read_keys(self._fetch())
        self._fetched_ns = self._now_ns()


def read_keys(data: bytes) -> list[tuple[str, Key]]:
    """The keys of a JWK set that may verify a signature, by name; others in it are passed over.

    Raises:
        Unavailable: It is no JWK set.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    # Keys that are secret on both sides (`oct`) are not among them: a public document holds none.
    kinds: dict[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    try:
        found = msgspec.json.decode(data, type=_Jwks).keys[:_MOST_KEYS]
    except msgspec.DecodeError:
        raise Unavailable(
            "the identity provider's keys are not understood", hint="see its jwks_uri"
        ) from None
    keys = []
    for one in found:
        kind = kinds.get(str(one.get("kty")))
        if kind is None or one.get("use", "sig") != "sig":
            continue
        try:
            key = kind.import_key({name: value for name, value in one.items() if name not in _PRIVATE})
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, RSAKey) and key.raw_value.key_size < _LEAST_RSA_BITS:
            continue
        keys.append((str(one.get("kid", "")), key))
    return keys


_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""What a published key must not have; without it, it is a public one."""
