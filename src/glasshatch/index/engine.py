"""What the index asks of a database that speaks ClickHouse's SQL, wherever that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from ..errors import Unavailable
from .arrow import pa

Parameter = str | int | float

EVERY_MONTH = "max_partitions_per_insert_block = 0"
"""A batch may hold entries of any number of months."""

_TOO_MUCH = {159, 160, 241, 307, 396}
"""ClickHouse's codes for a question that takes too long, too much memory, or answers too much."""


class Engine(Protocol):
    """One open database. One thread changes it, several may ask; no error ever holds a value."""

    def run(self, sql: str) -> None:
        """A statement of our own that answers nothing; raises `Unavailable`."""

    def insert(self, table: str, found: pa.Table, token: str) -> None:
        """All rows of an Arrow table, in one block for each partition; raises `Unavailable`.

        The same rows with the same token change nothing, partition by partition: whoever does not know
        what became of an insert repeats it.
        """

    def select(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query; every value from outside is a bound parameter (`{name:Type}`).

        Raises:
            Unavailable: The query took too much time or memory, too many others run, the server is away,
                or the files are damaged.
        """

    def close(self) -> None:
        """Let the database go, after the questions that run."""


def limits(memory_mib: int) -> str:
    """What one question may take, and all together, as settings of a query."""
    return (
        f"max_execution_time = 20, max_memory_usage = {memory_mib * 3 // 4 * 2**20},"
        f" max_memory_usage_for_user = {memory_mib * 2**20}, max_result_rows = 200000,"
        " max_result_bytes = 268435456, max_threads = 2,"
        # Else a number in a text is read a little beside itself, and compares otherwise than in Python.
        " precise_float_parsing = 1"
    )


def code_of(error: Exception) -> int:
    """ClickHouse's number of an error; 0 if it has none."""
    told = getattr(error, "code", None)
    if isinstance(told, int):
        return told
    found = re.search(r"Code: (\d+)", str(error))
    return int(found[1]) if found else 0


def failed(what: str, error: Exception) -> Unavailable:
    """An error to pass on. ClickHouse's own words repeat the query and its values: only its code is told."""
    code = code_of(error)
    if code in _TOO_MUCH:
        return Unavailable(
            "the question takes too long or too much memory", hint="narrow it, above all in time"
        )
    return Unavailable(
        f"the index cannot be {what} (ClickHouse error {code or 'unknown'})",
        hint="glasshatch index rebuild makes it anew",
    )


def rows_of(answer: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of an Arrow table as plain values."""
    return list(zip(*(column.to_pylist() for column in answer.columns), strict=True))
