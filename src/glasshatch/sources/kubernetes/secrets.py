"""What an audit event must not keep: contents of Secrets, tokens, environment values, command lines.

These have no form a detector could know: a Secret's value is any base64. So they are found by where they
stand in Kubernetes' objects, before any detector looks at the rest. Where it is not sure, it hides.
"""

from __future__ import annotations

from typing import Any

from .objects import clean_object, mode_of
from .statuses import clean_status
from .texts import HIDDEN, clean_annotation, clean_text, clean_uri, scalar, without_leaves

__all__ = ["HIDDEN", "clean_uri", "without_secrets"]

_SCALARS = frozenset(
    "kind apiVersion level auditID stage verb requestReceivedTimestamp stageTimestamp timestamp".split()
)
_REFERENCE = frozenset("resource namespace name uid apiGroup apiVersion resourceVersion subresource".split())
_USER = frozenset(("username", "uid"))
_HARMLESS_EXTRA = frozenset(
    f"authentication.kubernetes.io/{name}"
    for name in ("pod-name", "pod-uid", "node-name", "node-uid", "credential-id")
)


def without_secrets(audit: dict[str, Any]) -> dict[str, Any]:
    """A copy of an audit event without contents, tokens, environment values and command lines.

    A member of the event that this version does not know loses its values.
    """
    reference = audit.get("objectRef")
    mode = mode_of(*_named(reference)) if isinstance(reference, dict) else "plain"
    return {
        name: value if name in _SCALARS and type(value) is str else _part(name, value, mode)
        for name, value in audit.items()
    }


def _named(reference: dict[str, Any]) -> tuple[str, str]:
    return str(reference.get("resource", "")), str(reference.get("subresource", ""))


def _part(name: str, value: Any, mode: str) -> Any:
    if name in _SCALARS:
        return scalar(value)
    if name in ("requestObject", "responseObject"):
        return clean_object(value, mode)
    if name in ("user", "impersonatedUser"):
        return _user(value)
    if name == "requestURI":
        return clean_uri(value) if isinstance(value, str) else without_leaves(value)
    if name == "userAgent":
        return _told(value)
    if name == "sourceIPs" and isinstance(value, list):
        return [scalar(item) for item in value]
    if name == "objectRef" and isinstance(value, dict):
        return {key: _told(item) if key in _REFERENCE else HIDDEN for key, item in value.items()}
    if name == "responseStatus" and isinstance(value, dict):
        return clean_status(value, mode)
    if name == "annotations" and isinstance(value, dict):
        return {str(key): _annotation(str(key), item) for key, item in value.items()}
    return without_leaves(value)


def _told(value: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else scalar(value)


def _user(value: Any) -> Any:
    """Who asked. What an authenticator adds under `extra` can be anything, a session's token too."""
    if not isinstance(value, dict):
        return without_leaves(value)
    clean: dict[str, Any] = {}
    for name, item in value.items():
        if name in _USER:
            clean[name] = _told(item)
        elif name == "groups" and isinstance(item, list):
            clean[name] = [_told(one) for one in item]
        elif name == "extra" and isinstance(item, dict):
            clean[name] = {
                key: one if key in _HARMLESS_EXTRA else without_leaves(one) for key, one in item.items()
            }
        else:
            clean[name] = without_leaves(item)
    return clean


def _annotation(name: str, value: Any) -> Any:
    """An annotation of the event itself; those of webhooks hold the patch they made, as text."""
    return clean_annotation(name, value, clean_object) if isinstance(value, str) else without_leaves(value)
