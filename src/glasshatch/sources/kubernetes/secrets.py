"""What an audit event must not keep: contents of Secrets, tokens, environment values, command lines.

These have no form a detector could know: a Secret's value is any base64. So they are found by where they
stand in Kubernetes' objects, before any detector looks at the rest.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

HIDDEN = "[REDACTED]"

_CONTENT_KINDS = frozenset({"secret", "secretlist", "configmap", "configmaplist"})
_CONTENT_RESOURCES = frozenset({"secrets", "configmaps"})
_TOKEN_RESOURCES = frozenset({"tokenreviews", "tokenrequests", "certificatesigningrequests"})
_CONTENTS = frozenset({"data", "stringdata", "binarydata"})
_COMMANDS = frozenset({"command", "args"})
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOISE = frozenset({"managedFields"})
_SECRET_NAME = re.compile(
    r"(?i)^(.*(password|passwd|passphrase|secret[-_]?key|api[-_]?key|access[-_]?key|private[-_]?key|client[-_]?secret)"
    r"|(.*[-_])?token|bearer|authorization|credentials?)$"
)
_HARMLESS_PARAMETERS = frozenset(
    "watch limit continue resourceVersion resourceVersionMatch timeout timeoutSeconds pretty fieldManager"
    " fieldValidation dryRun force allowWatchBookmarks labelSelector fieldSelector container stdin stdout"
    " stderr tty follow tailLines previous timestamps sinceSeconds gracePeriodSeconds propagationPolicy"
    " ports exact export includeUninitialized".split()
)
_MAX_DEPTH = 60


def without_secrets(audit: dict[str, Any]) -> dict[str, Any]:
    """A copy of an audit event without contents, tokens, environment values and command lines."""
    reference = audit.get("objectRef")
    resource = str(reference.get("resource", "")) if isinstance(reference, dict) else ""
    inner = str(reference.get("subresource", "")) if isinstance(reference, dict) else ""
    contents = resource in _CONTENT_RESOURCES
    tokens = resource in _TOKEN_RESOURCES or inner == "token"
    clean: dict[str, Any] = {}
    for name, value in audit.items():
        if name in ("requestObject", "responseObject"):
            clean[name] = _tokens_out(value, 0) if tokens else _clean(value, contents, 0)
        elif name == "requestURI" and isinstance(value, str):
            clean[name] = clean_uri(value)
        elif name == "responseStatus" and isinstance(value, dict) and (contents or tokens):
            # A refusal of an invalid value repeats it.
            clean[name] = {
                key: HIDDEN if key in ("message", "details") else item for key, item in value.items()
            }
        elif name == "annotations":
            clean[name] = _clean(value, False, 0)
        else:
            clean[name] = value
    return clean


def clean_uri(uri: str) -> str:
    """The path, and the parameters that are known to be harmless; the others lose their values.

    A command run in a container stands in the parameters of its request, and what follows `/proxy/`
    belongs to somebody else's protocol.
    """
    path, mark, query = uri.partition("?")
    before, proxied, _ = path.partition("/proxy/")
    path = f"{before}/proxy/{HIDDEN}" if proxied else path
    if not mark:
        return path
    if proxied:
        return f"{path}?{HIDDEN}"
    parameters = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value if name in _HARMLESS_PARAMETERS else HIDDEN) for name, value in parameters]
    return f"{path}?{urlencode(kept, safe='[]=,:/')}"


def _clean(value: Any, contents: bool, depth: int) -> Any:
    """A part of an object; `contents` says that its data is secret, as of a Secret or a ConfigMap."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, list):
        return [_clean_step(item, contents, depth) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    contents = contents or (isinstance(kind, str) and kind.lower() in _CONTENT_KINDS)
    return {name: _member(name, item, contents, depth) for name, item in value.items() if name not in _NOISE}


def _clean_step(item: Any, contents: bool, depth: int) -> Any:
    """An item of a list; a step of a JSON patch says in its path what its value is."""
    if isinstance(item, dict) and "op" in item and isinstance(item.get("path"), str):
        touched = [part for part in item["path"].split("/") if part]
        if contents or any(_hides(part) for part in touched):
            return {name: HIDDEN if name == "value" else part for name, part in item.items()}
    return _clean(item, contents, depth + 1)


def _hides(part: str) -> bool:
    return part in _COMMANDS or part in ("env", "annotations") or bool(_SECRET_NAME.match(part))


def _member(name: str, item: Any, contents: bool, depth: int) -> Any:
    if contents and name.lower() in _CONTENTS:
        return dict.fromkeys(item, HIDDEN) if isinstance(item, dict) else HIDDEN
    if name in _COMMANDS:
        return [HIDDEN] if isinstance(item, list) else HIDDEN
    if name == "env" and isinstance(item, list):
        return [_variable(one, depth) for one in item]
    if name == _APPLIED:
        return _applied(item, contents)
    if isinstance(item, str) and _SECRET_NAME.match(name):
        return HIDDEN
    return _clean(item, contents, depth + 1)


def _variable(one: Any, depth: int) -> Any:
    if not isinstance(one, dict):
        return HIDDEN
    return {name: HIDDEN if name == "value" else _clean(item, False, depth + 2) for name, item in one.items()}


def _applied(item: Any, contents: bool) -> Any:
    """The object once more as text, in an annotation; cleaned like the object itself."""
    try:
        inner = msgspec.json.decode(item)
    except (msgspec.DecodeError, TypeError, RecursionError):
        return HIDDEN
    return msgspec.json.encode(_clean(inner, contents, 1)).decode()


def _tokens_out(value: Any, depth: int) -> Any:
    """An object that is about a token or a certificate: only what says whose it is stays."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {
            name: HIDDEN
            if isinstance(item, str) and name in ("token", "request", "certificate", "error")
            else _tokens_out(item, depth + 1)
            for name, item in value.items()
            if name not in _NOISE
        }
    return [_tokens_out(item, depth + 1) for item in value] if isinstance(value, list) else value
