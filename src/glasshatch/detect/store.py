"""Detection's file: rules' memory, alerts, what is still to deliver, what is still to record, the watermark.

One SQLite file in WAL mode. A batch is one transaction: after any end of the process the file holds all
of a batch or nothing of it. It can be made anew from the ledger; it holds nothing that is not in it but
the state of deliveries under way.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..errors import ConfigError, Unavailable
from .alerts import Alert, AlertStanding
from .observing import Changes, Row

FORMAT = 1
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE memory (
  rule TEXT NOT NULL, key BLOB NOT NULL, touched INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (rule, key)) WITHOUT ROWID;
CREATE TABLE alerts (
  id TEXT PRIMARY KEY, time TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open',
  acknowledged_by TEXT NOT NULL DEFAULT '', comment TEXT NOT NULL DEFAULT '',
  acknowledgement TEXT NOT NULL DEFAULT '', number INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX alerts_by_number ON alerts (number);
CREATE TABLE deliveries (
  alert TEXT NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  since_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL, problem TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (alert, channel)) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (channel, due_ns) WHERE state = 'pending';
CREATE TABLE notes (
  event TEXT PRIMARY KEY, attempts INTEGER NOT NULL, due_ns INTEGER NOT NULL, body BLOB NOT NULL);
"""
_decode_alert = msgspec.msgpack.Decoder(Alert).decode
Statement = tuple[str, Sequence[object]]


class Pending(msgspec.Struct, frozen=True):
    """A delivery that is due."""

    alert: Alert
    channel: str
    attempts: int
    since_ns: int


class Note(msgspec.Struct, frozen=True):
    """An event about an alert that is not known to be recorded yet."""

    event: str
    attempts: int
    body: bytes


