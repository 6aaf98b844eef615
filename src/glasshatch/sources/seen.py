"""What was recorded before, so that a delivery that comes again changes nothing.

Derived from the record: a stored event carries its key as `labels.dedup`, and this file is made anew from
there when it is lost. It is written after the record, so a crash in between leaves keys that are missing
here and not there; `catch_up` adds them before anything is looked up.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from ..errors import ConfigError, Unavailable

LABEL = "dedup"
_FORMAT = 1
_CHUNK = 500


class _Labelled(msgspec.Struct):
    labels: dict[str, str] = {}


_labels = msgspec.json.Decoder(_Labelled)


def key_of(tenant: str, kind: str, name: str, key: str) -> str:
    """The key as it is stored: 32 hexadecimal digits, from which nothing can be read."""
    text = "\0".join((tenant, kind, name, key)).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


class Seen:
    """Keys of a tenant; used by one thread at a time."""

    def __init__(self, directory: Path, size: int) -> None:
        """Open or make the file; one that knows more than a record of `size` entries belongs to another.

        Raises:
            ConfigError: The directory cannot be written.
        """
        self._file = directory / "seen.db"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = self._opened()
            if self.watermark > size:
                # The record was put back to an older copy: what came after it must come in again.
                self._database.close()
                raise sqlite3.DatabaseError
        except sqlite3.DatabaseError:
            # Derived: what cannot be read is made anew from the record.
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._file}{suffix}").unlink(missing_ok=True)
            self._database = self._opened()
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", file=str(directory)) from None

    @property
    def watermark(self) -> int:
        """All keys of ledger entries before this index are known."""
        return int(self._database.execute("SELECT value FROM meta WHERE name = 'watermark'").fetchone()[0])

    def catch_up(self, entries: Iterable[tuple[int, bytes]]) -> None:
        """Learn the keys of entries from the watermark on."""
        keys: list[str] = []
        stop = self.watermark
        for index, data in entries:
            stop = index + 1
            if b'"dedup"' in data:
                keys += [label] if (label := _label(data)) else []
            if len(keys) >= 10_000:
                self.note(keys, stop)
                keys = []
        self.note(keys, stop)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Which of the keys were recorded before."""
        found: set[str] = set()
        for start in range(0, len(keys), _CHUNK):
            chunk = [bytes.fromhex(key) for key in keys[start : start + _CHUNK]]
            marks = ",".join("?" * len(chunk))
            rows = self._database.execute(f"SELECT key FROM seen WHERE key IN ({marks})", chunk)  # noqa: S608
            found.update(row[0].hex() for row in rows)
        return found

    def note(self, keys: Sequence[str], watermark: int) -> None:
        """These are in the record, and so is every key before the watermark.

        Raises:
            Unavailable: The file cannot be written; the record has the keys, and the next start learns them.
        """
        try:
            with self._database:
                self._database.executemany(
                    "INSERT OR IGNORE INTO seen VALUES (?)", [(bytes.fromhex(key),) for key in keys]
                )
                self._database.execute(
                    "UPDATE meta SET value = ? WHERE name = 'watermark' AND CAST(value AS INTEGER) < ?",
                    (str(watermark), watermark),
                )
        except sqlite3.Error:
            raise Unavailable("what was seen cannot be noted", hint="look at the disk under it") from None

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            database.execute("CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
            database.execute(
                "INSERT OR IGNORE INTO meta VALUES ('format', ?), ('watermark', '0')", (str(_FORMAT),)
            )
            database.commit()
            (form,) = database.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
            if form != str(_FORMAT):
                raise sqlite3.DatabaseError("another format")
        except BaseException:
            database.close()
            raise
        return database


def _label(data: bytes) -> str:
    try:
        label = _labels.decode(data).labels.get(LABEL, "")
        return label if len(bytes.fromhex(label)) == 16 else ""
    except (msgspec.DecodeError, ValueError):
        return ""
