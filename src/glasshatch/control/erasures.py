"""Erasures: which subjects' keys are destroyed, and by which event of the record.

An erasure is intended (`begin`), recorded in the ledger by the caller, and then carried out. After a crash
in between, the record decides: what it holds is carried out, what it does not hold is given up.
"""

from __future__ import annotations

import threading

import msgspec
from sqlalchemy import Connection

from .database import Database
from .sealed import Row, SealedTable

_GIVEN_UP = -1
_CHUNK = 500
_JSON = ("subjects", "key_ids", "at_sizes")


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """One erasure, by the id of its `subject.erased` event; `done_ns` is 0 until the keys are destroyed.

    at_sizes: how many entries each ledger had; every event of which something was erased stands before.
    """

    id: str
    subjects: tuple[str, ...]
    key_ids: tuple[str, ...]
    erased_by: str
    sealed: int
    at_sizes: dict[str, int]
    created_ns: int
    done_ns: int = 0


class Erasures:
    """The erasures of one tenant, kept in memory once they have been read: they are few."""

    def __init__(
        self, database: Database, *, table: SealedTable, keys: SealedTable, values: SealedTable
    ) -> None:
        self._database = database
        self._table = table
        self._keys = keys
        self._values = values
        self._lock = threading.Lock()
        self._done: dict[str, Erasure] | None = None

    def begin(self, erasure: Erasure) -> None:
        """Store what is intended; nothing is destroyed yet."""
        with self._database.write() as connection:
            self._table.insert(connection, _row(erasure))

    def give_up(self, erasure: Erasure) -> None:
        """Say that its event never came into being."""
        with self._database.write() as connection:
            self._set(connection, erasure, _GIVEN_UP)

    def carry_out(self, erasure: Erasure, now_ns: int) -> None:
        """Destroy the keys and the values under them, in the database and in every byte of its files.

        A crash in it leaves all of it or nothing destroyed, or old images in the files: the same call again
        finishes. When this returns, the keys are nowhere in the files.

        Raises:
            Unavailable: The disk failed, or other readers kept the old images; the call may be repeated.
        """
        gone: list[bytes] = []
        with self._database.write() as connection:
            keys = [key for id in erasure.key_ids if (key := self._keys.get(connection, id))]
            for key in keys:
                if key["wrapped"]:
                    gone.append(str(key["wrapped"]).encode())
                    self._keys.replace(connection, key, wrapped="", erased_ns=now_ns)
                self._values.delete(connection, self._values.columns.key_id == key["id"])
            if self._table.get(connection, erasure.id) is None:
                self._table.insert(connection, _row(erasure))
        # Of a key that a crash left destroyed in its row only, nobody knows what to look for in the files.
        self._database.scrub(gone, rewrite=len(gone) < len(keys))
        # Only now: until here a start carries it out once more, scrubbing included.
        with self._database.write() as connection:
            self._set(connection, erasure, now_ns)
        self._forget()

    def pending(self) -> list[Erasure]:
        """What was intended and neither carried out nor given up."""
        return [erasure for erasure in self.list() if not erasure.done_ns]

    def of_key(self, key_id: str) -> Erasure | None:
        """The erasure that destroyed a key."""
        return self._loaded().get(key_id)

    def of_subject(self, subject: str) -> list[Erasure]:
        """The erasures of a subject by one of its tokens, oldest first; those under way too."""
        counted = {erasure.id: erasure for erasure in (*self._loaded().values(), *self.pending())}
        return [counted[id] for id in sorted(counted) if subject in counted[id].subjects]

    def live_again(self) -> list[Erasure]:
        """Erasures of which a key is there again, as after somebody put an old row back."""
        loaded, columns = self._loaded(), self._keys.columns
        ids = sorted(loaded)
        with self._database.read() as connection:
            back = [
                loaded[str(row["id"])]
                for start in range(0, len(ids), _CHUNK)
                for row in self._keys.find(
                    connection, columns.id.in_(ids[start : start + _CHUNK]), columns.wrapped != ""
                )
            ]
        return list({erasure.id: erasure for erasure in back}.values())

    def list(self) -> list[Erasure]:
        """All of them, oldest first, those that were given up too."""
        with self._database.read() as connection:
            return [_erasure(row) for row in self._table.find(connection)]

    def _set(self, connection: Connection, erasure: Erasure, done_ns: int) -> None:
        row = self._table.get(connection, erasure.id)
        assert row is not None
        if row["done_ns"] == 0:
            self._table.replace(connection, row, done_ns=done_ns)

    def _loaded(self) -> dict[str, Erasure]:
        with self._lock:
            if self._done is None:
                done = [erasure for erasure in self.list() if erasure.done_ns > 0]
                self._done = {key_id: erasure for erasure in done for key_id in erasure.key_ids}
            return self._done

    def _forget(self) -> None:
        with self._lock:
            self._done = None


def _row(erasure: Erasure) -> Row:
    row = msgspec.structs.asdict(erasure)
    return row | {name: msgspec.json.encode(row[name], order="sorted").decode() for name in _JSON}


def _erasure(row: Row) -> Erasure:
    return msgspec.convert(row | {name: msgspec.json.decode(row[name]) for name in _JSON}, Erasure)
