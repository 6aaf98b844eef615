"""Rows by the compiled kernel; what it leaves out, and all where it is not built, is read in Python."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from .arrow import pa
from .columnplan import told
from .columns import words

FORMAT = 1
"""What the kernel must have been built from."""

Entry = tuple[str, int, bytes]
"""An entry of the record: its ledger, its index there, its bytes."""

_OPEN = pa.map_(pa.string(), pa.list_(pa.string()))


@cache
def kernel() -> Any:
    """The compiled module; None if it is not there, is another version's, or is not wanted."""
    if os.environ.get("GLASSHATCH_KERNEL") == "python":
        return None
    try:
        found = importlib.import_module(".columnkernel", __package__)
    except ImportError:
        return None
    return found if getattr(found, "FORMAT", 0) == FORMAT else None


@cache
def _plan() -> Any:
    return kernel().Plan(told())


def compiled_rows(
    tenant: str,
    entries: Sequence[Entry],
    schema: pa.Schema,
    in_python: Callable[[Sequence[Entry]], pa.Table],
) -> pa.Table:
    """A row for each entry, in their order; `in_python` makes the rows of those that the kernel leaves out.

    Raises:
        OverflowError: The entries are too many for one table.
    """
    columns = kernel().Columns(_plan(), _line, secrets.randbits(62))
    odd = columns.take(entries)
    count, buffers = columns.columns()
    found = _table(tenant, count, buffers, schema)
    if not odd:
        return found
    return _woven(found, odd, in_python([entries[place] for place in odd]))


def _line(text: str) -> bytes:
    """A text's words as a body has them."""
    return f" {' '.join(words(text))} ".encode()


def _woven(found: pa.Table, odd: Sequence[int], others: pa.Table) -> pa.Table:
    """The rows of both, in the order of the entries: the others' places are `odd`."""
    pieces, taken = [], 0
    for number, place in enumerate(odd):
        pieces.append(found.slice(taken, place - number - taken))
        taken = place - number
        pieces.append(others.slice(number, 1))
    pieces.append(found.slice(taken))
    # In one piece: it goes into one block, whose token stands for all of it.
    return pa.concat_tables(pieces).combine_chunks()


def _table(tenant: str, count: int, columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    arrays = [
        pa.repeat(tenant, count) if field.name == "tenant" else _array(count, columns[field.name], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(count: int, buffers: Any, kind: pa.DataType) -> pa.Array:
    if kind == _OPEN:
        (ends, *paths), texts = buffers
        size = _texts_in(ends)
        keys, items = _array(size, paths, pa.string()), _array(size, texts, pa.list_(pa.string()))
        return pa.MapArray.from_arrays(_array(count + 1, ends, pa.int32()), keys, items)
    if pa.types.is_list(kind):
        ends, *texts = buffers
        values = _array(_texts_in(ends), texts, pa.string())
        return pa.ListArray.from_arrays(_array(count + 1, ends, pa.int32()), values)
    parts = buffers if isinstance(buffers, (tuple, list)) else (buffers,)
    return pa.Array.from_buffers(kind, count, [None, *map(pa.py_buffer, parts)])


def _texts_in(ends: bytes) -> int:
    return int.from_bytes(ends[-4:], "little")
