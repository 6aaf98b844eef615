"""How far files were taken in, kept on disk: an interrupted run goes on where it was.

A position is written behind the acknowledgement of what is before it. A crash in between makes the same be
delivered again, and the record takes each fact once; a lost file of positions costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from ..errors import ConfigError
from .files import BEGIN, Place, cannot_be_read

_FORMAT = 1
_MARK_BYTES = 4_096


class Position(msgspec.Struct, frozen=True):
    """Where a file was left. mark: a digest of the file's first `marked` bytes, by which it is known again.
    counts: what became of its items so far."""

    mark: str
    marked: int
    place: Place = BEGIN
    counts: dict[str, int] = {}


class LogPosition(msgspec.Struct, frozen=True):
    """Where a log that is followed was left: the place in each of its files, by a digest of the file's first
    line, and the files that need not be opened again as long as they stay as they are."""

    places: dict[str, Place] = {}
    read: tuple[str, ...] = ()


class _Kept(msgspec.Struct, frozen=True):
    format: int
    position: Position | None = None
    log: LogPosition | None = None


class Positions:
    """The positions of one destination; a file for each source, of whose path only a digest is kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, *names: str) -> Position | None:
        """Where the file of these names (destination, source, instance, path) was left."""
        kept = self._read(names)
        return kept.position if kept is not None else None

    def find_log(self, *names: str) -> LogPosition:
        """Where the log of these names was left; at its beginning if nothing is known."""
        kept = self._read(names)
        return kept.log if kept is not None and kept.log is not None else LogPosition()

    def keep(self, position: Position | LogPosition, *names: str) -> None:
        """Durable when this returns.

        Raises:
            ConfigError: The place for positions cannot be written.
        """
        log = isinstance(position, LogPosition)
        kept = _Kept(_FORMAT, None if log else position, position if log else None)  # type: ignore[arg-type]
        file = self._file(names)
        fresh = file.with_suffix(f".{os.getpid()}")
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with fresh.open("wb") as out:
                out.write(msgspec.json.encode(kept))
                out.flush()
                os.fsync(out.fileno())
            # A crash here leaves the older position, and what was behind it comes twice.
            fresh.replace(file)
        except OSError as error:
            raise ConfigError(
                f"cannot be written: {error.strerror}", file=str(self._directory),
                hint="positions are kept there; set XDG_STATE_HOME to another place",
            ) from None  # fmt: skip

    def drop(self, *names: str) -> None:
        """Forget a file: it was taken in to its end."""
        with contextlib.suppress(OSError):
            self._file(names).unlink(missing_ok=True)

    def _read(self, names: tuple[str, ...]) -> _Kept | None:
        try:
            kept = msgspec.json.decode(self._file(names).read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return None
        return kept if kept.format == _FORMAT else None

    def _file(self, names: tuple[str, ...]) -> Path:
        digest = hashlib.blake2b("\0".join(names).encode("utf-8", "replace"), digest_size=16).hexdigest()
        return self._directory / digest


def state_directory() -> Path:
    """Where positions of deliveries to servers lie: in `XDG_STATE_HOME`, or `~/.local/state`."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "glasshatch" / "positions"


def mark_of(path: Path, length: int = _MARK_BYTES) -> tuple[str, int]:
    """A digest of a file's first bytes, and how many they are; it grows at its end only.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with path.open("rb") as raw:
            begin = raw.read(length)
    except OSError as error:
        raise cannot_be_read(path, error) from None
    return hashlib.blake2b(begin, digest_size=16).hexdigest(), len(begin)
