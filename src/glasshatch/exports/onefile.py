"""Events into one file: whole or not at all."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigError, Unavailable
from ..wholefiles import whole_file
from .forms.parquet import Parquet, write_tables
from .parcel import Form, Item

_PART = 10_000


def write_file(form: Form, items: Iterable[Item], out: Path | None) -> int:
    """Write events to a file, or to standard output without one; answers how many.

    The file appears, or replaces what was there, when it is whole; a failure in between leaves what was.

    Raises:
        ConfigError: The file cannot be made.
        Unavailable: The disk is full or failed.
    """
    if out is None:
        count = _write(form, items, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return count
    if not out.parent.is_dir():
        raise ConfigError("cannot be written: there is no such folder", file=str(out), key="-o")
    try:
        # Two that write one file at once do not write into each other's.
        with whole_file(out, beside=f".{out.name}.{os.getpid()}.new") as file:
            return _write(form, items, file)
    except PermissionError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(out), key="-o") from None
    except OSError as error:
        raise Unavailable(
            f"{out} cannot be written: {error.strerror}", hint="nothing was left there"
        ) from None


def _write(form: Form, items: Iterable[Item], file: BinaryIO) -> int:
    counted = _Counted(items)
    if isinstance(form, Parquet):
        write_tables(_parts(counted), file)
    else:
        for part in _parts(counted):
            file.write(form.file(part))
    return counted.count


class _Counted:
    def __init__(self, items: Iterable[Item]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[Item]:
        for item in self._items:
            self.count += 1
            yield item


def _parts(items: Iterable[Item]) -> Iterator[tuple[Item, ...]]:
    source = iter(items)
    while part := tuple(itertools.islice(source, _PART)):
        yield part
