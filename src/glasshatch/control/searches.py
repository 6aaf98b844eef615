"""Searches that people keep under a name, for themselves or for all."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from ..errors import ConfigError, Conflict
from ..events import uuid7
from ..identity import Random
from .database import Database
from .people import unrecorded
from .sealed import Row, SealedTable

MOST_OF_ONE = 200
"""So many one actor may keep."""


class KeptSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A search under a name that its owner gave it; of personal literals the query holds only who acted.
    shared: whether everybody of the tenant finds it."""

    id: str
    name: str
    query: str
    note: str
    owner_id: str
    shared: bool
    created_ns: int
    changed_ns: int


class Searches:
    """The kept searches of one tenant. Blocks on the disk; safe from any thread.

    As elsewhere, `record` runs inside the step's transaction, before it counts.
    """

    def __init__(self, database: Database, table: SealedTable, random: Random) -> None:
        self._database = database
        self._table = table
        self._random = random

    def of(self, actor_id: str) -> list[KeptSearch]:
        """Those that an actor finds: their own, and what others share; by name, their own first.

        All are read, so that one whose owner somebody changed in the file is found out and not just missed.
        """
        with self._database.read() as connection:
            every = map(_kept, self._table.find(connection))
        found = [one for one in every if one.shared or one.owner_id == actor_id]
        return sorted(found, key=lambda one: (one.name, one.owner_id != actor_id, one.id))

    def keep(
        self, search: KeptSearch, now_ns: int, record: Callable[[KeptSearch], object] = unrecorded
    ) -> KeptSearch:
        """Keep a search, in the place of the owner's own of that name; its id and times are made here.

        Raises:
            Conflict: The owner keeps too many.
        """
        with self._database.write() as connection:
            own = self._own(connection, search.owner_id)
            before = next((row for row in own if row["name"] == search.name), None)
            if before is None:
                if len(own) >= MOST_OF_ONE:
                    raise Conflict(
                        f"you keep {MOST_OF_ONE} searches already", hint="glasshatch searches delete NAME"
                    )
                id = uuid7(now_ns, self._random(10))
                kept = msgspec.structs.replace(search, id=id, created_ns=now_ns, changed_ns=now_ns)
                self._table.insert(connection, _row(kept))
            else:
                changed = self._table.replace(
                    connection, before, query=search.query, note=search.note, shared=int(search.shared),
                    changed_ns=now_ns,
                )  # fmt: skip
                kept = _kept(changed)
            record(kept)
        return kept

    def forget(
        self, id: str, by: str, any_owner: bool, record: Callable[[KeptSearch], object] = unrecorded
    ) -> KeptSearch:
        """Forget a search of the actor `by`, or a shared one of anybody's if `any_owner`.

        Raises:
            ConfigError: There is none that they may forget; the cases read the same.
        """
        with self._database.write() as connection:
            row = self._table.get(connection, id)
            if row is None or not (row["owner_id"] == by or (any_owner and row["shared"])):
                raise ConfigError(
                    "there is no such search of yours",
                    key="search",
                    hint="list them: glasshatch searches list",
                )
            self._table.remove(connection, [row])
            kept = _kept(row)
            record(kept)
        return kept

    def _own(self, connection: Connection, owner_id: str) -> list[Row]:
        return self._table.find(connection, self._table.columns.owner_id == owner_id)


def _row(search: KeptSearch) -> dict[str, object]:
    return {**msgspec.structs.asdict(search), "shared": int(search.shared)}


def _kept(row: Row) -> KeptSearch:
    return msgspec.convert({**row, "shared": bool(row["shared"])}, KeptSearch)
