"""Looking, behind a start, at what a start does not look at: every hash that is signed, every sealed entry.

A mismatch stops the ledger: what it would acknowledge from then on would stand on a record that is not whole.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ..clock import Clock
from ..errors import GlasshatchError, Unavailable, VerificationError
from .files import unavailable
from .halt import Halt
from .levels import Levels
from .log import (
    BUNDLE_ENTRIES,
    TILE_BYTES,
    TILE_WIDTH,
    Checkpoint,
    leaf_hashes,
    level_widths,
    perfect_root,
    root,
)
from .log.layout import level_name, pack_name
from .store import Pack, Store

_SHARE = 0.1
"""How much of one processor it may take: a start must not be felt for as long as this takes."""

_CURE = "nothing was changed; run glasshatch verify for the whole picture, then restore from a backup"


class Recheck:
    """One pass in a thread of its own, calmly; ends early when the ledger closes or halts."""

    def __init__(
        self,
        store: Store,
        levels: Levels,
        checkpoint: Checkpoint,
        *,
        clock: Clock,
        halt: Halt,
        closing: threading.Event,
    ) -> None:
        """`checkpoint` is the one that was the newest at the start."""
        self.done = False
        """Whether everything was looked at and found as it was recorded."""
        self._store = store
        self._levels = levels
        self._checkpoint = checkpoint
        self._clock = clock
        self._halt = halt
        self._closing = closing
        self._thread = threading.Thread(target=self._run, name="ledger-recheck", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for its end; `closing` was set."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        began_ns = self._clock.monotonic_ns()
        try:
            for _ in self._steps():
                took_ns = self._clock.monotonic_ns() - began_ns
                if self._closing.wait(took_ns * (1 / _SHARE - 1) / 1e9) or self._halt.error is not None:
                    return
                began_ns = self._clock.monotonic_ns()
            self.done = True
        except GlasshatchError as error:
            self._halt.stop(error)
        except OSError as error:
            self._halt.stop(unavailable(error, "read the record again"))
        except BaseException:
            self._halt.stop(Unavailable("the ledger stopped: internal error in looking again"))
            raise

    def _steps(self) -> Iterator[None]:
        """Everything, in pieces of about a millisecond."""
        widths = level_widths(self._checkpoint.size)
        for level in range(len(widths) - 1):
            for tile in range(widths[level] // TILE_WIDTH):
                self._check_tile(level, tile)
                yield
        if self._checkpoint.size and root(self._checkpoint.size, self._levels.read) != self._checkpoint.root:
            raise _mismatch("the tree does not have the root that was signed", level_name(0))
        for pack in self._store.packs:
            for bundle in range(pack.header.parts):
                self._check_bundle(pack, bundle)
                yield

    def _check_tile(self, level: int, tile: int) -> None:
        below = self._levels.read(level, tile * TILE_WIDTH, TILE_WIDTH)
        if perfect_root(below) != self._levels.read(level + 1, tile, 1):
            where = f"{level_name(level)} at {tile * TILE_BYTES}"
            raise _mismatch("a tile of hashes does not have the hash above it", where)

    def _check_bundle(self, pack: Pack, bundle: int) -> None:
        try:
            entries = self._store.read_bundle(pack, bundle)
        except FileNotFoundError:
            if pack not in self._store.packs:
                return  # pruned meanwhile
            raise
        first = pack.first + bundle * BUNDLE_ENTRIES
        if b"".join(leaf_hashes(entries)) != self._levels.read(0, first, len(entries)):
            raise _mismatch(f"bundle {bundle} does not have its leaf hashes", pack_name(pack.header.number))


def _mismatch(what: str, where: str) -> VerificationError:
    return VerificationError(f"the ledger stopped: {what}", where=where, hint=_CURE)
