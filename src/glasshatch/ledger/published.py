"""What a ledger shows to everybody: its checkpoint and its hash tiles, read from the files. No key is needed.

A second process may do this beside the writer: the checkpoint is replaced as a whole, and the hashes
below a checkpoint are durable before it is there and never change.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError, Unavailable, VerificationError
from .files import Files, write_new
from .log import HASH_BYTES, TILE_WIDTH, Pruning, consistency_proof, level_widths, root, tile_path
from .log.checkpoints import Checkpoint, open_checkpoint
from .log.layout import CHECKPOINT_FILE, KEY_FILE, KEYS_FILE, SUCCESSION_FILE, level_name
from .log.notes import VerifierKey
from .log.succession import Succession, encode_keys
from .log.tiles import TileName, parse_tile_path
from .pruned import read_pruned

WITNESSED_FILE = "checkpoint.witnessed"
"""Where a log whose newest checkpoint is not cosigned yet serves the newest one that is."""


class Published:
    """The published part of a ledger's directory."""

    def __init__(self, directory: Path, witnessed: Path | None = None) -> None:
        """Nothing is opened yet, and nothing stays open between calls.

        Args:
            witnessed: The folder where the server keeps the checkpoint that its witnesses cosigned.
        """
        self.directory = directory
        self._witnessed = witnessed / CHECKPOINT_FILE if witnessed else None

    def key(self) -> VerifierKey:
        """The directory's own public key, the one in force: to find one's way, not to trust."""
        return self.keys().newest

    def keys(self, trusted: VerifierKey | None = None) -> Succession:
        """The ledger's keys over time, believed because of `trusted`, or else of the directory's own key.

        Raises:
            VerificationError: The statements in the directory do not link its keys, or not the trusted one.
        """
        stored = VerifierKey.parse(self._small(KEY_FILE).decode("utf-8", "replace").strip())
        # Read after the key: a server that changes its key writes the succession first.
        path = self.directory / SUCCESSION_FILE
        found = Succession.read(path.read_bytes() if path.exists() else b"", trusted or stored)
        if stored not in found.keys:
            raise VerificationError(
                "the ledger carries a key that is none of its succession",
                where=KEY_FILE, expected=str(found.newest), found=str(stored),
            )  # fmt: skip
        return found

    def note(self) -> bytes:
        """The newest signed checkpoint, as published."""
        return self._small(CHECKPOINT_FILE)

    def witnessed(self) -> bytes | None:
        """The newest checkpoint that a quorum of witnesses cosigned, if any was; not checked here."""
        try:
            return self._witnessed.read_bytes() if self._witnessed else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"the witnessed checkpoint cannot be read: {error.strerror}") from None

    def keep_witnessed(self, note: bytes) -> None:
        """Make a cosigned checkpoint the witnessed one; durable when this returns.

        Raises:
            Unavailable: The disk failed or is full.
        """
        if self._witnessed is None:
            raise ValueError("no folder was given for it")
        try:
            self._witnessed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_new(Files(), self._witnessed, note)
        except OSError as error:
            raise Unavailable(f"the witnessed checkpoint cannot be kept: {error.strerror}") from None

    def checkpoint(self) -> Checkpoint:
        """The newest signed checkpoint, checked against the directory's own keys."""
        note = self.note()
        return open_checkpoint(note, self.keys())

    def minimum(self) -> int:
        """The index from which on entries are kept, as the directory says; only their hashes stay below."""
        return self.pruned().minimum

    def pruned(self) -> Pruning:
        """What was pruned, as the directory says; not compared with the tree here."""
        return read_pruned(self.directory)[0]

    def read(self, level: int, first: int, count: int) -> bytes:
        """Flat hashes of a level, all of them below the checkpoint.

        Raises:
            VerificationError: They are not there.
        """
        try:
            with open(self.directory / level_name(level), "rb") as file:
                file.seek(first * HASH_BYTES)
                data = file.read(count * HASH_BYTES)
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise Unavailable(f"the tree cannot be read: {error.strerror}", hint="check the disk") from None
        if len(data) != count * HASH_BYTES:
            raise VerificationError(
                "hashes below a signed checkpoint are missing",
                where=level_name(level),
                expected=f"{count * HASH_BYTES} bytes",
                found=f"{len(data)} bytes",
            )
        return data

    def tile(self, name: TileName, size: int) -> bytes | None:
        """A hash tile of the tree of `size`; None if that tree has no such tile."""
        widths = level_widths(size)
        first = name.number * TILE_WIDTH
        if name.level is None or name.level >= len(widths) or first + name.width > widths[name.level]:
            return None
        return self.read(name.level, first, name.width)

    def fetch(self, path: str) -> bytes | None:
        """What stands under a path of tlog-tiles, without entries; None if nothing does."""
        if path == CHECKPOINT_FILE:
            return self.note()
        if path == WITNESSED_FILE:
            return self.witnessed()
        if path == KEYS_FILE:
            return self._keys_shown()
        name = parse_tile_path(path)
        return self.tile(name, self.checkpoint().size) if name and name.level is not None else None

    def _keys_shown(self) -> bytes:
        """The keys and their statements as they lie there: whoever is shown them judges."""
        try:
            return encode_keys(self.keys())
        except VerificationError:
            statements = self.directory / SUCCESSION_FILE
            return self._small(KEY_FILE) + b"\n" + (statements.read_bytes() if statements.exists() else b"")

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof from one published size to a later one; empty from size 0 and between equal sizes."""
        return tuple(consistency_proof(old, new, self.read)) if 0 < old < new else ()

    def root(self, size: int) -> bytes:
        """The root of the first `size` entries, a size that is published."""
        return root(size, self.read)

    def _small(self, name: str) -> bytes:
        try:
            return (self.directory / name).read_bytes()
        except FileNotFoundError:
            raise ConfigError("there is no ledger here", file=str(self.directory)) from None
        except OSError as error:
            raise Unavailable(f"{name} cannot be read: {error.strerror}", hint="check the disk") from None


def tiles_of(level: int | str, start: int, width: int) -> list[tuple[str, int, int]]:
    """The tiles that a level of `width` hashes has from hash `start` on: path, first hash, width."""
    found = []
    for first in range(start // TILE_WIDTH * TILE_WIDTH, width, TILE_WIDTH):
        wide = min(TILE_WIDTH, width - first)
        found.append((tile_path(level, first // TILE_WIDTH, wide), first, wide))
    return found
