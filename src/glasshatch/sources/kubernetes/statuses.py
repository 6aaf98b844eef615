"""What the API server answers when it refuses: it repeats what it refuses."""

from __future__ import annotations

from typing import Any

from .texts import HIDDEN, clean_message, scalar, without_leaves

_PLAIN = frozenset("kind apiVersion status reason code metadata".split())
_DETAILS = frozenset("name group kind uid retryAfterSeconds".split())


def clean_status(value: dict[str, Any], mode: str) -> dict[str, Any]:
    """A refusal repeats what it refuses: the names stay, the values go."""
    reason = value.get("reason")
    clean: dict[str, Any] = {}
    for name, item in value.items():
        if name == "message":
            hide = mode != "plain" or not isinstance(item, str)
            clean[name] = HIDDEN if hide else clean_message(item, str(reason or ""))
        elif name == "details" and isinstance(item, dict):
            clean[name] = _details(item)
        elif name in _PLAIN:
            clean[name] = scalar(item)
        else:
            clean[name] = without_leaves(item)
    return clean


def _details(value: dict[str, Any]) -> dict[str, Any]:
    clean = {name: scalar(item) for name, item in value.items() if name in _DETAILS}
    causes = value.get("causes")
    if isinstance(causes, list):
        clean["causes"] = [
            {name: scalar(item) if name in ("reason", "field") else HIDDEN for name, item in cause.items()}
            for cause in causes
            if isinstance(cause, dict)
        ]
    return clean
