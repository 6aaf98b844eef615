"""Keyed pseudonyms: the same value has the same token everywhere, and nobody reads it back.

The grammar is fixed: `<TYPE:xxxxxxxxxxxx>`, twelve letters of base32 of an HMAC-SHA-256 under the
tenant's key of an epoch, over type and canonical value. `<TYPE>` alone stands for a value that
may not even be compared, such as a password.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from ..errors import ConfigError
from .validators import digits

TOKEN = re.compile(r"<([A-Z][A-Z0-9_]{1,30})(?::([a-z2-7]{12}))?>")
"""Every token and placeholder that masking writes."""

UNSCANNED = "[UNSCANNED]"
"""Stands for a text that could not be scanned: what is not known to be clean is not shown."""


class Tokens:
    """Makes the tokens of one tenant."""

    def __init__(self, keys: Mapping[int, bytes], epoch: int, tenant: str) -> None:
        if epoch not in keys:
            raise ConfigError(f"there is no token key for epoch {epoch}", key="token_epoch")
        if any(len(key) < 16 for key in keys.values()):
            raise ConfigError("a token key has fewer than 16 bytes", key="token_keys")
        self._keys = dict(keys)
        self._epoch = epoch
        self._prefix = tenant.encode() + b"\0"

    def token(self, type: str, value: str) -> str:
        """The token of a value under the current epoch."""
        return self._under(self._keys[self._epoch], type, value)

    def lookup(self, type: str, value: str) -> tuple[str, ...]:
        """The tokens of a value under every live epoch, the current one first: joins span rotations."""
        others = [key for epoch, key in sorted(self._keys.items(), reverse=True) if epoch != self._epoch]
        return tuple(self._under(key, type, value) for key in (self._keys[self._epoch], *others))

    def _under(self, key: bytes, type: str, value: str) -> str:
        message = self._prefix + type.encode() + b"\0" + canonical(type, value).encode("utf-8", "replace")
        digest = hmac.digest(key, message, "sha256")
        return f"<{type}:{base64.b32encode(digest[:10])[:12].decode().lower()}>"


def canonical(type: str, value: str) -> str:
    """The spelling under which equal values are equal: lower-case e-mail, E.164, digits only.

    A text without a form of its own keeps its case and loses only the space around it.
    """
    spell = _SPELLINGS.get(type)
    return spell(value) if spell else value.strip()


@lru_cache(maxsize=4096)
def e164(value: str) -> str:
    """The number with its calling code; a national one is read as North American where it fits.

    Other national numbers keep their digits: without their country they cannot be told apart.
    """
    number = digits(value)
    if value.lstrip(" (").startswith("+"):
        # The trunk zero that people write in brackets is not dialled: +49 (0) 30 is +4930.
        return "+" + digits(value.replace("(0)", ""))
    if number.startswith("00"):
        return "+" + number[2:]
    return _north_american(number) or number


def _north_american(number: str) -> str:
    import phonenumbers

    if (len(number) == 11 and number[0] != "1") or len(number) not in (10, 11):
        return ""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _compact(value: str) -> str:
    return "".join(letter for letter in value if letter.isalnum()).upper()


def _lower(value: str) -> str:
    return value.strip().lower()


def _number(value: str) -> str:
    text = value.strip()
    return text.lstrip("+").lstrip("0") or "0"


_SPELLINGS: dict[str, Callable[[str], str]] = {
    "EMAIL": _lower,
    "PHONE": e164,
    "CARD": digits,
    "SSN": digits,
    "IBAN": _compact,
    "MAC": _compact,
    "IP": _lower,
    "NAME": lambda value: " ".join(value.split()).casefold(),
    "NUMBER": _number,
}
