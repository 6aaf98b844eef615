"""How a ledger is tuned; the files say themselves what they were made with."""

from __future__ import annotations

import msgspec

from ..errors import ConfigError
from ..keys import OVERHEAD_BYTES
from .files import Files
from .log import HASH_BYTES
from .log.frames import FRAME_OVERHEAD
from .log.layout import HEADER_BYTES
from .log.tiles import LENGTH_BYTES

MIB = 1 << 20
ENTRY_COST = LENGTH_BYTES + HASH_BYTES
"""What an entry takes in a frame besides its own bytes."""


class LedgerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes and intervals; `max_queue_bytes`, `max_behind_bytes`, a frame and the caches bound the memory."""

    segment_bytes: int = 4 * MIB
    max_segment_bytes: int = 64 * MIB
    """Under load segments grow up to this, so that the log does not turn them over many times a second."""
    max_group_bytes: int = MIB
    max_queue_bytes: int = 64 * MIB
    max_behind_bytes: int = 32 * MIB
    """How far tree and packs may be behind what is durable; at the limit, acknowledgements wait."""
    checkpoint_interval_ns: int = 1_000_000_000
    gather_seconds: float = 0.02
    pack_bundles: int = 256
    compression_level: int = 1
    """zstd level of packs: on events of 256 to a bundle, 1 packs as well as 3 in half the time."""
    files: Files = msgspec.field(default_factory=Files)

    def __post_init__(self) -> None:
        if self.segment_bytes < 1024 or self.max_segment_bytes < self.segment_bytes:
            raise ConfigError("a segment has at least 1024 bytes", key="ledger.segment_bytes")
        if not 1 <= self.pack_bundles <= 65_536:
            raise ConfigError("a pack has 1 to 65536 bundles", key="ledger.pack_bundles")

    @property
    def group_bytes(self) -> int:
        """How much one group may hold (entries and `ENTRY_COST` each), so that its frame fits any segment."""
        room = self.segment_bytes - HEADER_BYTES - FRAME_OVERHEAD - OVERHEAD_BYTES
        return min(self.max_group_bytes, room)
