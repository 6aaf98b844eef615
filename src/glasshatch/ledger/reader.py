"""Reading a ledger without writing to it: a snapshot of what is durable, also while a server writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import ConfigError, VerificationError
from ..keys import LedgerKeys
from .blobs import read_whole
from .levels import Levels
from .log import Checkpoint, Proof, Succession, VerifierKey
from .pruned import check_pruned
from .recovery import open_segment, verifier_key
from .segments import Segment
from .store import Store
from .survey import Survey, expected_widths, survey

_ATTEMPTS = 5


class LedgerReader:
    """A read-only view as of its opening; entries written later do not appear in it."""

    def __init__(self, directory: Path, keys: LedgerKeys) -> None:
        """Take the snapshot; nothing is locked and nothing is changed.

        Raises:
            ConfigError: There is no ledger.
            VerificationError: It is damaged.
        """
        self.directory = directory
        self._survey, self._segments = _snapshot(directory, keys)
        self._levels = Levels(directory, None)
        self._levels.resume(expected_widths(self._survey.checkpoint))
        check_pruned(self._survey.pruned_proof, self.signed.size, self._survey.keys, self._levels)
        self._store = Store(keys.envelope, self._survey.pruned)
        for pack in self._survey.packs:
            self._store.add_pack(pack)
        for surveyed, segment in zip(self._survey.segments, self._segments, strict=True):
            for frame in surveyed.scan.frames:
                self._store.add_frame(segment, frame)

    @property
    def key(self) -> VerifierKey:
        """The public key that signs this ledger."""
        return self._survey.key

    @property
    def keys(self) -> Succession:
        """All keys that ever signed this ledger."""
        return self._survey.keys

    @property
    def format(self) -> int:
        """The format version of the ledger's files."""
        return self._survey.format

    @property
    def size(self) -> int:
        """How many entries the snapshot holds."""
        return self._survey.size

    @property
    def minimum(self) -> int:
        """The index from which on entries are kept; 0 if nothing was pruned."""
        return self._survey.pruned.minimum

    @property
    def signed(self) -> Checkpoint:
        """The newest signed checkpoint of the snapshot."""
        return self._survey.checkpoint

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint, a signed note."""
        return self.signed.note

    def read(self, index: int) -> bytes:
        """One entry.

        Raises:
            ConfigError: The snapshot has no such entry, or it was pruned.
            VerificationError: Its stored bytes are damaged.
        """
        self._check_index(index, self.size)
        return self._store.read(index)

    def whole(self, index: int) -> bytes:
        """The whole bytes of which an entry is the short form; of most entries, themselves.

        Raises as `read`.
        """
        return read_whole(self.directory, index, self.read(index), self._store.envelope)

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Entries from `start` up to `stop` (default: all), with their index."""
        return self._store.scan(max(0, start), self.size if stop is None else min(stop, self.size))

    def prove(self, index: int) -> Proof:
        """A proof under the newest signed checkpoint; only a writer can sign a newer one."""
        self._check_index(index, self.signed.size)
        hashes = self._levels.inclusion_proof(index, self.signed.size)
        return Proof(index, self._store.read(index), hashes, self.signed.note)

    def close(self) -> None:
        for segment in self._segments:
            os.close(segment.descriptor)
        self._segments = []
        self._levels.close()

    def __enter__(self) -> LedgerReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _check_index(self, index: int, size: int) -> None:
        if not 0 <= index < size:
            raise ConfigError(f"there is no entry {index}", hint=f"this view has {size} entries")


def _snapshot(directory: Path, keys: LedgerKeys) -> tuple[Survey, list[Segment]]:
    """Survey and open the segments; again if a live server sealed a pack and retired one in between."""
    attempt = 0
    while True:
        opened: list[Segment] = []
        try:
            found = survey(directory, verifier_key(keys))
            for surveyed in found.segments:
                opened.append(open_segment(directory, surveyed, keys))
            return found, opened
        except (FileNotFoundError, VerificationError):
            for segment in opened:
                os.close(segment.descriptor)
            attempt += 1
            if attempt == _ATTEMPTS:
                raise
