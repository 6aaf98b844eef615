"""Verifying a whole log from outside: every tile against the signed root, every entry against its leaf.

Nothing is trusted but the public key, and an earlier checkpoint if one is given: then the log must extend
it, and what lies below it is not fetched again.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...errors import Denied, Unavailable, VerificationError
from ..log import (
    BUNDLE_ENTRIES,
    HASH_BYTES,
    TILE_WIDTH,
    Checkpoint,
    Succession,
    VerifierKey,
    check_consistency,
    consistency_proof,
    decode_bundle,
    decode_keys,
    leaf_hashes,
    level_widths,
    open_checkpoint,
    perfect_root,
    root,
    tile_path,
)
from ..log.layout import CHECKPOINT_FILE, KEYS_FILE
from ..log.tiles import LENGTH_BYTES
from ..verify import Problem
from .sources import FetchedTree, LogSource

_MOST_PROBLEMS = 100


class ServedReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole of a log showed; a problem's file is the path it was served under."""

    ok: bool
    source: str
    origin: str
    key: str
    """The public key that was given."""
    keys: tuple[str, ...]
    """All keys of the log's succession, which that key vouches for."""
    size: int
    """How many entries the served checkpoint signs."""
    since: int
    """The size of the checkpoint that was given; below it nothing was fetched again."""
    hashes: int
    """How many leaf hashes were recomputed up to the signed root."""
    entries_compared: int
    entries_withheld: int
    """Entries that the log did not hand out: pruned, or not for this token."""
    problems: tuple[Problem, ...]


