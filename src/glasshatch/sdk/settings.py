"""What a recorder is told: its token, its key, and words that become parts of events."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..events import Actor, Outcome, Resource, foreign

Token = str | Path | Callable[[], str]

_SAFE_INTEGER = 2**53 - 1
_OUTCOMES = {word: Outcome(status=word) for word in ("success", "failure", "unknown")}


@lru_cache(1_024)
def actor_of(text: str) -> Actor:
    """An actor of which only an id is known."""
    return Actor(id=text, name=text)


@lru_cache(1_024)
def resource_of(text: str) -> Resource:
    """`type/name`, or a thing of no type."""
    kind, slash, name = text.partition("/")
    return Resource(type=kind, id=text, name=name) if slash else Resource(type="thing", id=text, name=text)


def outcome_of(text: str) -> Outcome:
    """An outcome by its word; raises `ConfigError` for another one."""
    try:
        return _OUTCOMES[text]
    except KeyError:
        raise ConfigError("an outcome is success, failure or unknown", key="outcome") from None


def plain(attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes as they may stand in an event; mostly they may as they are, which is told fast."""
    for name, value in attrs.items():
        kind = type(value)
        if not name.isascii() or not (
            (kind is str and value.isascii())
            or (kind is int and -_SAFE_INTEGER <= value <= _SAFE_INTEGER)
            or kind is bool
        ):
            return _foreign(attrs)
    return attrs


def _foreign(attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes as JSON has them; what cannot be read is no reason to break who records."""
    try:
        found: dict[str, Any] = foreign(attrs)
    except Exception:
        if len(attrs) != 1:
            return {
                name: item for one, value in attrs.items() for name, item in _foreign({one: value}).items()
            }
        ((name, value),) = attrs.items()
        found = foreign({name: f"[UNREADABLE {type(value).__name__}]"})
    return found


def token_of(given: Token) -> Callable[[], str]:
    """What reads the token anew each time: a function, a file, or the environment."""
    if callable(given):
        return given
    if given:
        return lambda: _read_private(Path(given))
    return _token_of_environment


def key_of(reference: str) -> bytes:
    """32 bytes by `env:NAME` or `file:PATH`; none for none.

    Raises:
        ConfigError: There are not 32 bytes in hexadecimal.
    """
    if not reference:
        return b""
    kind, _, rest = reference.partition(":")
    text = os.environ.get(rest, "") if kind == "env" else _read_private(Path(rest)) if kind == "file" else ""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(
            "the spool's key is not 32 bytes in hexadecimal", key="key", hint="write env:NAME or file:PATH"
        )
    return key


def warn(text: str) -> None:
    """Tell of trouble where nobody else is asked to."""
    warnings.warn(f"glasshatch: {text}", RuntimeWarning, stacklevel=2)


def _token_of_environment() -> str:
    text, file = os.environ.get("GLASSHATCH_TOKEN", "").strip(), os.environ.get("GLASSHATCH_TOKEN_FILE", "")
    return _read_private(Path(file)) if file and not text else text


def _read_private(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError("can be read by others", file=str(path), hint=f"chmod 600 {path}")
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=str(path)) from None
