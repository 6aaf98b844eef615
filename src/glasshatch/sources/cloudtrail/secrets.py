"""What a record of CloudTrail must not keep: tokens, passwords, keys and values of environments.

AWS hides some of them itself; the session tokens that AssumeRole answers it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

HIDDEN = "[REDACTED]"

_SECRET = re.compile(
    r"(?i)^(.*(sessiontoken|securitytoken|secretaccesskey|secretkey|password|passphrase|privatekey|keymaterial"
    r"|secretstring|secretbinary|plaintext|authorizationtoken|accesstoken|refreshtoken|idtoken|tokenvalue"
    r"|samlassertion|webidentitytoken|clientsecret|apikey|authparameters|connectionstring)"
    r"|userdata|.*userdata|authtoken|bearertoken|secret|credentialstring|streamurl|presignedurl|signedurl"
    r"|base32stringseed|qrcodepng|encryptedpassword|environment|environmentvariables|variables|stringdata)$"
)
_HARMLESS = frozenset(
    "passwordresetrequired passwordpolicy hardexpiry userdata_hash getpassworddata passwordlastused"
    " passwordreusepolicy allowuserstochangepassword minimumpasswordlength passwordreuseprevention"
    " requiresecret managemasteruserpassword".split()
)
_ENCODED = re.compile(r"(Encoded authorization failure message: )\S+")
_MOST_KNOWN = 8_192
_common: set[str] = set()
"""Names of which it is known that they tell nothing. It only grows, up to a limit."""
_MAX_DEPTH = 40
_LONGEST_NAME = 256


def _tells(name: str) -> bool:
    """Whether a member of this name is hidden; one that is no name is."""
    if len(name) > _LONGEST_NAME or _told(name):
        return True
    if len(_common) < _MOST_KNOWN:
        _common.add(name)
    return False


@lru_cache(maxsize=8_192)
def _told(name: str) -> bool:
    return bool(_SECRET.match(name)) and name.lower() not in _HARMLESS


def without_secrets(value: Any, depth: int = 0) -> Any:
    """The same value where it holds nothing secret; otherwise a copy without."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return _unsigned(value) if kind is str else value
    if depth >= _MAX_DEPTH:
        return _cut(value)
    changed: dict[Any, Any] = {}
    told = kind is dict
    pairs: Iterable[tuple[Any, Any]] = value.items() if told else enumerate(value)
    for name, item in pairs:
        if told and name not in _common and _tells(name):
            changed[name] = hidden(item)
            continue
        # Most are short texts: a call for each of them would take twice the time.
        inner = type(item)
        if inner is str:
            clean = _unsigned(item) if "?" in item else item
        elif inner is dict or inner is list:
            clean = without_secrets(item, depth + 1)
        else:
            continue
        if clean is not item:
            changed[name] = clean
    if not changed:
        return value
    return {**value, **changed} if told else [changed.get(at, item) for at, item in enumerate(value)]


def _unsigned(text: str) -> str:
    """An address without what signs it."""
    return urlsplit(text)._replace(query=HIDDEN).geturl() if "?" in text and "X-Amz-" in text else text


def _cut(value: Any) -> Any:
    """What is nested so deeply is not looked at, and not kept."""
    if type(value) is list:
        return [HIDDEN] * len(value)
    return {name: hidden(item) if _tells(name) else HIDDEN for name, item in value.items()}


def hidden(value: Any, depth: int = 0) -> Any:
    """The names in a value; nothing else of it."""
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        return {str(name): hidden(item, depth + 1) for name, item in value.items()}
    return value if value is None or isinstance(value, bool) else HIDDEN


def clean_message(text: str) -> str:
    """An error's message without what only its receiver may decode."""
    return _ENCODED.sub(rf"\1{HIDDEN}", text) if "Encoded" in text else text
