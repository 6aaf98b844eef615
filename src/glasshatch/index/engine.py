"""chDB in this process: one connection for one directory, bound parameters, bounded queries."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import chdb
import pyarrow as pa

from ..errors import Conflict, Unavailable

Parameter = str | int | float
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"}
)
_LIMITS = "max_execution_time = 30, max_memory_usage = 2000000000, max_result_rows = 200000, max_threads = 2"
_EVERY_MONTH = "SETTINGS max_partitions_per_insert_block = 0"
_open_here: set[Path] = set()
_registry = threading.Lock()


class Engine:
    """One open database. chDB has one storage place in a process, so only one may be open at a time."""

    def __init__(self, directory: Path) -> None:
        """Open or make the database.

        Raises:
            Conflict: This process has another one open.
            Unavailable: The files cannot be used; the index can be made anew.
        """
        with _registry:
            if _open_here:
                raise Conflict("an index is already open in this process", hint="close it first")
            try:
                self._connection = chdb.connect(str(directory))
            except Exception as error:
                raise _failed("opened", error) from None
            _open_here.add(directory)
        self._directory = directory

    def run(self, sql: str) -> None:
        """A statement of our own that answers nothing."""
        try:
            self._connection.query(sql)
        except Exception as error:
            raise _failed("changed", error) from None

    def insert(self, table: str, found: pa.Table) -> None:
        """All rows of an Arrow table, in one block for each partition."""
        # chDB finds the table by the name of this variable.
        batch = found  # noqa: F841
        self.run(f"INSERT INTO {table} SELECT * FROM Python(batch) {_EVERY_MONTH}")  # noqa: S608

    def select(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query; every value from outside is a bound parameter (`{name:Type}`).

        Raises:
            Unavailable: The query took too much time or memory, or the files are damaged.
        """
        bound = {name: _escaped(value) for name, value in (parameters or {}).items()}
        try:
            answer = self._connection.query(f"{sql} SETTINGS {_LIMITS}", "ArrowStream", params=bound)
            data = answer.bytes()
        except Exception as error:
            raise _failed("searched", error) from None
        if not data:
            return []
        columns = [column.to_pylist() for column in pa.ipc.open_stream(data).read_all().columns]
        return list(zip(*columns, strict=True))

    def close(self) -> None:
        """Let the directory go."""
        with _registry:
            if self._directory in _open_here:
                self._connection.close()
                _open_here.discard(self._directory)


def _escaped(value: Parameter) -> Parameter:
    return value.translate(_ESCAPES) if isinstance(value, str) else value


def _failed(what: str, error: Exception) -> Unavailable:
    # ClickHouse's message repeats the query and its values; only its code is passed on.
    found = re.search(r"Code: (\d+)", str(error))
    number = found[1] if found else "unknown"
    if number in ("159", "160", "241", "396"):
        return Unavailable(
            "the question takes too long or too much memory", hint="narrow it, above all in time"
        )
    return Unavailable(
        f"the index cannot be {what} (ClickHouse error {number})",
        hint="glasshatch index rebuild makes it anew",
    )
