"""Clearing the stage: what the demo made is removed wherever it lies, and nothing else is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ...errors import ConfigError
from ..postgres import LocalPostgres

_OURS = {"postgres", "glasshatch", "tokens", "spools", "shop.secret", "hook.secret", "server.log"}


def reset(root: Path) -> None:
    """Remove everything the demo made under `root`, and nothing that is not the demo's.

    What the database of a closed directory stores elsewhere goes too.

    Raises:
        ConfigError: The directory holds something else, so nothing is removed.
        Conflict: The demo still runs, so nothing is removed.
    """
    if not root.exists():
        return
    strange = {entry.name for entry in root.iterdir()} - _OURS
    if strange:
        raise ConfigError("holds files that are not the demo's", file=str(root), hint="remove it by hand")
    if (root / "postgres").exists():
        LocalPostgres(root / "postgres", os.urandom).discard()
    shutil.rmtree(root)
