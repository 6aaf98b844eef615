"""What a backup consists of: a folder of moments, each a whole data directory with a list of its files.

    DEST/lock            held by the one backup that runs
    DEST/.partial/       a moment in the making; never restored, thrown away by the next backup
    DEST/SIZE-TIME/      a moment, by the ledger's size and when it was made; appears whole, by one rename
    …/backup.json        which files it has, how many of their bytes, and their SHA-256

Files that did not change are one file in all moments, by hard links. A file that only grows is grown in
place, so an older moment's copy may be longer than that moment: what belongs to it says its list.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ...errors import ConfigError, VerificationError
from ...events import DEFAULT_LEDGER

VERSION = 2
"""What this program reads; a moment of one ledger is still written as version 1."""

MANIFEST = "backup.json"
PARTIAL = ".partial"
LOCK = "lock"


class BackupFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first `bytes` of a file; zeroes follow up to `extent`. `sha256` where it never grows."""

    path: str
    bytes: int
    extent: int
    sha256: str = ""


class Moment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The list in `backup.json`; `ledgers` has the checkpoints of the ledgers beside the default one."""

    version: int
    made: str
    program: str
    tenant: str
    origin: str
    size: int
    checkpoint: str
    master_key: bool
    files: tuple[BackupFile, ...]
    ledgers: dict[str, str] = {}

    def checkpoints(self) -> dict[str, str]:
        """The checkpoint of every ledger, the default one first."""
        return {DEFAULT_LEDGER: self.checkpoint, **self.ledgers}

    def by_path(self) -> dict[str, BackupFile]:
        """Its files by their paths."""
        return {file.path: file for file in self.files}


def read_moment(folder: Path) -> Moment:
    """The list of a moment.

    Raises:
        ConfigError: The folder is no whole moment, or of a newer version.
        VerificationError: The list is damaged.
    """
    try:
        data = (folder / MANIFEST).read_bytes()
    except OSError:
        raise ConfigError(
            "is no whole backup", file=str(folder), hint="glasshatch backup DEST --data DIR makes one"
        ) from None
    try:
        version = msgspec.json.decode(data, type=dict).get("version", 0)
        if isinstance(version, int) and version > VERSION:
            raise ConfigError(
                f"backup version {version} is newer than {VERSION}",
                file=str(folder),
                hint="upgrade glasshatch",
            )
        moment = msgspec.json.decode(data, type=Moment)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise VerificationError("the list of files is damaged", where=str(folder / MANIFEST)) from None
    for file in moment.files:
        if not _stays_inside(file.path) or not 0 <= file.bytes <= file.extent:
            raise VerificationError("the list names what no backup has", where=str(folder / MANIFEST))
    return moment


def encode_moment(moment: Moment) -> bytes:
    """The list as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(moment), indent=1) + b"\n"


def moments(place: Path) -> list[Path]:
    """The whole moments of a backup, oldest first."""
    found = [path for path in place.iterdir() if path.is_dir() and path.name != PARTIAL]
    return sorted(path for path in found if (path / MANIFEST).is_file())


def find_moment(place: Path) -> Path:
    """The newest moment of a backup, or the place itself if it is one.

    Raises:
        ConfigError: There is none.
    """
    if (place / MANIFEST).is_file() and place.name != PARTIAL:
        return place
    found = moments(place) if place.is_dir() else []
    if not found:
        raise ConfigError(
            "holds no whole backup", file=str(place), hint="glasshatch backup DEST --data DIR makes one"
        )
    return found[-1]


def sync(path: Path) -> None:
    """Make a file or a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make every name below a folder durable; the files themselves were synced when they were written."""
    for where, _, _ in os.walk(folder):
        sync(Path(where))


def _stays_inside(path: str) -> bool:
    parts = path.split("/")
    return bool(path) and not path.startswith("/") and not {"", ".", ".."} & set(parts) and "\0" not in path
