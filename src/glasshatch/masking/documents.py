"""Values of a JSON document that masking rules name by their path: taken out, masked apart, and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .choosing import MaskingView
from .engine import Finding
from .operators import masked
from .telling import told_by
from .tokens import Tokens

Place = tuple[int, ...]
"""Where a value stands, by the position of each member and element: names may change on the way."""

Find = Callable[[Sequence[str]], list[list[Finding] | None]]

_DEEPEST = 64


class _Moved(Exception):
    """A document has another shape than before."""


def take_out(
    document: Any, view: MaskingView, column: str, find: Find, tokens: Tokens
) -> tuple[Any, list[tuple[Place, Any]]]:
    """The document with None for what path rules speak of, and what shall stand in those places.

    A value in which a secret is found, or that cannot be scanned, stays where it is.
    """
    found: list[tuple[Place, str, str, Any]] = []
    _leaves(document, "", "", (), found)
    puts: list[tuple[Place, Any]] = []
    for place, path, name, value in found:
        type = told_by(name)
        chosen = view.placed(type, column=column, path=path)
        if chosen is None or type == "SECRET":
            continue
        scanned = find([str(value)])[0]
        if scanned is None or any(one.type == "SECRET" for one in scanned):
            continue
        type = type or (scanned[0].type if scanned else "TEXT")
        shown = value if chosen.operator == "keep" else masked(chosen, type, str(value), tokens)
        puts.append((place, shown))
    for place, _ in puts:
        document = put(document, place, None)
    return document, puts


def put(document: Any, place: Place, value: Any) -> Any:
    """The document with another value in one place.

    Raises:
        ValueError: There is no such place.
    """
    try:
        return _put(document, place, value)
    except _Moved:
        raise ValueError("the document has another shape") from None


def _put(document: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    at, rest = place[0], place[1:]
    if isinstance(document, dict) and at < len(document):
        name = list(document)[at]
        return {**document, name: _put(document[name], rest, value)}
    if isinstance(document, list) and at < len(document):
        return [*document[:at], _put(document[at], rest, value), *document[at + 1 :]]
    raise _Moved


def _leaves(value: Any, path: str, name: str, place: Place, found: list[tuple[Place, str, str, Any]]) -> None:
    if len(place) > _DEEPEST:
        return
    if isinstance(value, dict):
        for at, (key, item) in enumerate(value.items()):
            _leaves(item, f"{path}.{key}" if path else str(key), str(key), (*place, at), found)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            _leaves(item, path, name, (*place, at), found)
    elif path and value is not None and not isinstance(value, bool):
        found.append((place, path, name, value))
