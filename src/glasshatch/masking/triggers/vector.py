"""Triggers on Hyperscan: built once, cached on disk by expressions and CPU, used by any thread."""

from __future__ import annotations

import hashlib
import platform
from collections import deque
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import hyperscan

from ...errors import ConfigError
from ..kernel import SCAN_KERNEL, Collector, codes, dense, runs
from . import Hit, cache, cpu_flags
from .numeric import Gate, gate


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
        """Every hit in the data, by its end; raises `OverflowError` for more than `limit`."""
        return self.collect(data, limit).hits

    def collect(self, data: bytes, limit: int) -> Collector:
        """Every hit in the data, as the kernel keeps them.

        Raises:
            OverflowError: More hits than `limit`.
        """
        collector = Collector(limit)
        try:
            scratch = self._pool.pop()
        except IndexError:
            scratch = hyperscan.Scratch(self._database)
        try:
            self._database.scan(data, collector.take, scratch=scratch)
        except hyperscan.ScanTerminated:
            raise OverflowError(f"more than {limit} trigger hits") from None
        finally:
            self._pool.append(scratch)
        return collector


class Split:
    """Several databases: one over everything, others over the parts where alone their triggers can hit."""

    def __init__(self, databases: dict[Gate, Database]) -> None:
        self._most = databases[""]
        self._gated = [(_CUTS[name], database) for name, database in databases.items() if name]

    def hits(self, data: bytes, limit: int) -> list[Hit]:
        """Every hit in the data, by its end; raises `OverflowError` for more than `limit`."""
        return self.collect(data, limit).hits

    def collect(self, data: bytes, limit: int) -> Collector:
        """Every hit in the data, as the kernel keeps them; raises `OverflowError` for more than `limit`."""
        found = self._most.collect(data, limit)
        for cut, database in self._gated:
            parts, begins, sources = cut(data)
            if parts:
                inside = database.collect(parts, limit)
                if inside:
                    found.gather(inside, begins, sources)
        return found


_CUTS = {"dense": dense, "runs": runs, "codes": codes}
_GATES: tuple[Gate, ...] = ("", "dense", "runs", "codes")


def open_triggers(
    expressions: Sequence[str], exact_from: int, cache_dir: Path | None, keep: bool = True
) -> Database | Split:
    """Compile the expressions, or take them from the cache.

    A cache that is damaged, foreign or made for another CPU is compiled anew and replaced; a cache
    that cannot be written only costs time.

    Args:
        exact_from: Expressions from this number on distinguish upper from lower case.
        keep: Whether a cache is used at all.

    Raises:
        ConfigError: An expression does not compile; or the cache directory may be written by others.
    """
    name = f"triggers-{_cache_key(expressions, exact_from)}.hs"
    files = cache.places(name, cache_dir) if keep else []
    databases = _loaded(cache.read(files))
    if databases is None:
        groups = _groups(expressions, exact_from)
        databases = {name: _compile(expressions, group, exact_from) for name, group in groups.items()}
        cache.write(files, b"".join(_framed(*one) for one in databases.items()))
    opened = {name: Database(database) for name, database in databases.items()}
    return Split(opened) if len(opened) > 1 else opened[""]


def _groups(expressions: Sequence[str], exact_from: int) -> dict[Gate, list[int]]:
    """The numbers of the expressions by their gate; all in one where they cannot be told apart."""
    if SCAN_KERNEL != "compiled":
        # Looking for the parts would take longer than what it saves.
        return {"": list(range(len(expressions)))}
    groups: dict[Gate, list[int]] = {"": []}
    for number, expression in enumerate(expressions):
        groups.setdefault(gate(expression, number >= exact_from), []).append(number)
    # Hyperscan compiles no empty database, and without triggers over everything there is nothing to save.
    return groups if groups[""] else {"": list(range(len(expressions)))}


def _compile(expressions: Sequence[str], numbers: Sequence[int], exact_from: int) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    exact = hyperscan.HS_FLAG_DOTALL
    try:
        database.compile(
            expressions=[expressions[number].encode("latin-1", "replace") for number in numbers],
            ids=list(numbers),
            elements=len(numbers),
            flags=[exact | hyperscan.HS_FLAG_CASELESS * (number < exact_from) for number in numbers],
        )
    except (hyperscan.error, ValueError, TypeError) as error:
        raise ConfigError(f"a trigger does not compile: {error}", hint="simplify the trigger") from None
    return database


def _cache_key(expressions: Sequence[str], exact_from: int) -> str:
    made_by = cache.code_digest(__name__, gate.__module__)
    parts = [version("hyperscan"), platform.machine(), cpu_flags(), SCAN_KERNEL, made_by, str(exact_from)]
    parts += expressions
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


def _framed(name: Gate, database: hyperscan.Database) -> bytes:
    body = hyperscan.dumpb(database)
    return bytes([_GATES.index(name)]) + len(body).to_bytes(8, "big") + body


def _loaded(body: bytes | None) -> dict[Gate, hyperscan.Database] | None:
    found: dict[Gate, hyperscan.Database] = {}
    place = 0
    try:
        while body is not None and place < len(body):
            end = place + 9 + int.from_bytes(body[place + 1 : place + 9], "big")
            found[_GATES[body[place]]] = hyperscan.loadb(body[place + 9 : end], hyperscan.HS_MODE_BLOCK)
            place = end
    except (hyperscan.error, IndexError):
        return None
    return found or None