def verify_served(
    source: LogSource,
    where: str,
    key: VerifierKey,
    since: bytes = b"",
    *,
    entries: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> ServedReport:
    """Fetch a log's tiles and entries and check all of them.

    Args:
        where: Its address or directory, for the report.
        since: An earlier checkpoint of it, a signed note.
        entries: Whether to ask for entries too; they are for whoever may read the record.
        progress: Called with bytes done and bytes in all, both estimated.

    Raises:
        Unavailable: The log cannot be reached, so nothing is known.
        VerificationError: `since` is not a checkpoint of this log.
    """
    return _Served(source, where, key, since, entries, progress).verify()


class _Served:
    def __init__(
        self,
        source: LogSource,
        where: str,
        key: VerifierKey,
        since: bytes,
        entries: bool,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._source = source
        self._where = where
        self._key = key
        self._keys = Succession.alone(key)
        self._since_note = since
        self._since: Checkpoint | None = None
        self._entries = entries
        self._progress = progress
        self._problems: list[Problem] = []
        self._hashes = self._compared = self._withheld = 0

    def verify(self) -> ServedReport:
        now = self._checkpoint()
        if self._since_note:
            self._since = open_checkpoint(self._since_note, self._keys)
        if now is not None:
            tree = FetchedTree(self._source, now.size)
            for step in (self._check_root, self._check_since, self._check_upper, self._check_leaves):
                try:
                    step(now, tree)
                except VerificationError as error:
                    self._problem(error.where or CHECKPOINT_FILE, 0, error)
        return ServedReport(
            ok=not self._problems,
            source=self._where,
            origin=self._key.name,
            key=str(self._key),
            keys=tuple(map(str, self._keys.keys)),
            size=now.size if now else 0,
            since=self._since.size if self._since else 0,
            hashes=self._hashes,
            entries_compared=self._compared,
            entries_withheld=self._withheld,
            problems=tuple(self._problems),
        )

    def _checkpoint(self) -> Checkpoint | None:
        note = self._source.fetch(CHECKPOINT_FILE)
        if note is None:
            raise Unavailable("the log has no checkpoint", hint="is this a log's address?")
        try:
            shown = self._source.fetch(KEYS_FILE)
            if shown is not None:
                self._keys = decode_keys(shown, self._key)
        except VerificationError as error:
            self._problem(KEYS_FILE, 0, error)
        try:
            return open_checkpoint(note, self._keys)
        except VerificationError as error:
            self._problem(CHECKPOINT_FILE, 0, error)
            return None

    def _check_root(self, now: Checkpoint, tree: FetchedTree) -> None:
        found = root(now.size, tree.read)
        if found != now.root:
            raise VerificationError(
                "the tiles do not give the root of the checkpoint",
                where=tile_path(0, max(0, now.size - 1) // TILE_WIDTH, (now.size - 1) % TILE_WIDTH + 1),
                expected=now.root.hex(),
                found=found.hex(),
            )

    def _check_since(self, now: Checkpoint, tree: FetchedTree) -> None:
        if self._since is None:
            return
        if self._since.size > now.size:
            raise VerificationError(
                "the log was rolled back behind the checkpoint that was given",
                expected=f"at least {self._since.size} entries",
                found=str(now.size),
            )
        if self._since.size:
            proof = consistency_proof(self._since.size, now.size, tree.read)
            check_consistency(self._since.size, now.size, self._since.root, now.root, proof)

    def _check_upper(self, now: Checkpoint, tree: FetchedTree) -> None:
        """Every whole tile above the leaves against the hash above it; partial ones are under the root."""
        widths, since = level_widths(now.size), self._since.size if self._since else 0
        for level in range(1, len(widths) - 1):
            for tile in range(since // TILE_WIDTH ** (level + 1), widths[level] // TILE_WIDTH):
                # Read as it was kept: fetched twice, a liar could show a good one and use another.
                hashes = tree.read(level, tile * TILE_WIDTH, TILE_WIDTH)
                self._check_tile(level, tile, hashes, tree.read(level + 1, tile, 1))

    def _check_leaves(self, now: Checkpoint, tree: FetchedTree) -> None:
        """Every tile of leaf hashes against the hash above it, and its entries against these very hashes."""
        first = self._since.size if self._since else 0
        for tile in range(first // TILE_WIDTH, -(-now.size // TILE_WIDTH)):
            width = min(TILE_WIDTH, now.size - tile * TILE_WIDTH)
            if width < TILE_WIDTH:
                leaves = tree.read(0, tile * TILE_WIDTH, width)
            else:
                leaves = tree.tile(0, tile)
                if len(tree.widths) > 1:
                    self._check_tile(0, tile, leaves, tree.read(1, tile, 1))
            if self._entries:
                self._check_entries(tile, width, leaves, now.size)
            self._hashes += width
            if self._progress is not None:
                self._progress(tile * TILE_WIDTH * HASH_BYTES, now.size * HASH_BYTES)

    def _check_tile(self, level: int, tile: int, hashes: bytes, above: bytes) -> None:
        found = perfect_root(hashes)
        if found != above:
            self._problem(tile_path(level, tile), 0, VerificationError(
                "the tile does not have the hash above it", expected=above.hex(), found=found.hex()
            ))  # fmt: skip

    def _check_entries(self, tile: int, width: int, leaves: bytes, size: int) -> None:
        try:
            data = self._bundle(tile, width)
        except Denied:
            self._entries, self._withheld = False, self._withheld + size - tile * TILE_WIDTH
            return
        if data is None:
            self._withheld += width
        else:
            self._check_bundle(tile, width, data, leaves)

    def _bundle(self, number: int, width: int) -> bytes | None:
        data = self._source.fetch(tile_path("entries", number, width))
        if data is None and width < BUNDLE_ENTRIES:
            # A partial bundle may be gone once the bundle is full; it begins with the same entries.
            data = self._source.fetch(tile_path("entries", number))
        return data

    def _check_bundle(self, number: int, width: int, data: bytes, leaves: bytes) -> None:
        path, at = tile_path("entries", number, width), 0
        try:
            entries = decode_bundle(_cut(data, width), width)
        except VerificationError as error:
            self._problem(path, 0, error)
            return
        for place, found in enumerate(leaf_hashes(entries)):
            expected = leaves[place * HASH_BYTES : (place + 1) * HASH_BYTES]
            if found != expected:
                index = number * BUNDLE_ENTRIES + place
                self._problem(path, at, VerificationError(
                    f"entry {index} does not have its leaf hash", expected=expected.hex(), found=found.hex()
                ))  # fmt: skip
                return
            at += LENGTH_BYTES + len(entries[place])
        self._compared += width

    def _problem(self, file: str, offset: int, error: VerificationError) -> None:
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(Problem(file, offset, error.message, error.expected, error.found))


def _cut(bundle: bytes, width: int) -> bytes:
    """The first `width` entries of a bundle that may have more by now."""
    at = 0
    for _ in range(width):
        at += LENGTH_BYTES + int.from_bytes(bundle[at : at + LENGTH_BYTES], "big")
    return bundle[:at] if at < len(bundle) else bundle
