"""Sealing: entries that fill a pack are compressed, encrypted and written once, for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import zstandard

from ..keys import Envelope
from .files import write_new
from .log import BUNDLE_ENTRIES, encode_bundle
from .log.layout import PACK_MAGIC, ZSTD, FileHeader, pack_name
from .log.packs import bundle_context, encode_pack
from .options import LedgerOptions
from .store import Pack, Store


class Sealer:
    """Builds packs out of the log; owned by the integrator."""

    def __init__(
        self,
        directory: Path,
        data_key: Envelope,
        options: LedgerOptions,
        random: Callable[[int], bytes],
    ) -> None:
        self._directory = directory
        self._data_key = data_key
        self._options = options
        self._random = random

    def due(self, store: Store, size: int) -> bool:
        """Whether a whole pack of durable entries is waiting."""
        return size - store.packed >= self._options.pack_bundles * BUNDLE_ENTRIES

    def seal_next(self, store: Store) -> Pack:
        """Write the next pack; when this returns it survives power loss and the log's copy may go."""
        bundles = self._options.pack_bundles
        first, number = store.packed, store.pack_count
        extent = bundles * BUNDLE_ENTRIES
        salt = self._random(16)
        header = FileHeader(PACK_MAGIC, ZSTD, self._data_key.id, salt, number, first, extent, bundles)
        envelope = self._data_key.derive(header.key_context)
        compressor = zstandard.ZstdCompressor(level=self._options.compression_level)
        sealed = []
        for bundle in range(bundles):
            start = first + bundle * BUNDLE_ENTRIES
            plain = encode_bundle(store.read_range(start, start + BUNDLE_ENTRIES))
            sealed.append(envelope.seal(compressor.compress(plain), bundle_context(header, bundle)))
        path = self._directory / pack_name(number)
        write_new(self._options.files, path, encode_pack(header, sealed))
        return Pack(path, header)
