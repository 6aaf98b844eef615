"""Texts and single values of audit events: addresses, messages, annotations, objects once more as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

HIDDEN = "[REDACTED]"

_SECRET_NAME = re.compile(
    r"(?i)^(.*(passwords?|passwd|passphrase|pwd|[-_.]?(secret|api|access|private|client|encryption|signing|ssh|tls)"
    r"[-_.]?keys?|client[-_.]?secret|credentials?|secret)|(.*[-_.])?(tokens?|pass|auth|auths)"
    r"|.*(access|refresh|auth|bearer|api|session|id|identity)tokens?|bearer|authorization|.*cookie"
    r"|\.?docker(config(json)?|cfg)|kubeconfig|(ca[-_]?bundle)|.*[-_]data|(tls|ca|client)\.(key|crt|pem)|.*\.pem)$"
)

_HARMLESS_PARAMETERS = frozenset(
    "watch limit continue resourceVersion resourceVersionMatch timeout timeoutSeconds pretty fieldManager"
    " fieldValidation dryRun force allowWatchBookmarks labelSelector fieldSelector container stdin stdout"
    " stderr tty follow tailLines previous timestamps sinceSeconds gracePeriodSeconds propagationPolicy"
    " ports exact export includeUninitialized sendInitialEvents limitBytes sinceTime orphanDependents".split()
)
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z-]{0,30}")
_SIMPLE_QUERY = re.compile(r"[A-Za-z]+=[A-Za-z0-9_.~,:/-]*(?:&[A-Za-z]+=[A-Za-z0-9_.~,:/-]*)*")
_NAME_BEFORE = re.compile(r"([A-Za-z]+)=")
_SPEAKING_REASONS = frozenset(
    "Forbidden NotFound AlreadyExists Conflict Unauthorized MethodNotAllowed Timeout ServerTimeout Expired"
    " Gone TooManyRequests ServiceUnavailable".split()
)
_REPEATS = re.compile(
    r"(?i)denied (the )?request:|(invalid|unsupported|duplicate) value|error found in|exec:"
)
_TOLD = re.compile(
    r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"  # a bootstrap token
    r"|\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"  # a JWT
    r"|(?i:\b(bearer|basic)\s+)[A-Za-z0-9+/=._~-]{6,}"
)
_TOKENS_END = re.compile(r"\.[a-z0-9]{16}\b")
_SHORTEST_BLOB = 60
_BLOB = re.compile(r"(?=.*[^0-9a-fA-F])[A-Za-z0-9+/_-]{60,}={0,2}")
_TELLING_ANNOTATION = re.compile(
    r"(?i)applied|original|secret|passw|token|credential|private|inject-template"
)
LONGEST_KNOWN_NAME = 128
"""Of longer names nothing is remembered."""

is_simple = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:/-]{0,58}").fullmatch
"""Of a text that is one word like this nothing is taken out."""

_LONGEST_TEXT = 2_048
_LONGEST_ANNOTATION = 1_024
_MAX_DEPTH = 60

Cleaner = Callable[[Any], Any]


def tells_secret(name: str) -> bool:
    """Whether a member of this name holds a secret wherever it stands, as far as its name says it."""
    return _tells(name) if len(name) <= LONGEST_KNOWN_NAME else bool(_SECRET_NAME.match(name))


@lru_cache(maxsize=8_192)
def _tells(name: str) -> bool:
    return bool(_SECRET_NAME.match(name))


def clean_uri(uri: str) -> str:
    """The path, and the parameters that are known to be harmless; the others lose their values.

    A command run in a container stands in the parameters of its request, and what follows `/proxy/`
    belongs to somebody else's protocol.
    """
    path, mark, query = uri.partition("?")
    before, proxied, _ = path.partition("/proxy/")
    path = f"{before}/proxy/{HIDDEN}" if proxied else _untold(_unescaped_end(path))
    if not mark:
        return path
    if proxied:
        return f"{path}?{HIDDEN}"
    if _SIMPLE_QUERY.fullmatch(query) and _HARMLESS_PARAMETERS.issuperset(_NAME_BEFORE.findall(query)):
        return f"{path}?{query}"
    kept = [
        (name, value if name in _HARMLESS_PARAMETERS else HIDDEN)
        for name, value in parse_qsl(query, keep_blank_values=True)
        if name in _HARMLESS_PARAMETERS or (value and _PARAMETER.fullmatch(name))
    ]
    hidden = "" if len(kept) == len(query.split("&")) else f"{'&' if kept else ''}{HIDDEN}"
    return f"{path}?{urlencode(kept, safe='[]=,:/')}{hidden}"


def _unescaped_end(path: str) -> str:
    """A path in which a question mark was escaped ends there as well."""
    at = path.lower().find("%3f")
    return path if at < 0 else path[:at] + HIDDEN


def clean_message(text: str, reason: str = "") -> str:
    """A message up to where it repeats what was sent."""
    found = _REPEATS.search(text)
    if found:
        text = text[: found.end()] + " " + HIDDEN
    elif reason and reason not in _SPEAKING_REASONS:
        head, colon, _ = text.partition(": ")
        text = f"{head}: {HIDDEN}" if colon else text
    return clean_text(text)


def clean_text(text: str) -> str:
    """A text without tokens of known form and without the parameters of addresses.

    A text of several lines is somebody's file (a script, a manifest, a certificate), and a long one
    without blanks is one as well: neither is kept.
    """
    if len(text) < 8:
        return text
    if "\n" in text or (len(text) >= _SHORTEST_BLOB and (len(text) > _LONGEST_TEXT or _BLOB.fullmatch(text))):
        return HIDDEN
    if "?" in text and (text[0] == "/" or "://" in text):
        text = text.partition("?")[0] + "?" + HIDDEN
    return _untold(text)


def _untold(text: str) -> str:
    """Without tokens of known form."""
    return _TOLD.sub(HIDDEN, text) if _may_tell(text) else text


def _may_tell(text: str) -> bool:
    """Whether a text may have a token of known form in it: quicker than to look for one, and never no where
    one is. Every form has a point or a blank in it, and most texts of an object have neither."""
    if "." in text and ("eyJ" in text or _TOKENS_END.search(text)):
        return True
    if len(text.split(None, 1)) == 1:
        return False
    # Letters beyond ASCII may count as ones of these words.
    return not text.isascii() or "bearer" in (low := text.lower()) or "basic" in low


def clean_inner(text: str, clean: Cleaner) -> str | None:
    """A text that is an object or a list in JSON, cleaned as such; None for another text.

    What begins like one and is none, perhaps because it was cut off, is hidden.
    """
    if "!" <= text[:1] <= "z" and text[0] != "[":  # the most of them; there is no blank in this range
        return None
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        inner = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return HIDDEN if '"' in text else None
    return msgspec.json.encode(clean(inner)).decode() if isinstance(inner, (dict, list)) else None


def clean_annotation(name: str, text: str, clean: Cleaner) -> str:
    """The object once more, as many tools keep it in an annotation, is cleaned like the object itself."""
    inner = clean_inner(text, clean)
    if inner is not None:
        return inner
    telling = _is_telling(name) if len(name) <= LONGEST_KNOWN_NAME else bool(_TELLING_ANNOTATION.search(name))
    if len(text) > _LONGEST_ANNOTATION or telling or tells_secret(name):
        return HIDDEN
    return clean_text(text)


@lru_cache(maxsize=8_192)
def _is_telling(name: str) -> bool:
    return bool(_TELLING_ANNOTATION.search(name))


def without_leaves(value: Any, depth: int = 0) -> Any:
    """The names in a value; every text and number in it is hidden."""
    if isinstance(value, dict) and depth < _MAX_DEPTH:
        return {str(name): without_leaves(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list) and depth < _MAX_DEPTH:
        return [without_leaves(item, depth + 1) for item in value[:1]] if value else []
    return value if value is None or isinstance(value, bool) else HIDDEN


def scalar(value: Any) -> Any:
    """A value that should have no parts; one that has loses them."""
    return without_leaves(value) if isinstance(value, (dict, list)) else value
