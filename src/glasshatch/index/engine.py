"""chDB in this process: one directory, one writing connection, a few reading ones, bounded questions."""

from __future__ import annotations

import contextlib
import io
import queue
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import chdb

from ..errors import Conflict, Unavailable
from .arrow import pa

Parameter = str | int | float
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"}
)
# A connection works on one query at a time, so each reader is a place for one question: however many are
# asked, no more than these run, and inserting never waits for any of them.
_READERS = 3
_PATIENCE_SECONDS = 10.0
_LIMITS = (
    "max_execution_time = 20, max_memory_usage = 1500000000, max_result_rows = 200000,"
    " max_result_bytes = 268435456, max_threads = 2"
)
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
                self._writer = chdb.connect(str(directory))
                self._readers: queue.Queue[Any] = queue.Queue()
                for _ in range(_READERS):
                    self._readers.put(chdb.connect(str(directory)))
            except Exception as error:
                raise _failed("opened", error) from None
            _open_here.add(directory)
        self._directory = directory
        self._closed = False

    def run(self, sql: str) -> None:
        """A statement of our own that answers nothing."""
        try:
            self._writer.query(sql)
        except Exception as error:
            raise _failed("changed", error) from None

    def insert(self, table: str, found: pa.Table) -> None:
        """All rows of an Arrow table, in one block for each partition."""
        # As a stream, and not with chDB's `Python()`: to plan the select over every column took longer than
        # to insert (measured: 1,000 rows 94 against 44 ms, a hundred 54 against 37).
        data = io.BytesIO()
        with pa.ipc.new_stream(data, found.schema) as stream:
            stream.write_table(found)
        try:
            with self._writer.send_insert(f"INSERT INTO {table} {_EVERY_MONTH}", "ArrowStream") as insert:
                insert.append(data.getvalue())
                insert.finish()
        except Exception as error:
            raise _failed("changed", error) from None

    def select(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query; every value from outside is a bound parameter (`{name:Type}`).

        Raises:
            Unavailable: The query took too much time or memory, too many others run, or the files
                are damaged.
        """
        bound = {name: _escaped(value) for name, value in (parameters or {}).items()}
        with self._reader() as connection:
            try:
                answer = connection.query(f"{sql} SETTINGS {_LIMITS}", "ArrowStream", params=bound)
                data = answer.bytes()
            except Exception as error:
                raise _failed("searched", error) from None
        if not data:
            # Even no rows have a schema: nothing at all is a failure that chDB did not tell.
            raise _failed("searched", RuntimeError())
        columns = [column.to_pylist() for column in pa.ipc.open_stream(data).read_all().columns]
        return list(zip(*columns, strict=True))

    def close(self) -> None:
        """Let the directory go, after the questions that run."""
        with _registry:
            if self._closed:
                return
            self._closed = True
            for _ in range(_READERS):
                self._readers.get().close()
            self._writer.close()
            _open_here.discard(self._directory)

    @contextlib.contextmanager
    def _reader(self) -> Iterator[Any]:
        if self._closed:
            raise Unavailable("the index is closed")
        try:
            connection = self._readers.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            raise Unavailable("too many questions are asked at once", hint="try again in a moment") from None
        try:
            yield connection
        finally:
            self._readers.put(connection)


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
