"""Which row kernel is at work: the compiled one, or its twin in Python.

`GLASSHATCH_KERNEL=python` in the environment forces the twin.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from . import rowtwin

if TYPE_CHECKING:
    from .rowtwin import Memo, Splicer, run_of

__all__ = ["KERNEL", "Memo", "Splicer", "run_of"]


def _compiled() -> Any:
    """The compiled kernel; None if it is not there, or was made from another source than this."""
    if os.environ.get("GLASSHATCH_KERNEL") == "python":
        return None
    try:
        found = importlib.import_module(".rowkernel", __package__)
    except ImportError:
        return None
    return found if getattr(found, "FORMAT", 0) == rowtwin.FORMAT else None


_found = _compiled()
KERNEL = "python" if _found is None else "compiled"
"""`compiled` or `python`."""

if not TYPE_CHECKING:
    Memo = rowtwin.Memo
    Splicer = (_found or rowtwin).Splicer
    run_of = (_found or rowtwin).run_of
