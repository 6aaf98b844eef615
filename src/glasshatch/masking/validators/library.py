"""Checksums of python-stdnum, by the name of their module.

The library is LGPL-2.1-or-later: a package of its own, unmodified, that whoever installs the product may
replace. Nothing of it is copied here.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import lru_cache

from .text import compact

_NAME = re.compile(r"[a-z][a-z0-9]*_?(?:\.[a-z][a-z0-9]*_?)?")


@lru_cache(maxsize=256)
def library_check(name: str) -> Callable[[str], bool]:
    """The check of `stdnum.<name>`: `nl.bsn`, `luhn`.

    Raises:
        ValueError: The library has no such module.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no module of python-stdnum")
    try:
        check = importlib.import_module(f"stdnum.{name}").is_valid
    except (ImportError, AttributeError):
        raise ValueError(f"python-stdnum has no check named {name!r}") from None

    def holds(text: str) -> bool:
        try:
            # A number of one digit repeated passes many checksums and is nobody's.
            bare = compact(text)
            return bool(check(text) or check(bare)) and len(set(bare) & _DIGITS) > 1
        except Exception:
            # The contract of a validator: it never raises, whatever the library thinks of odd input.
            return False

    return holds


_DIGITS = frozenset("0123456789")
