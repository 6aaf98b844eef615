"""Pruning on disk: recorded, signed and written down before the first pack goes.

    1. the file `pruning` says how many entries there are now
    2. the entry `ledger.pruned` is durable, then a checkpoint covers it
    3. the file `pruned` holds its proof
    4. the blobs of the pruned entries go, then the packs, oldest first
    5. `pruning` goes

A crash before the entry is durable leaves everything as it was; after it, the next start (or the next
pruning) finds the entry behind the size in `pruning` and goes on from there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from ..errors import ConfigError, GlasshatchError, Unavailable, VerificationError
from ..events import Link, Receipt
from .blobs import Blobs
from .files import Files, write_new
from .log import PRUNED_ACTION, Proof, Pruning, pruning_links, pruning_of
from .log.layout import ENTRIES, PRUNED_FILE, PRUNING_FILE
from .store import Pack, Store

RecordPruning = Callable[[tuple[Link, ...]], Receipt]
"""Records `ledger.pruned` with these links; durable when it returns."""


class PrunedParts(Protocol):
    """The parts of a ledger that get smaller."""

    @property
    def store(self) -> Store: ...
    @property
    def blobs(self) -> Blobs: ...


class Pruner:
    """Takes whole packs away from the front; one at a time, from any thread."""

    def __init__(
        self,
        directory: Path,
        files: Files,
        parts: PrunedParts,
        size: Callable[[], int],
        prove: Callable[[int], Proof],
    ) -> None:
        """`prove` gives a proof under a checkpoint that is published, signing one if need be."""
        self._directory = directory
        self._files = files
        self._store = parts.store
        self._blobs = parts.blobs
        self._size = size
        self._prove = prove
        self._lock = threading.Lock()

    def prune(self, minimum: int, record: RecordPruning) -> Pruning:
        """Have it recorded that entries below `minimum` go, then let them go.

        Raises:
            ConfigError: No pack that may go ends there.
            Unavailable: The disk failed or is full; what is recorded is finished later.
        """
        with self._lock, _disk():
            self._finish()
            last = [pack for pack in self._store.settled_packs() if pack.stop == minimum]
            if not last:
                raise ConfigError(f"no pack that may go ends before entry {minimum}")
            write_new(self._files, self._directory / PRUNING_FILE, b"%d\n" % self._size())
            return self._carry_out(self._recorded_by(record, minimum, last[0].header.number + 1))

    def _recorded_by(self, record: RecordPruning, minimum: int, packs: int) -> int:
        try:
            return record(pruning_links(minimum, packs)).index
        except Unavailable:
            raise  # whether it is recorded is not known yet: the next try or start finds out
        except GlasshatchError:
            self._finish()
            raise

    def renew(self, record: RecordPruning) -> Pruning:
        """Record again, in this log, what was pruned when it was newer: after an older state was restored."""
        with self._lock, _disk():
            pruned = self._store.pruned
            write_new(self._files, self._directory / PRUNING_FILE, b"%d\n" % self._size())
            return self._carry_out(self._recorded_by(record, pruned.minimum, pruned.packs))

    def finish(self) -> None:
        """Carry out what was recorded and interrupted; raises `Unavailable` if the disk fails."""
        with self._lock, _disk():
            self._finish()

    def _finish(self) -> None:
        begun = self._begun()
        if begun is None:
            return
        found = self._recorded(begun)
        if found is None:
            self._files.unlink(self._directory / PRUNING_FILE)
        else:
            self._carry_out(found)

    def _begun(self) -> int | None:
        try:
            text = (self._directory / PRUNING_FILE).read_bytes()
        except FileNotFoundError:
            return None
        if not text.endswith(b"\n") or not text[:-1].isdigit():
            raise VerificationError(
                "is not what was written", where=PRUNING_FILE, hint="restore from a backup"
            )
        return int(text)

    def _recorded(self, start: int) -> int | None:
        """The newest entry from `start` on that records a pruning which goes further than the last."""
        found, mark = None, PRUNED_ACTION.encode()
        for index, entry in self._store.scan(start, self._size()):
            if mark in entry:
                try:
                    further = pruning_of(entry, index).minimum > self._store.pruned.minimum
                except VerificationError:
                    continue  # it only speaks of one
                found = index if further else found
        return found

    def _carry_out(self, index: int) -> Pruning:
        # From here on a checkpoint that covers the entry is durable.
        proof = self._prove(index)
        pruning = pruning_of(proof.entry, index)
        going = [pack for pack in self._store.settled_packs() if pack.stop <= pruning.minimum]
        before = self._store.pruned
        end = (going[-1].stop, going[-1].header.number + 1) if going else (before.minimum, before.packs)
        if end != (pruning.minimum, pruning.packs):
            raise VerificationError(
                "the recorded pruning does not end where a pack does", where=f"entry {index}"
            )
        write_new(self._files, self._directory / PRUNED_FILE, proof.encode())
        # A crash from here on leaves packs and blobs that nobody needs: the next start removes them.
        self._blobs.prune(pruning.minimum)
        remove_packs(self._directory, self._store.drop(pruning), self._files)
        self._files.unlink(self._directory / PRUNING_FILE)
        self._files.sync_directory(self._directory)
        return pruning


def remove_packs(directory: Path, packs: list[Pack], files: Files) -> None:
    """Delete packs, the oldest first, so that what a crash leaves is still one run."""
    for pack in packs:
        files.unlink(pack.path)
    if packs:
        files.sync_directory(directory / ENTRIES)


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    """Turns a failure of the disk into an error for users; the ledger itself goes on."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"the pruning stopped: {error.strerror or type(error).__name__}",
            hint="check the disk; what was recorded is carried out at the next try or start",
        ) from None
