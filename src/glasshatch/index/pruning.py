"""Rows of pruned entries go: whole months by dropping their partition, the rest by rewriting parts."""

from __future__ import annotations

from collections.abc import Mapping

from .engine import Engine
from .schema import TABLE


def drop_pruned(engine: Engine, minimums: Mapping[str, int]) -> None:
    """Keep no row of entries below these; a crash in between leaves some, which `count_pruned` finds.

    A partition that holds nothing else is dropped: its files are off the disk at once. Of the others the
    parts are rewritten, and the old ones are off the disk within a minute.
    """
    condition = _pruned(minimums)
    whole = engine.select(
        f"SELECT month FROM {TABLE} GROUP BY month HAVING min({condition}) = 1 ORDER BY month"  # noqa: S608
    )
    for (month,) in whole:
        engine.run(f"ALTER TABLE {TABLE} DROP PARTITION {int(month)}")
    if count_pruned(engine, minimums):
        # Rewritten parts replace the old ones, which would lie on the disk for eight minutes more.
        engine.run(f"ALTER TABLE {TABLE} MODIFY SETTING old_parts_lifetime = 10")
        engine.run(f"ALTER TABLE {TABLE} DELETE WHERE {condition} SETTINGS mutations_sync = 2")


def count_pruned(engine: Engine, minimums: Mapping[str, int]) -> int:
    """How many rows of pruned entries there are."""
    ((count,),) = engine.select(f"SELECT count() FROM {TABLE} WHERE {_pruned(minimums)}")  # noqa: S608
    return int(count)


def _pruned(minimums: Mapping[str, int]) -> str:
    """The condition for rows of pruned entries; the names of ledgers are plain words (`Name`)."""
    return " OR ".join(f"(ledger = '{name}' AND `index` < {below})" for name, below in minimums.items())
