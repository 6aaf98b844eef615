"""Where a monitor reads a log: an address, an exported directory, or a ledger's own directory."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ...errors import ConfigError, Denied, Unavailable, VerificationError
from ..log import HASH_BYTES, TILE_WIDTH, level_widths, tile_path
from ..log.layout import CHECKPOINT_FILE, HASHES
from ..published import Published
from ..transport import exchange, parse_address

DEFAULT_LEDGER = "default"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class LogSource(Protocol):
    """A log as tlog-tiles has it."""

    def fetch(self, path: str) -> bytes | None:
        """What stands there, or None; raises `Unavailable` if that cannot be said."""


class UrlSource:
    """A log behind an address, its prefix; `token` is sent to https and to this machine only."""

    def __init__(self, url: str, token: str = "") -> None:
        """Raises `ConfigError` if the address is none, or would carry the token in clear."""
        self._address = parse_address(url, key="URL")
        if token and self._address.scheme != "https" and self._address.host not in _LOOPBACK:
            raise ConfigError("would send the token in clear", key="URL", hint="use https")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def fetch(self, path: str) -> bytes | None:
        answer = exchange(self._address, "GET", path, headers=self._headers)
        if answer.status == 200:
            return answer.body
        if answer.status in (401, 403):
            raise Denied("the log wants another token", hint="give --token-file FILE, or ask its operator")
        if answer.status in (404, 410):  # never there, or pruned
            return None
        raise Unavailable(f"the log answered {answer.status}", hint="try again later")


class DirectorySource:
    """An exported log: files under the paths of tlog-tiles."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def fetch(self, path: str) -> bytes | None:
        try:
            return (self._directory / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror}", hint="check the disk") from None


def is_exported(directory: Path) -> bool:
    """Whether this is a log as tlog-tiles has it, in files, and not a ledger's own directory."""
    tiles = (directory / CHECKPOINT_FILE).is_file() and (directory / "tile").is_dir()
    return tiles and not (directory / HASHES).exists()


def open_source(where: str, token: str = "") -> LogSource:
    """The log at an address or in a directory: exported, a data directory's default one, or a ledger's own.

    Raises:
        ConfigError: There is none.
    """
    if "://" in where:
        return UrlSource(where, token)
    directory = Path(where)
    for place in (directory / "ledgers" / DEFAULT_LEDGER, directory.absolute()):
        if (place / HASHES).is_dir():
            return Published(place, place.parent.parent / "witnessed" / place.name)
    if not directory.is_dir():
        raise ConfigError("there is no such directory", file=where, hint="give an address or a directory")
    return DirectorySource(directory)


class FetchedTree:
    """The hashes of a tree of one size, taken from tiles as they are needed; nothing of it is trusted."""

    def __init__(self, source: LogSource, size: int) -> None:
        self._source = source
        self.widths = level_widths(size)
        """How many hashes each level has."""
        self._tiles: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, first: int, count: int) -> bytes:
        """Flat hashes within one tile, which is how trees ask for them.

        Raises:
            VerificationError: The log does not have what its checkpoint needs.
        """
        number, offset = divmod(first, TILE_WIDTH)
        if (level, number) not in self._tiles:
            self._tiles[level, number] = self.tile(level, number)
        return self._tiles[level, number][offset * HASH_BYTES : (offset + count) * HASH_BYTES]

    def tile(self, level: int, number: int) -> bytes:
        """A whole tile, or the part of it that this tree has, fetched anew; raises as `read`."""
        width = min(TILE_WIDTH, self.widths[level] - number * TILE_WIDTH)
        path = tile_path(level, number, width)
        data = self._source.fetch(path)
        if data is None and width < TILE_WIDTH:
            # A partial tile may be gone once the tile is full; its hashes are the first of the full one.
            whole = self._source.fetch(tile_path(level, number))
            data = whole[: width * HASH_BYTES] if whole else None
        if data is None or len(data) != width * HASH_BYTES:
            raise VerificationError(
                "the log lacks a tile that its checkpoint needs",
                where=path,
                expected=f"{width * HASH_BYTES} bytes",
                found="nothing" if data is None else f"{len(data)} bytes",
            )
        return data
