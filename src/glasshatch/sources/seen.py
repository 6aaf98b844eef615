"""What was recorded before, so that a delivery that comes again changes nothing.

Derived from the record: a stored event carries its key as `labels.dedup`, and this file is made anew from
there when it is lost. It is written after the record, so a crash in between leaves keys that are missing
here and not there; `catch_up` adds them before anything is looked up.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError, Unavailable
from ..events import DEFAULT_LEDGER
from .standing import FeedStanding

LABEL = "dedup"
_FORMAT = 1
_NO_CONTENT = "0" * 32
_SELECT = (
    "WITH RECURSIVE places (at) AS (VALUES (1) UNION ALL SELECT at + 16 FROM places WHERE at + 16 < ?2)"
    " SELECT key, content FROM places CROSS JOIN seen WHERE key = substr(?1, at, 16)"
)
_INSERT = (
    "WITH RECURSIVE places (at) AS (VALUES (1) UNION ALL SELECT at + 32 FROM places WHERE at + 32 < ?2)"
    " INSERT OR IGNORE INTO seen"
    " SELECT substr(?1, at, 16), nullif(substr(?1, at + 16, 16), zeroblob(16)) FROM places"
)
"""Both take many rows in one run of bytes, keys alone or each before its content's digest: a step in Python
for each row would take as long again."""


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

    def catch_up(
        self,
        entries: Iterable[tuple[int, bytes]],
        ledger: str = DEFAULT_LEDGER,
        learn: Callable[[bytes], object] = len,
    ) -> None:
        """Learn the keys of a ledger's entries from the watermark on; `learn` is given each that has one."""
        keys: list[str] = []
        stop = self.watermark(ledger)
        for index, data in entries:
            stop = index + 1
            if b'"dedup"' in data:
                keys += [label] if (label := _label(data)) else []
                learn(data)
            if len(keys) >= 10_000:
                self.note(keys, stop, ledger)
                keys = []
        self.note(keys, stop, ledger)

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        """Which of the keys were recorded before, with the digest of each one's content, or nothing."""
        if not keys:
            return {}
        rows = self._database.execute(_SELECT, (bytes.fromhex("".join(sorted(keys))), 16 * len(keys)))
        return {key.hex(): (content or b"").hex() for key, content in rows}

    def note(
        self,
        keys: Sequence[str],
        watermark: int,
        ledger: str = DEFAULT_LEDGER,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        """These are in the record, and so is every key before the watermark in this ledger.

        Args:
            contents: The digests of contents, by key; none for a key that stands for no one content. They
                are kept only here: what is learned from the record has none.

        Raises:
            Unavailable: The file cannot be written; the record has the keys, and the next start learns them.
        """
        digests = contents or {}
        # In order, as the table is: so each page of it is looked for once.
        rows = [(key, digests.get(key, "")) for key in sorted(keys)]
        try:
            with self._database:
                self._insert(rows)
                self._database.execute(
                    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                    " WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
                    (_mark(ledger), str(watermark)),
                )
        except sqlite3.Error:
            raise Unavailable("what was seen cannot be noted", hint="look at the disk under it") from None

    def _insert(self, rows: Sequence[tuple[str, str]]) -> None:
        """Keys with what is noted beside them: the digest of a content, or something shorter."""
        if {len(noted) for _, noted in rows} <= {0, 32}:
            run = bytes.fromhex("".join([key + (noted or _NO_CONTENT) for key, noted in rows]))
            if run:
                self._database.execute(_INSERT, (run, len(run)))
            return
        self._database.executemany(
            "INSERT OR IGNORE INTO seen VALUES (?, ?)",
            [(bytes.fromhex(key), bytes.fromhex(noted) or None) for key, noted in rows],
        )

    def recall(self, feed: str) -> dict[str, Any]:
        """What is remembered of a feed, the longest untouched first."""
        rows = self._database.execute("SELECT key, value FROM memory WHERE feed = ? ORDER BY rowid", (feed,))
        return {key: msgspec.json.decode(value) for key, value in rows}

    def remember(self, feed: str, changes: Mapping[str, Any]) -> None:
        """Remember of a feed; None forgets. Kept with the next `note`, or not at all."""
        rows = [(feed, key) for key in changes]
        self._database.executemany("DELETE FROM memory WHERE feed = ? AND key = ?", rows)
        self._database.executemany(
            "INSERT INTO memory (feed, key, value) VALUES (?, ?, ?)",
            [(feed, key, msgspec.json.encode(value)) for key, value in changes.items() if value is not None],
        )

    def standings(self) -> dict[str, FeedStanding]:
        """How each feed was doing at its last note."""
        rows = self._database.execute("SELECT feed, standing FROM feeds")
        return {feed: msgspec.json.decode(value, type=FeedStanding) for feed, value in rows}

    def stand(self, standing: FeedStanding) -> None:
        """How a feed is doing. Kept with the next `note` or `settle`, or not at all."""
        self._database.execute(
            "INSERT INTO feeds VALUES (?, ?) ON CONFLICT (feed) DO UPDATE SET standing = excluded.standing",
            (f"{standing.kind}/{standing.name}", msgspec.json.encode(standing)),
        )

    def settle(self) -> None:
        """Keep what was said since the last note; raises `Unavailable` if that cannot be written."""
        try:
            self._database.commit()
        except sqlite3.Error:
            raise Unavailable("what was seen cannot be noted", hint="look at the disk under it") from None

    def wait_for(self, feed: str, facts: Sequence[tuple[str, str]], now_ns: int) -> None:
        """These came out of a feed's log and are expected by its webhook: keys, and what names the facts."""
        self._database.executemany(
            "INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?)",
            [(bytes.fromhex(key), feed, fact, now_ns) for key, fact in facts],
        )

    def came(self, keys: Sequence[str]) -> None:
        """These came by the webhook too."""
        rows = [(bytes.fromhex(key),) for key in keys]
        self._database.executemany("DELETE FROM waiting WHERE key = ?", rows)

    def overdue(self, feed: str, before_ns: int, most: int) -> tuple[int, list[str]]:
        """How many facts of a feed have been waited for since then, and the first of them."""
        where = "FROM waiting WHERE feed = ? AND since < ?"
        (count,) = self._database.execute(f"SELECT count(*) {where}", (feed, before_ns)).fetchone()
        rows = self._database.execute(
            f"SELECT fact {where} ORDER BY since, fact LIMIT ?",
            (feed, before_ns, most),
        )
        return count, [row[0] for row in rows]

    def give_up(self, feed: str, before_ns: int) -> None:
        """Wait no longer for what was told to be missing."""
        self._database.execute("DELETE FROM waiting WHERE feed = ? AND since < ?", (feed, before_ns))
        self.settle()

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
            database.execute(
                "CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY, content BLOB) WITHOUT ROWID"
            )
            if not _has_contents(database):
                database.execute("ALTER TABLE seen ADD COLUMN content BLOB")
            database.execute(
                "CREATE TABLE IF NOT EXISTS feeds (feed TEXT PRIMARY KEY, standing BLOB NOT NULL)"
            )
            database.execute(
                "CREATE TABLE IF NOT EXISTS waiting (key BLOB PRIMARY KEY, feed TEXT NOT NULL,"
                " fact TEXT NOT NULL, since INTEGER NOT NULL) WITHOUT ROWID"
            )
            database.execute(
                "CREATE TABLE IF NOT EXISTS memory"
                " (feed TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (feed, key))"
            )
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


def _has_contents(database: sqlite3.Connection) -> bool:
    """Whether the table is one that notes contents; an older version's did not."""
    return any(row[1] == "content" for row in database.execute("PRAGMA table_info(seen)"))


def _mark(ledger: str) -> str:
    """The name of a ledger's watermark; the default one's is what it was when there was no other."""
    return "watermark" if ledger == DEFAULT_LEDGER else f"watermark/{ledger}"


def _label(data: bytes) -> str:
    try:
        label = _labels.decode(data).labels.get(LABEL, "")
        return label if len(bytes.fromhex(label)) == 16 else ""
    except (msgspec.DecodeError, ValueError):
        return ""
