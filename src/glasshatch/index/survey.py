"""How far an index is, read off its rows: there is no watermark beside them that could disagree."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Unavailable
from .engine import Engine
from .schema import TABLE

TAIL_ROWS = 40_000
"""Rows beyond a watermark come from one batch that was cut short, so this is more than there can be."""


class Holed(Unavailable):
    """Rows are missing or doubled, which no crash explains: the index is made anew."""


def survey(engine: Engine, minimums: Mapping[str, int]) -> tuple[dict[str, int], set[tuple[str, int]]]:
    """Of each ledger the first entry without a row, and the entries after it that have one.

    Raises:
        Holed: The index has to be made anew.
    """
    marks = dict(minimums)
    beyond: set[tuple[str, int]] = set()
    for ledger, count, highest in engine.select(
        f"SELECT ledger, count(), max(`index`) FROM {TABLE} GROUP BY ledger"  # noqa: S608
    ):
        marks[ledger], later = _survey_ledger(engine, ledger, count, highest, minimums.get(ledger, 0))
        beyond |= {(ledger, index) for index in later}
    return marks, beyond


def _survey_ledger(
    engine: Engine, ledger: str, count: int, highest: int, minimum: int
) -> tuple[int, set[int]]:
    if count == highest + 1 - minimum:
        return highest + 1, set()
    low = max(minimum, highest - TAIL_ROWS + 1)
    tail = {
        index
        for (index,) in engine.select(
            f"SELECT `index` FROM {TABLE} WHERE ledger = {{ledger:String}} AND `index` >= {{low:Int64}}"  # noqa: S608
            " ORDER BY `index`",
            {"ledger": ledger, "low": low},
        )
    }
    below = count - len(tail)
    missing = next((index for index in range(low, highest + 1) if index not in tail), highest + 1)
    if below != low - minimum or len(tail) > TAIL_ROWS:
        raise Holed("the index has a hole or doubles", hint="it is made anew")
    return missing, {index for index in tail if index > missing}
