"""Triggers on Hyperscan: built once, cached on disk by expressions and CPU, used by any thread."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections import deque
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import hyperscan

from ...errors import ConfigError
from ..kernel import Collector
from . import Hit, cpu_flags

_MAGIC = b"glasshatch-triggers-1\n"


class Database:
    """Finds where any of many expressions hits, in one pass that releases the interpreter lock.

    A scan needs a scratch space of its own. They are handed out from a pool, so any thread may
    scan at any time; as many exist as scans ever ran at once.
    """

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        # deque's pop and append are atomic, which is all the locking a pool needs.
        self._pool: deque[hyperscan.Scratch] = deque([hyperscan.Scratch(database)])

    def hits(self, data: bytes, limit: int) -> list[Hit]:
        """Every hit in the data, by its end.

        Raises:
            OverflowError: More hits than `limit`.
        """
        collector = Collector(limit)
        try:
            scratch = self._pool.pop()
        except IndexError:
            scratch = hyperscan.Scratch(self._database)
        try:
            self._database.scan(data, collector, scratch=scratch)
        except hyperscan.ScanTerminated:
            raise OverflowError(f"more than {limit} trigger hits") from None
        finally:
            self._pool.append(scratch)
        return collector.hits


def open_triggers(expressions: Sequence[str], exact_from: int, cache_dir: Path | None) -> Database:
    """Compile the expressions, or take them from the cache.

    A cache that is damaged, foreign or made for another CPU is compiled anew and replaced; a cache
    that cannot be written only costs time. The cache holds expressions, never personal data.

    Args:
        exact_from: Expressions from this number on distinguish upper from lower case.

    Raises:
        ConfigError: An expression does not compile; or the cache directory may be written by others.
    """
    key = _cache_key(expressions, exact_from)
    file = None if cache_dir is None else _private(cache_dir) / f"triggers-{key}.hs"
    cached = None if file is None else _read(file)
    if cached is not None:
        return Database(cached)
    database = _compile(expressions, exact_from)
    if file is not None:
        _write(file, hyperscan.dumpb(database))
    return Database(database)


def _compile(expressions: Sequence[str], exact_from: int) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    exact = hyperscan.HS_FLAG_DOTALL
    flags = [exact | hyperscan.HS_FLAG_CASELESS * (number < exact_from) for number in range(len(expressions))]
    encoded = [expression.encode("latin-1", "replace") for expression in expressions]
    try:
        database.compile(
            expressions=encoded,
            ids=list(range(len(encoded))),
            elements=len(encoded),
            flags=flags,
        )
    except (hyperscan.error, ValueError, TypeError) as error:
        raise ConfigError(f"a trigger does not compile: {error}", hint="simplify the trigger") from None
    return database


def _cache_key(expressions: Sequence[str], exact_from: int) -> str:
    parts = [version("hyperscan"), platform.machine(), cpu_flags(), str(exact_from), *expressions]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


def _private(directory: Path) -> Path:
    """The directory, made with mode 0700. A database is native code in all but name: only we may write it."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        raise ConfigError(f"cannot use the masking cache: {error.strerror}", file=str(directory)) from None
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ConfigError(
            "the masking cache may be written by others", file=str(directory), hint="chmod 700, or remove it"
        )
    return directory


def _read(file: Path) -> hyperscan.Database | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    head = len(_MAGIC) + 32
    body = data[head:]
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : head] != hashlib.sha256(body).digest():
        return None
    try:
        return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
    except hyperscan.error:
        return None


def _write(file: Path, body: bytes) -> None:
    # Written beside and renamed: a crash leaves the old file or the new one, never half of one.
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".triggers-")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + hashlib.sha256(body).digest() + body)
        os.replace(name, file)
    except OSError:
        Path(name).unlink(missing_ok=True)
