"""Secrets that people type: at the terminal without being shown, or as lines of standard input in a
script."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from ..errors import ConfigError


def ask_secret(what: str) -> str:
    """One secret. At a terminal it is asked for and not shown; otherwise it is the next line of standard
    input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{what}: ", stream=sys.stderr)
    return sys.stdin.readline().rstrip("\r\n")


def ask_new_secret(what: str) -> str:
    """A secret that is new, so that a person types it twice.

    Raises:
        ConfigError: The two differ.
    """
    first = ask_secret(what)
    if sys.stdin.isatty() and ask_secret(f"{what}, again") != first:
        raise ConfigError("the two are not the same", key=what.lower(), hint="give the command again")
    return first


def read_text(file: Path) -> str:
    """A small file that is no secret."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=str(file)) from None
