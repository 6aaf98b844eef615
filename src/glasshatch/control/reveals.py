"""Masked values that are asked for in clear, beside their requests: which, and whether they were shown."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection

from ..errors import ConfigError, Conflict
from .database import Database
from .sealed import Row, SealedTable

RevealState = Literal["waiting", "started", "shown", "refused", "unknown"]
"""Waiting to be shown; begun; shown; refused for good; or ended by a crash, which counts as shown."""

_LISTS = ("tables", "subjects")


class RevealColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column that is asked for.

    name: as the answer calls it. column: `schema.table.column`. type: its class. token: what stands for its
    value in the record.
    """

    name: str
    column: str
    type: str
    token: str


class KeptReveal(msgspec.Struct, frozen=True, kw_only=True):
    """One row whose masked values are asked for. Of the values themselves nothing is here.

    Attributes:
        sealed: The statement, and a digest of the values under a key of its own, encrypted, in base64; empty
            once it will not be shown any more.
        key_id: The data key it is sealed under.
        shown: The statement as the record may show it.
        subjects: The tokens of the data subjects in the row.
        origin: The event of the answer that was masked, if it was named.
        event: The event that says that it was shown.
    """

    id: str
    request_id: str
    resource: str
    sealed: str
    key_id: str
    shown: str
    shape: str
    hash: str
    columns: tuple[RevealColumn, ...]
    tables: tuple[str, ...]
    subjects: tuple[str, ...]
    rule: str
    created_ns: int
    origin: str = ""
    event: str = ""
    why: str = ""
    state: RevealState = "waiting"
    changed_ns: int = 0


class Reveals:
    """The reveals of one tenant. Blocks on the disk; safe from any thread."""

    def __init__(self, database: Database, table: SealedTable) -> None:
        self._database = database
        self._table = table

    def insert(self, connection: Connection, reveal: KeptReveal) -> None:
        """Store a new one within the caller's transaction, which stores its request too."""
        self._table.insert(connection, _row(reveal))

    def of_request(self, request_id: str) -> KeptReveal:
        """What a request asks to be shown.

        Raises:
            ConfigError: The request is not about a masked value.
        """
        with self._database.read() as connection:
            rows = self._table.find(connection, self._table.columns.request_id == request_id)
        if not rows:
            raise ConfigError("the request is not about a masked value", key="request")
        return _reveal(rows[0])

    def start(self, id: str, event: str, now_ns: int) -> None:
        """Only one caller ever shows it: from here on nobody else can, whatever happens.

        A crash after this leaves it started; `settle` then says that nobody knows.

        Raises:
            Conflict: It was shown, is being shown, or cannot be.
        """
        with self._database.write() as connection:
            row = self._read(connection, id)
            require_unspent(_reveal(row))
            self._table.replace(connection, row, state="started", event=event, changed_ns=now_ns)

    def end(self, id: str, state: RevealState, now_ns: int, why: str = "") -> None:
        """Say what became of it. What was sealed goes, unless it waits again: then nothing was shown."""
        with self._database.write() as connection:
            row = self._read(connection, id)
            changes = {"event": ""} if state == "waiting" else {"sealed": ""}
            self._table.replace(connection, row, state=state, why=why, changed_ns=now_ns, **changes)

    def sealed(self) -> list[KeptReveal]:
        """Those that may still be shown, or are being shown."""
        with self._database.read() as connection:
            return [_reveal(row) for row in self._table.find(connection, self._table.columns.sealed != "")]

    def settle(self, now_ns: int) -> list[KeptReveal]:
        """At a start: those that a crash ended. Whether somebody saw it nobody knows, so it is spent."""
        with self._database.read() as connection:
            started = self._table.find(connection, self._table.columns.state == "started")
        for row in started:
            self.end(str(row["id"]), "unknown", now_ns, "the server ended in the middle of it")
        return [_reveal(row) for row in started]

    def _read(self, connection: Connection, id: str) -> Row:
        row = self._table.get(connection, id)
        if row is None:
            raise ConfigError("there is no such request", key="request")
        return row


def require_unspent(reveal: KeptReveal) -> None:
    """Go on only with one that nobody was shown yet.

    Raises:
        Conflict: It is spent, or was refused.
    """
    if reveal.state != "waiting" or not reveal.sealed:
        what = {"started": "being shown", "shown": "shown already", "unknown": "spent by a crash"}
        raise Conflict(
            f"request {reveal.request_id} is {what.get(reveal.state, 'over')}: a value is shown once",
            hint="ask again; somebody else has to approve that too",
        )


def _row(reveal: KeptReveal) -> Row:
    row = msgspec.structs.asdict(reveal)
    return row | {name: msgspec.json.encode(row[name]).decode() for name in (*_LISTS, "columns")}


def _reveal(row: Row) -> KeptReveal:
    lists = {name: msgspec.json.decode(row[name]) for name in (*_LISTS, "columns")}
    return msgspec.convert({**row, **lists}, KeptReveal)
