"""What a record of CloudTrail must not keep: tokens, passwords, keys and values of environments.

AWS hides some of them itself; the session tokens that AssumeRole answers it does not.
"""

from __future__ import annotations

import re
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
_MAX_DEPTH = 40
_LONGEST_NAME = 256


def _tells(name: str) -> bool:
    """Whether a member of this name is hidden; one that is no name is."""
    return len(name) > _LONGEST_NAME or _told(name)


@lru_cache(maxsize=8_192)
def _told(name: str) -> bool:
    return bool(_SECRET.match(name)) and name.lower() not in _HARMLESS


def without_secrets(value: Any, depth: int = 0) -> Any:
    """The same value where it holds nothing secret; otherwise a copy without."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if type(value) is dict:
        changed = {
            name: clean
            for name, item in value.items()
            if (clean := hidden(item) if _tells(name) else without_secrets(item, depth + 1)) is not item
        }
        return {**value, **changed} if changed else value
    if type(value) is list:
        clean_items = [without_secrets(item, depth + 1) for item in value]
        same = all(one is other for one, other in zip(clean_items, value, strict=True))
        return value if same else clean_items
    if type(value) is str and "?" in value and "X-Amz-" in value:
        return urlsplit(value)._replace(query=HIDDEN).geturl()
    return value


def hidden(value: Any, depth: int = 0) -> Any:
    """The names in a value; nothing else of it."""
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        return {str(name): hidden(item, depth + 1) for name, item in value.items()}
    return value if value is None or isinstance(value, bool) else HIDDEN


def clean_message(text: str) -> str:
    """An error's message without what only its receiver may decode."""
    return _ENCODED.sub(rf"\1{HIDDEN}", text)
