"""Triggers: where any of many expressions hits, in one pass over a batch.

Two engines do the same: Hyperscan, which is compiled and cached on disk, and google-re2 where Hyperscan
is not installed, cannot be loaded or the processor lacks SSSE3. `GLASSHATCH_TRIGGERS=re2` in the
environment, or `hyperscan`, forces one.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Protocol

from ...errors import ConfigError
from ..kernel import Collector

Hit = tuple[int, int]
"""A trigger's number and the offset at which its hit ends."""

NAMES = {"hyperscan": "vector", "re2": "automata"}
"""The engines in order of preference, with the module of each."""


class Triggers(Protocol):
    """Compiled expressions. Any thread may ask at any time; the interpreter lock is free meanwhile."""

    def hits(self, data: bytes, limit: int) -> list[Hit]:
        """Every hit in the data, by its end.

        Raises:
            OverflowError: More hits than `limit`.
        """
        ...

    def collect(self, data: bytes, limit: int) -> Collector:
        """Every hit in the data as the kernel keeps them, which makes nothing of each; raises the same."""
        ...


def open_triggers(
    expressions: Sequence[str], exact_from: int, cache_dir: Path | None, *, keep: bool = True
) -> Triggers:
    """Compile the expressions, or take them from the cache of a private directory.

    Args:
        exact_from: Expressions from this number on distinguish upper from lower case.
        keep: False for what is looked at once: it would drive out of the caches what takes seconds.

    Raises:
        ConfigError: An expression does not compile; the cache may be written by others; or there is no
            engine to run them.
    """
    opened: Triggers = trigger_engine().open_triggers(expressions, exact_from, cache_dir, keep)
    return opened


def trigger_error(expression: str) -> str:
    """Why an expression is refused, or an empty string."""
    try:
        trigger_engine().open_triggers([expression], 1, None, keep=False)
    except ConfigError as error:
        return error.message
    return ""


def trigger_engine() -> ModuleType:
    """The engine that is at work here.

    Raises:
        ConfigError: None can be loaded, or the environment names one that does not exist.
    """
    return _engine(os.environ.get("GLASSHATCH_TRIGGERS", ""))


@lru_cache(maxsize=4)
def _engine(wanted: str) -> ModuleType:
    if wanted and wanted not in NAMES:
        raise ConfigError(
            f"there is no trigger engine {wanted!r}", key="GLASSHATCH_TRIGGERS", hint=", ".join(NAMES)
        )
    for name in [wanted] if wanted else NAMES:
        if name == "hyperscan" and not wanted and not _has_vectors():
            continue
        try:
            return importlib.import_module(f".{NAMES[name]}", __package__)
        except ImportError:
            continue
    raise ConfigError(
        f"{wanted or 'neither hyperscan nor google-re2'} cannot be loaded, so nothing can be scanned",
        key="masking", hint="pip install 'glasshatch[mask]'",
    )  # fmt: skip


def _has_vectors() -> bool:
    """Whether the processor has what Hyperscan is compiled for: without SSSE3 it would be killed."""
    if platform.machine().lower() not in ("x86_64", "amd64", "i686") or sys.platform != "linux":
        return True
    return "ssse3" in cpu_flags().split()


@lru_cache(maxsize=1)
def cpu_flags() -> str:
    """What the processor can do, as Linux tells it; elsewhere its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
