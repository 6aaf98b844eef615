"""A consistent cut through a ledger's files while a server writes them: exactly the ledger at one checkpoint.

Nothing is locked. What lies below a checkpoint never changes and is durable before the checkpoint is there,
so each file's share of the cut is a number of its first bytes. The checkpoint is read first, the log's
segments are opened before the packs are listed: an entry that leaves the one is then in the other.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from ..errors import Unavailable, VerificationError
from .blobs import list_blobs, read_header
from .log import HASH_BYTES, Checkpoint, Pruning, Succession, VerifierKey, level_widths, open_checkpoint
from .log.frames import scan_segment
from .log.layout import (
    CHECKPOINT_FILE,
    CHECKPOINTS,
    ENTRIES,
    FORMAT_FILE,
    KEY_FILE,
    LOCK_FILE,
    PRUNED_FILE,
    PRUNING_FILE,
    SEGMENT_MAGIC,
    SUCCESSION_FILE,
    WAL,
    decode_header,
    file_number,
    level_name,
    notes_name,
    pack_name,
    segment_name,
)
from .pruned import read_pruned
from .published import Published
from .segments import open_to_read
from .store import open_pack

_PATIENCE_SECONDS = 30.0
_STEP_SECONDS = 0.1


class CutFile(msgspec.Struct, frozen=True):
    """The first `bytes` of a file belong to the cut; zeroes follow up to `extent`, if that is larger.

    `grows` if the same file will be longer in a later cut, its beginning unchanged.
    """

    path: str
    bytes: int
    extent: int
    grows: bool


class LedgerCut:
    """The files of a ledger as of one checkpoint; segments stay readable though the server retires them."""

    def __init__(self, directory: Path, least: int) -> None:
        """Take a cut of at least `least` entries; `close` it.

        Raises:
            Unavailable: The server moved its files faster than they could be looked at.
            VerificationError: They are not those of a ledger.
        """
        self.directory = directory
        self._segments: dict[str, int] = {}
        self._small_files: dict[str, bytes] = {}
        deadline_s = time.monotonic() + _PATIENCE_SECONDS
        while not self._take(least):
            self.close()
            if time.monotonic() > deadline_s:
                raise Unavailable(
                    "the ledger's files do not come to rest for a moment",
                    hint="run glasshatch verify; if it finds nothing, give the command again",
                )
            time.sleep(_STEP_SECONDS)

    def read(self, file: CutFile, offset: int, count: int) -> bytes:
        """Bytes of a file's share; never more than its share."""
        count = min(count, file.bytes - offset)
        if file.path == CHECKPOINT_FILE:
            return self.checkpoint.note[offset : offset + count]
        if file.path in self._small_files:
            return self._small_files[file.path][offset : offset + count]
        if file.path in self._segments:
            return os.pread(self._segments[file.path], count, offset)
        try:
            with open(self.directory / file.path, "rb") as opened:
                return os.pread(opened.fileno(), count, offset)
        except FileNotFoundError:
            raise Unavailable(
                f"{file.path} went while it was copied: entries were pruned",
                hint="give the command again; it then copies what is kept",
            ) from None

    @property
    def key(self) -> VerifierKey:
        """The key in force."""
        return self.keys.newest

    def close(self) -> None:
        """Let the segments go."""
        for descriptor in self._segments.values():
            os.close(descriptor)
        self._segments = {}

    def _take(self, least: int) -> bool:
        published = Published(self.directory)
        note = published.note()
        self.keys: Succession = published.keys()
        self.checkpoint: Checkpoint = open_checkpoint(note, self.keys)
        if self.checkpoint.size < least or (self.directory / PRUNING_FILE).exists():
            return False
        if not self._open_segments():
            return False
        pruned, self._pruned = read_pruned(self.directory)
        packs, packed = self._packs(pruned)
        if packed < 0 or pruned.entry >= self.checkpoint.size:
            return False  # pruned further meanwhile: the checkpoint that is cut at must cover that
        log, first, last = self._log()
        covered = log and last == self.checkpoint.size and first <= packed
        blobs = self._blobs(pruned.minimum)
        if blobs is None:
            return False
        self.files: tuple[CutFile, ...] = (
            *self._small(), *packs, *self._levels(), *self._notes(), *log, *blobs,
        )  # fmt: skip
        return bool(covered)

    def _open_segments(self) -> bool:
        for number in self._numbers(WAL):
            name = segment_name(number)
            try:
                self._segments[name] = open_to_read(self.directory / name)
            except FileNotFoundError:
                return False
        return True

    def _packs(self, pruned: Pruning) -> tuple[list[CutFile], int]:
        """The packs that are kept, and up to which entry they go; -1 if they are being pruned."""
        found, packed = [], pruned.minimum
        for number in self._numbers(ENTRIES):
            try:
                pack = open_pack(self.directory / pack_name(number), number)
            except FileNotFoundError:
                return [], -1
            if pack.stop <= pruned.minimum:
                continue
            if pack.first != packed:
                return [], -1
            if pack.stop > self.checkpoint.size:
                break
            size = pack.path.stat().st_size
            found.append(CutFile(pack_name(number), size, size, False))
            packed = pack.stop
        return found, packed

    def _log(self) -> tuple[list[CutFile], int, int]:
        """The segments' shares, and which entries they hold."""
        found: list[CutFile] = []
        begins, first, previous = -1, None, None
        for name, descriptor in self._segments.items():
            data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            header = decode_header(data, SEGMENT_MAGIC)
            frames = [
                frame
                for frame in scan_segment(data, first, previous).frames
                if frame.first + frame.count <= self.checkpoint.size
            ]
            if not frames:
                break
            begins = frames[0].first if begins < 0 else begins
            first, previous = frames[-1].first + frames[-1].count, frames[-1].crc
            found.append(CutFile(name, frames[-1].end, header.extent, True))
        return found, begins, first or 0

    def _levels(self) -> list[CutFile]:
        widths = enumerate(level_widths(self.checkpoint.size))
        sizes = [(level_name(level), width * HASH_BYTES) for level, width in widths]
        return [CutFile(name, size, size, True) for name, size in sizes]

    def _notes(self) -> list[CutFile]:
        """The history up to the note of the cut, which ends it."""
        numbers = self._numbers(CHECKPOINTS)
        for number in reversed(numbers):
            at = (self.directory / notes_name(number)).read_bytes().rfind(self.checkpoint.note)
            if at >= 0:
                end = at + len(self.checkpoint.note)
                whole = [self._whole(notes_name(before), grows=True) for before in numbers if before < number]
                return [*whole, CutFile(notes_name(number), end, end, True)]
        raise VerificationError("the checkpoint is not in the history", where=str(self.directory))

    def _blobs(self, minimum: int) -> list[CutFile] | None:
        """The blobs of the entries of the cut, which came before these; None if they are being pruned."""
        found = []
        try:
            for place in list_blobs(self.directory):
                if minimum <= read_header(self.directory, place).first < self.checkpoint.size:
                    found.append(self._whole(place.path))
        except FileNotFoundError:
            return None
        return found

    def _small(self) -> list[CutFile]:
        note = len(self.checkpoint.note)
        # As they are now: a change of keys meanwhile, or a pruning, belongs to a later cut.
        self._small_files = {KEY_FILE: f"{self.keys.newest}\n".encode()}
        if self.keys.statements:
            self._small_files[SUCCESSION_FILE] = self.keys.statements
        if self._pruned is not None:
            self._small_files[PRUNED_FILE] = self._pruned.encode()
        small = [CutFile(name, len(data), len(data), False) for name, data in self._small_files.items()]
        rest = [CutFile(LOCK_FILE, 0, 0, False), CutFile(CHECKPOINT_FILE, note, note, False)]
        return [self._whole(FORMAT_FILE), *small, *rest]

    def _whole(self, name: str, *, grows: bool = False) -> CutFile:
        size = (self.directory / name).stat().st_size
        return CutFile(name, size, size, grows)

    def _numbers(self, part: str) -> list[int]:
        names = [entry.name for entry in os.scandir(self.directory / part)]
        return sorted(number for name in names if (number := file_number(part, name)) is not None)
