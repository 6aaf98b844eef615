"""Statements under review, beside their requests: what was asked, what was measured, what became of it."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection

from ..errors import ConfigError, Conflict
from .database import Database
from .sealed import Row, SealedTable

StatementState = Literal["waiting", "started", "done", "failed", "unknown"]
"""Waiting to be run; started; done; failed and rolled back, so that it may run again; or nobody knows."""

_RUNS_FROM = ("waiting", "failed")
_LISTS = ("verbs", "tables", "risks")


class KeptStatement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement under review.

    Attributes:
        text: The statement sealed, in base64; empty where it is made of sealed values, or not needed now.
        key_id: The data key it is sealed under.
        shown: The statement as the record may show it.
        near_masked: Whether it touches masked columns, so that counts could give values away.
        preview: What was measured, as JSON.
        undoes: The before-image (an event) that it puts back; empty for any other statement.
        run_event, image_event: The events of its last run; image_why: why it left no before-image.
    """

    id: str
    request_id: str
    resource: str
    text: str
    key_id: str
    shown: str
    shape: str
    hash: str
    verbs: tuple[str, ...]
    tables: tuple[str, ...]
    risks: tuple[str, ...]
    rule: str
    near_masked: bool
    preview: str
    created_ns: int
    undoes: str = ""
    run_event: str = ""
    image_event: str = ""
    image_why: str = ""
    state: StatementState = "waiting"
    changed_ns: int = 0


class Statements:
    """The statements of one tenant. Blocks on the disk; safe from any thread."""

    def __init__(self, database: Database, table: SealedTable) -> None:
        self._database = database
        self._table = table

    def insert(self, connection: Connection, statement: KeptStatement) -> None:
        """Store a new one within the caller's transaction, which stores its request too."""
        self._table.insert(connection, _row(statement))

    def of_request(self, request_id: str) -> KeptStatement:
        """The statement of a request.

        Raises:
            ConfigError: The request is not about one.
        """
        with self._database.read() as connection:
            rows = self._table.find(connection, self._table.columns.request_id == request_id)
        if not rows:
            raise ConfigError("the request is not about one statement", key="request")
        return _statement(rows[0])

    def undoing(self, image_event: str) -> list[KeptStatement]:
        """The statements that put this before-image back, or tried."""
        with self._database.read() as connection:
            return [
                _statement(row)
                for row in self._table.find(connection, self._table.columns.undoes == image_event)
            ]

    def start(self, id: str, run_event: str, now_ns: int) -> KeptStatement:
        """Only one caller ever runs it: from here on nobody else can.

        A crash after this leaves it started; `settle` then says that nobody knows.

        Raises:
            Conflict: It runs, or ran.
        """
        with self._database.write() as connection:
            row = self._read(connection, id)
            require_runnable(_statement(row))
            return _statement(
                self._table.replace(connection, row, state="started", run_event=run_event, changed_ns=now_ns)
            )

    def end(
        self, id: str, state: StatementState, now_ns: int, image_event: str = "", image_why: str = ""
    ) -> None:
        """Say what became of a run; the text goes unless it may run again."""
        with self._database.write() as connection:
            row = self._read(connection, id)
            text = row["text"] if state in _RUNS_FROM else ""
            self._table.replace(
                connection,
                row,
                state=state,
                image_event=image_event,
                image_why=image_why,
                text=text,
                changed_ns=now_ns,
            )

    def forget_text(self, id: str, now_ns: int) -> None:
        """Drop the text of a statement that will not run any more."""
        with self._database.write() as connection:
            row = self._read(connection, id)
            if row["text"]:
                self._table.replace(connection, row, text="", changed_ns=now_ns)

    def with_text(self) -> list[KeptStatement]:
        """Those whose text is still kept."""
        with self._database.read() as connection:
            return [_statement(row) for row in self._table.find(connection, self._table.columns.text != "")]

    def settle(self, now_ns: int) -> list[KeptStatement]:
        """At a start: runs that a crash ended. Whether the database kept what they did, nobody knows."""
        with self._database.read() as connection:
            started = self._table.find(connection, self._table.columns.state == "started")
        for row in started:
            self.end(str(row["id"]), "unknown", now_ns)
        return [_statement(row) for row in started]

    def _read(self, connection: Connection, id: str) -> Row:
        row = self._table.get(connection, id)
        if row is None:
            raise ConfigError("there is no such statement", key="request")
        return row


def require_runnable(statement: KeptStatement) -> None:
    """Go on only with a statement that may still run.

    Raises:
        Conflict: It runs, or ran.
    """
    if statement.state not in _RUNS_FROM:
        raise Conflict(f"the statement is {statement.state}: an approval is for one run", hint="ask again")


def _row(statement: KeptStatement) -> Row:
    row = msgspec.structs.asdict(statement)
    row |= {name: msgspec.json.encode(row[name]).decode() for name in _LISTS}
    return row | {"near_masked": int(statement.near_masked)}


def _statement(row: Row) -> KeptStatement:
    value = {**row, "near_masked": bool(row["near_masked"])}
    value |= {name: msgspec.json.decode(row[name]) for name in _LISTS}
    return msgspec.convert(value, KeptStatement)
