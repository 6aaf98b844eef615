"""Legal holds: while one is live, nothing about its subject is erased or pruned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec
from sqlalchemy import Connection

from ..errors import ConfigError, Conflict
from ..events import uuid7
from ..identity import Random
from .database import Database
from .people import unrecorded
from .sealed import Row, SealedTable


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One hold. `subjects` are the tokens of one data subject, under every epoch known when it was placed."""

    id: str
    subjects: tuple[str, ...]
    reason: str
    placed_by: str
    created_ns: int
    ticket: str = ""
    released_ns: int = 0
    released_by: str = ""


class Holds:
    """The holds of one tenant.

    As elsewhere, `record` runs inside the step's transaction, before it counts.
    """

    def __init__(self, database: Database, table: SealedTable, random: Random) -> None:
        self._database = database
        self._table = table
        self._random = random

    def place(
        self,
        subjects: Sequence[str],
        *,
        reason: str,
        by: str,
        now_ns: int,
        ticket: str = "",
        record: Callable[[Hold], object] = unrecorded,
    ) -> Hold:
        """Hold everything about a subject; reason and ticket are redacted already."""
        hold = Hold(
            id=uuid7(now_ns, self._random(10)), subjects=tuple(subjects), reason=reason, ticket=ticket,
            placed_by=by, created_ns=now_ns,
        )  # fmt: skip
        with self._database.write() as connection:
            row = msgspec.structs.asdict(hold)
            self._table.insert(connection, {**row, "subjects": msgspec.json.encode(hold.subjects).decode()})
            record(hold)
        return hold

    def release(
        self, id: str, by: str, now_ns: int, *, record: Callable[[Hold], object] = unrecorded
    ) -> Hold:
        """End a hold.

        Raises:
            Conflict: It was released before.
            ConfigError: There is no such hold.
        """
        with self._database.write() as connection:
            row = self._table.get(connection, id)
            if row is None:
                raise ConfigError(
                    "there is no hold with this id", key="hold", hint="list them: glasshatch hold list"
                )
            if row["released_ns"]:
                raise Conflict(f"hold {id} was released already")
            released = _hold(self._table.replace(connection, row, released_ns=now_ns, released_by=by))
            record(released)
        return released

    def live(self) -> frozenset[str]:
        """The tokens of all subjects that are held now; erasing and pruning leave them alone."""
        with self._database.read() as connection:
            return frozenset(token for hold in self._live(connection) for token in hold.subjects)

    def on(self, subjects: Collection[str]) -> list[Hold]:
        """The live holds on any of these subjects."""
        wanted = set(subjects)
        with self._database.read() as connection:
            return [hold for hold in self._live(connection) if wanted & set(hold.subjects)]

    def _live(self, connection: Connection) -> list[Hold]:
        return [_hold(row) for row in self._table.find(connection, self._table.columns.released_ns == 0)]

    def list(self) -> list[Hold]:
        """Every hold there was, oldest first."""
        with self._database.read() as connection:
            return [_hold(row) for row in self._table.find(connection)]


def _hold(row: Row) -> Hold:
    return msgspec.convert({**row, "subjects": msgspec.json.decode(row["subjects"])}, Hold)
