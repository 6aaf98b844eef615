"""What was recorded before, so that a delivery that comes again changes nothing.

Derived from the record: a stored event carries its key as `labels.dedup`, and this file is made anew from
there when it is lost. It is written after the record, so a crash in between leaves keys that are missing
here and not there; `catch_up` adds them before anything is looked up.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from ..errors import ConfigError, Unavailable
from ..events import DEFAULT_LEDGER

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

    def __init__(self, directory: Path, sizes: Mapping[str, int]) -> None:
        """Open or make the file; one that knows more than the record belongs to another.

        Args:
            sizes: How many entries each ledger of the record has.

        Raises:
            ConfigError: The directory cannot be written.
        """
        self._file = directory / "seen.db"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = self._opened()
            if any(mark > sizes.get(name, 0) for name, mark in self._watermarks().items()):
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

    def watermark(self, ledger: str = DEFAULT_LEDGER) -> int:
        """All keys of the ledger's entries before this index are known."""
        return self._watermarks().get(ledger, 0)

    def catch_up(self, entries: Iterable[tuple[int, bytes]], ledger: str = DEFAULT_LEDGER) -> None:
        """Learn the keys of a ledger's entries from the watermark on."""
        keys: list[str] = []
        stop = self.watermark(ledger)
        for index, data in entries:
            stop = index + 1
            if b'"dedup"' in data:
                keys += [label] if (label := _label(data)) else []
            if len(keys) >= 10_000:
                self.note(keys, stop, ledger)
                keys = []
        self.note(keys, stop, ledger)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Which of the keys were recorded before."""
        found: set[str] = set()
        for start in range(0, len(keys), _CHUNK):
            chunk = [bytes.fromhex(key) for key in keys[start : start + _CHUNK]]
            marks = ",".join("?" * len(chunk))
            rows = self._database.execute(f"SELECT key FROM seen WHERE key IN ({marks})", chunk)  # noqa: S608
            found.update(row[0].hex() for row in rows)
        return found

    def note(self, keys: Sequence[str], watermark: int, ledger: str = DEFAULT_LEDGER) -> None:
        """These are in the record, and so is every key before the watermark in this ledger.

        Raises:
            Unavailable: The file cannot be written; the record has the keys, and the next start learns them.
        """
        try:
            with self._database:
                self._database.executemany(
                    "INSERT OR IGNORE INTO seen VALUES (?)", [(bytes.fromhex(key),) for key in keys]
                )
                self._database.execute(
                    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                    " WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
                    (_mark(ledger), str(watermark)),
                )
        except sqlite3.Error:
            raise Unavailable("what was seen cannot be noted", hint="look at the disk under it") from None

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def _watermarks(self) -> dict[str, int]:
        rows = self._database.execute("SELECT name, value FROM meta WHERE name LIKE 'watermark%'")
        return {name.partition("/")[2] or DEFAULT_LEDGER: int(value) for name, value in rows}

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


def _mark(ledger: str) -> str:
    """The name of a ledger's watermark; the default one's is what it was when there was no other."""
    return "watermark" if ledger == DEFAULT_LEDGER else f"watermark/{ledger}"


def _label(data: bytes) -> str:
    try:
        label = _labels.decode(data).labels.get(LABEL, "")
        return label if len(bytes.fromhex(label)) == 16 else ""
    except (msgspec.DecodeError, ValueError):
        return ""
