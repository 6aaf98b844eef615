"""Which kernels are at work, for rows, scans and events: the compiled ones, or their twins in Python.

`GLASSHATCH_KERNEL=python` in the environment forces the twin.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from . import rowtwin, scantwin

if TYPE_CHECKING:
    from .rowtwin import Memo, Splicer, run_of
    from .scantwin import Collector, Rules, codes, dense, made, resolve, rewritten, runs, splice

__all__ = [
    "EVENTS",
    "KERNEL",
    "SCAN_KERNEL",
    "STAMP",
    "Collector",
    "Memo",
    "Rules",
    "Splicer",
    "codes",
    "dense",
    "made",
    "resolve",
    "rewritten",
    "run_of",
    "runs",
    "splice",
]  # fmt: skip


def _compiled(name: str, format: int) -> Any:
    """A compiled kernel; None if it is not there, or was made from another source than this."""
    if os.environ.get("GLASSHATCH_KERNEL") == "python":
        return None
    try:
        found = importlib.import_module(f".{name}", __package__)
    except ImportError:
        return None
    return found if getattr(found, "FORMAT", 0) == format else None


_found = _compiled("rowkernel", rowtwin.FORMAT)
_scan = _compiled("scankernel", scantwin.FORMAT)
SCAN_KERNEL = "python" if _scan is None else "compiled"
"""`compiled` or `python`."""
KERNEL = "python" if _found is None else "compiled"
"""`compiled` or `python`."""

STAMP: Any = None if _found is None else _found.Stamp
"""Makes tokens of values of ASCII, many at a time; None where there is no compiled kernel."""

EVENTS: Any = _compiled("eventkernel", 2)
"""Redacts encoded events; None where there is no compiled kernel. Its twin is `eventfields`, over the event
itself; the number changes with the interface."""

if not TYPE_CHECKING:
    Memo = rowtwin.Memo
    Splicer = (_found or rowtwin).Splicer
    run_of = (_found or rowtwin).run_of
    Collector = (_scan or scantwin).Collector
    Rules = (_scan or scantwin).Rules
    resolve = (_scan or scantwin).resolve
    codes = (_scan or scantwin).codes
    dense = (_scan or scantwin).dense
    runs = (_scan or scantwin).runs
    made = (_scan or scantwin).made
    rewritten = (_scan or scantwin).rewritten
    splice = (_scan or scantwin).splice
