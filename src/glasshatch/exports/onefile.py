"""Events into one file: whole or not at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigError, Unavailable
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
    try:
        with _made(out) as file:
            return _write(form, items, file)
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


@contextlib.contextmanager
def _made(out: Path) -> Iterator[BinaryIO]:
    temporary = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(out), key="-o") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(out)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