class Store:
    """The one connection to the file, used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._listeners: list[threading.Event] = []

    @classmethod
    def open(cls, directory: Path) -> Store:
        """Open or make the file in a directory that exists or can be made.

        Raises:
            ConfigError: The directory cannot be written, or a newer version wrote the file.
        """
        path = directory / "detect.sqlite"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            connection.execute("PRAGMA journal_mode = WAL")
            # A power cut may undo the newest batches as a whole; the ledger then gives them again.
            connection.execute("PRAGMA synchronous = NORMAL")
            # What is deleted because its entries were pruned must not stay in a free page.
            connection.execute("PRAGMA secure_delete = ON")
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"cannot be opened: {error}", file=str(path)) from None
        store = cls(connection)
        store._prepare(path)
        return store

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()

    def wake(self, listener: threading.Event) -> None:
        """From now on, set this after every change that leaves something to do."""
        self._listeners.append(listener)

    @contextlib.contextmanager
    def transaction(self, *, waking: bool = True) -> Iterator[sqlite3.Connection]:
        """All of what is done inside, or nothing. waking: whether it may leave something to do.

        Raises:
            Unavailable: The disk is full or the file cannot be written; nothing changed.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise Unavailable(
                        f"detection's file cannot be written: {error}", hint="look at the disk under it"
                    ) from None
                raise
        if waking:
            for listener in self._listeners:
                listener.set()

    def meta(self, name: str, default: str = "") -> str:
        """A single value by name."""
        row = self._one("SELECT value FROM meta WHERE name = ?", (name,))
        return str(row[0]) if row else default

    def metas(self, beginning: str) -> dict[str, str]:
        """The values whose names begin so."""
        found = self._all("SELECT name, value FROM meta WHERE name GLOB ?", (f"{beginning}*",))
        return {str(name): str(value) for name, value in found}

    def memory(self, rule: str) -> list[Row]:
        """All a rule remembers."""
        found = self._all("SELECT key, touched, data FROM memory WHERE rule = ? ORDER BY key", (rule,))
        return [Row(*row) for row in found]

    def forget_rules_but(self, rules: Iterable[str]) -> None:
        """Drop the memory of rules that are no more."""
        known = set(rules)
        with self.transaction() as connection:
            for (rule,) in connection.execute("SELECT DISTINCT rule FROM memory").fetchall():
                if rule not in known:
                    connection.execute("DELETE FROM memory WHERE rule = ?", (rule,))

    def save(
        self, meta: Mapping[str, str], memory: Mapping[str, Changes], statements: Sequence[Statement]
    ) -> None:
        """Keep a whole batch, or nothing of it; raises `Unavailable`."""
        with self.transaction(waking=bool(statements)) as connection:
            for rule, changes in memory.items():
                connection.executemany(
                    "DELETE FROM memory WHERE rule = ? AND key = ?", [(rule, key) for key in changes.drop]
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO memory VALUES (?, ?, ?, ?)",
                    [(rule, row.key, row.touched, row.data) for row in changes.put],
                )
            for statement, values in statements:
                connection.execute(statement, values)
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())

    def every_alert(self) -> Iterator[Alert]:
        """All alerts, in no order."""
        return (_decode_alert(body) for (body,) in self._all("SELECT body FROM alerts"))

    def drop_alerts(self, ids: Sequence[str], meta: Mapping[str, str]) -> None:
        """Drop alerts, and their bytes, and keep single values; raises `Unavailable`."""
        with self._lock:
            with self.transaction(waking=False) as connection:
                rows = [(id,) for id in ids]
                connection.executemany("DELETE FROM deliveries WHERE alert = ?", rows)
                connection.executemany("DELETE FROM alerts WHERE id = ?", rows)
                connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())
            if ids:
                # What was written is in the log too until it is emptied.
                self._all("PRAGMA wal_checkpoint(TRUNCATE)")

    def knows_alert(self, id: str) -> bool:
        """Whether this alert was raised before."""
        return self._one("SELECT 1 FROM alerts WHERE id = ?", (id,)) is not None

    def alerts(self, state: str, limit: int) -> list[AlertStanding]:
        """Alerts, the newest in the record first. state: `open`, `acknowledged`, or nothing for all."""
        where, values = ("WHERE state = ?", (state, limit)) if state else ("", (limit,))
        return self._standings(f"{where} ORDER BY number DESC, id LIMIT ?", values)

    def alerts_by_prefix(self, prefix: str) -> list[AlertStanding]:
        """At most two alerts whose id begins so."""
        escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return self._standings("WHERE id LIKE ? ESCAPE '\\' ORDER BY id LIMIT 2", (f"{escaped}%",))

    def due_deliveries(self, channel: str, now_ns: int, limit: int) -> list[Pending]:
        """What is to be delivered to a channel by now, the longest due first."""
        found = self._all(
            "SELECT body, channel, attempts, since_ns FROM deliveries JOIN alerts ON id = alert"
            " WHERE channel = ? AND deliveries.state = 'pending' AND due_ns <= ?"
            " ORDER BY due_ns, alert LIMIT ?",
            (channel, now_ns, limit),
        )
        return [Pending(_decode_alert(body), *rest) for body, *rest in found]

    def pending_channels(self) -> list[str]:
        """The channels that have something pending, configured or not."""
        return [
            row[0] for row in self._all("SELECT DISTINCT channel FROM deliveries WHERE state = 'pending'")
        ]

    def due_notes(self, now_ns: int, limit: int) -> list[Note]:
        """What is to be recorded by now, in the order in which it came about."""
        found = self._all(
            "SELECT event, attempts, body FROM notes WHERE due_ns <= ? ORDER BY rowid LIMIT ?",
            (now_ns, limit),
        )
        return [Note(*row) for row in found]

    def next_due_ns(self, channel: str | None) -> int | None:
        """When the next delivery to a channel is due, or the next note (None)."""
        if channel is None:
            row = self._one("SELECT min(due_ns) FROM notes", ())
        else:
            row = self._one(
                "SELECT min(due_ns) FROM deliveries WHERE channel = ? AND state = 'pending'", (channel,)
            )
        return row[0] if row else None

    def count(self, table: str) -> int:
        """How many notes, alerts or pending deliveries there are."""
        sql = {
            "alerts": "SELECT count(*) FROM alerts",
            "notes": "SELECT count(*) FROM notes",
            "deliveries": "SELECT count(*) FROM deliveries WHERE state = 'pending'",
        }[table]
        row = self._one(sql, ())
        return int(row[0]) if row else 0

    def _standings(self, where: str, values: Sequence[object]) -> list[AlertStanding]:
        # `where` is one of this class's own texts; whatever comes from outside is a bound value.
        sql = f"SELECT body, state, acknowledged_by, comment FROM alerts {where}"  # noqa: S608
        with self._lock:
            found = [(_decode_alert(body), *rest) for body, *rest in self._all(sql, values)]
            return [
                AlertStanding(
                    **msgspec.structs.asdict(alert), state=state, acknowledged_by=by, comment=comment,
                    deliveries=self._deliveries(alert.id),
                )
                for alert, state, by, comment in found
            ]  # fmt: skip

    def _deliveries(self, alert: str) -> dict[str, str]:
        return dict(self._all("SELECT channel, state FROM deliveries WHERE alert = ? ORDER BY 1", (alert,)))

    def _all(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise Unavailable(f"detection's file cannot be read: {error}") from None

    def _one(self, sql: str, values: Sequence[object]) -> tuple | None:  # type: ignore[type-arg]
        found = self._all(sql, values)
        return found[0] if found else None

    def _prepare(self, path: Path) -> None:
        try:
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        except sqlite3.Error as error:
            raise ConfigError(f"is not detection's file: {error}", file=str(path)) from None
        if version > FORMAT:
            raise ConfigError(
                f"format {version} is newer than {FORMAT}", file=str(path), hint="upgrade glasshatch"
            )
