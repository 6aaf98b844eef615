"""Sealing: entries are compressed and encrypted bundle by bundle as they come, and a full pack is kept.

The pack under way is a temporary file, of which nothing counts before it is whole, synced and renamed:
until then the log has every entry, and a crash or a close just throws it away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import zstandard

from ..keys import Envelope
from .files import Files
from .log import BUNDLE_ENTRIES, encode_bundle
from .log.layout import PACK_MAGIC, TEMPORARY_SUFFIX, ZSTD, FileHeader, pack_name
from .log.packs import bundle_context, encode_table, table_end, table_row
from .log.tiles import LENGTH_BYTES
from .options import LedgerOptions
from .store import Pack, Store


class _Building:
    """The pack under way: its file, and where its next bundle goes."""

    def __init__(self, files: Files, path: Path, header: FileHeader, data_key: Envelope, level: int) -> None:
        self.header = header
        self.rows: list[bytes] = []
        self._files = files
        self._path = path
        self._temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        self._envelope = data_key.derive(header.key_context)
        self._compressor = zstandard.ZstdCompressor(level=level)
        self._at = table_end(header.parts)
        self._temporary.unlink(missing_ok=True)
        self._descriptor = files.create(self._temporary)

    @property
    def full(self) -> bool:
        return len(self.rows) == self.header.parts

    def add(self, bundle: bytes) -> None:
        """Write the next bundle."""
        packed = self._compressor.compress(bundle)
        sealed = self._envelope.seal(packed, bundle_context(self.header, len(self.rows)))
        self._files.pwrite(self._descriptor, sealed, self._at)
        self.rows.append(table_row(self._at, sealed))
        self._at += len(sealed)

    def finish(self) -> Pack:
        """Make it a pack; when this returns it survives power loss."""
        self._files.pwrite(self._descriptor, encode_table(self.header, self.rows), 0)
        self._files.fsync(self._descriptor)
        self._files.close(self._descriptor)
        self._descriptor = -1
        # A crash before the rename leaves a temporary file, and the entries in the log as before.
        self._files.rename(self._temporary, self._path)
        self._files.sync_directory(self._path.parent)
        return Pack(self._path, self.header)

    def discard(self) -> None:
        """Throw it away; the space goes back at once, because a full disk may be full because of it."""
        if self._descriptor >= 0:
            self._files.close(self._descriptor)
            self._descriptor = -1
            self._temporary.unlink(missing_ok=True)


class Sealer:
    """Builds packs; owned by the integrator.

    Memory is bounded by the entries of one bundle and the table of one pack.
    """

    def __init__(
        self,
        directory: Path,
        data_key: Envelope,
        options: LedgerOptions,
        random: Callable[[int], bytes],
        store: Store,
    ) -> None:
        self._directory = directory
        self.data_key = data_key
        self._options = options
        self._random = random
        self._store = store
        self._building: _Building | None = None
        # Entries of no bundle yet, encoded one behind the other, and the length of each.
        self._loose = bytearray()
        self._lengths: list[int] = []
        self._taken = store.packed

    def take(self, first: int, bundle: bytes, lengths: list[int]) -> None:
        """Hear of the next durable entries, encoded; the caller then seals as long as a pack is `due`."""
        if first != self._taken:
            raise ValueError(f"entry {self._taken} comes next, not {first}")
        self._add(bundle, lengths)

    def catch_up(self, size: int) -> bool:
        """Take what is durable below `size` from the log, as after a start; true if a pack is due before."""
        while self._taken < size and not self.due:
            stop = min(size, self._taken + BUNDLE_ENTRIES)
            entries = self._store.read_range(self._taken, stop)
            self._add(encode_bundle(entries), list(map(len, entries)))
        return self.due

    @property
    def due(self) -> bool:
        """Whether a pack is full and waits to be sealed."""
        return self._building is not None and self._building.full

    def seal_next(self) -> Pack:
        """Finish the full pack; when this returns it survives power loss and the log's copy may go."""
        if self._building is None:
            raise ValueError("no pack is due")
        pack = self._building.finish()
        self._building = None
        self._store.add_pack(pack)
        self._bundle()
        return pack

    def close(self) -> None:
        """Throw away the pack under way; its entries are in the log."""
        if self._building is not None:
            self._building.discard()
            self._building = None

    def _add(self, bundle: bytes, lengths: list[int]) -> None:
        self._loose += bundle
        self._lengths += lengths
        self._taken += len(lengths)
        self._bundle()

    def _bundle(self) -> None:
        """Write every whole bundle that the pack under way has room for."""
        at = count = 0
        while len(self._lengths) - count >= BUNDLE_ENTRIES:
            if self._building is None:
                self._building = self._begin()
            if self._building.full:
                break
            lengths = self._lengths[count : count + BUNDLE_ENTRIES]
            size = sum(lengths) + BUNDLE_ENTRIES * LENGTH_BYTES
            self._building.add(bytes(self._loose[at : at + size]))
            at, count = at + size, count + BUNDLE_ENTRIES
        del self._loose[:at]
        del self._lengths[:count]

    def _begin(self) -> _Building:
        number, bundles = self._store.next_pack, self._options.pack_bundles
        data_key = self.data_key  # another thread may give a newer one for the next pack
        header = FileHeader(
            PACK_MAGIC,
            ZSTD,
            data_key.id,
            self._random(16),
            number,
            self._store.packed,
            bundles * BUNDLE_ENTRIES,
            bundles,
        )
        path = self._directory / pack_name(number)
        return _Building(self._options.files, path, header, data_key, self._options.compression_level)
