"""Rows that carry an authentication code: written with it, and never used without it fitting.

The code is HMAC-SHA-256 under the tenant's control key over the table's name and every column.
It finds any changed, moved or forged row whenever that row is read. A row that was deleted, or put
back to an older true state, it cannot find: the table's head does, when the store is opened. A
whole file put back to an older state fits its own heads; only the record tells it then.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..errors import Conflict, VerificationError

Row = dict[str, Any]
_DOMAIN = b"glasshatch control row v1"


def row_mac(key: bytes, table: str, row: Mapping[str, Any]) -> str:
    """The authentication code of a row, in hex.

    Canonical form: length-prefixed domain and table name, then for each column that is not NULL,
    sorted by name, its name, a type letter and its value, each length-prefixed. Distinct rows
    have distinct forms.
    """
    parts = [_DOMAIN, table.encode()]
    for name in sorted(row):
        if name != "mac" and row[name] is not None:
            parts += [name.encode(), *_typed(row[name])]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.digest(key, message, hashlib.sha256).hex()


def _typed(value: object) -> tuple[bytes, bytes]:
    if isinstance(value, int):
        return b"i", b"%d" % value
    if isinstance(value, str):
        return b"s", value.encode("utf-8", "surrogatepass")
    # SQLite would let an intruder store a blob in a text column; it has no place in any row.
    return b"?", repr(type(value)).encode()


class Head(Protocol):
    """Keeps account of which rows a table holds."""

    def move(self, connection: Connection, *, gone: Sequence[str] = (), come: Sequence[str] = ()) -> None:
        """Take some rows' codes out and others' in, within the caller's transaction."""


class SealedTable:
    """One table of one tenant, whose rows are authenticated in both directions."""

    def __init__(self, table: Table, tenant: str, mac_key: bytes, head: Head | None = None) -> None:
        self.table = table
        self.columns = table.columns
        self.tenant = tenant
        self._mac_key = mac_key
        self._head = head
        self._names = tuple(str(column.name) for column in table.columns)
        # A key that is written, even with what it was, has the database look for all rows that refer to it.
        self._mutable = tuple(name for name in self._names if name not in ("tenant", "id"))

    def insert(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Store a new row as version 1."""
        row = self.sealed({**values, "version": 1})
        connection.execute(insert(self.table).values(row))
        if self._head:
            self._head.move(connection, come=[row["mac"]])

    def insert_all(self, connection: Connection, values: Iterable[Mapping[str, Any]]) -> None:
        """Store many new rows as version 1."""
        rows = [self.sealed({**one, "version": 1}) for one in values]
        if rows:
            connection.execute(insert(self.table), rows)
            if self._head:
                self._head.move(connection, come=[row["mac"] for row in rows])

    def remove(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Delete rows that were read within this transaction.

        Raises:
            Conflict: One is not there any more as it was read; the caller undoes the transaction.
        """
        gone = [{"_id": row["id"], "_mac": row["mac"]} for row in rows]
        if not gone:
            return
        done = connection.execute(
            delete(self.table).where(
                self.columns.tenant == self.tenant, self.columns.id == bindparam("_id"),
                self.columns.mac == bindparam("_mac"),
            ),
            gone,
        )  # fmt: skip
        if done.rowcount != len(gone):
            raise Conflict(f"{self.table.name} was changed by somebody else", hint="look again before acting")
        if self._head:
            self._head.move(connection, gone=[row["mac"] for row in rows])

    def delete(self, connection: Connection, *where: ColumnElement[bool]) -> int:
        """Delete the rows of this tenant that fit, unread; only for a table without a head. How many."""
        assert self._head is None
        return connection.execute(
            delete(self.table).where(and_(self.columns.tenant == self.tenant, *where))
        ).rowcount

    def replace(self, connection: Connection, old: Row, **changes: object) -> Row:
        """Store a row's next version in place of the one that was read; the whole new row.

        Raises:
            Conflict: Another writer changed the row since; nothing was stored.
        """
        row = self.sealed({**old, **changes, "version": old["version"] + 1})
        done = connection.execute(
            update(self.table)
            .where(
                self.columns.tenant == self.tenant,
                self.columns.id == old["id"],
                self.columns.version == old["version"],
                self.columns.mac == old["mac"],
            )
            .values({name: row[name] for name in self._mutable})
        )
        if done.rowcount != 1:
            raise Conflict(
                f"{self.table.name} {old['id']} was changed by somebody else", hint="look again before acting"
            )
        if self._head:
            self._head.move(connection, gone=[old["mac"]], come=[row["mac"]])
        return row

    def replace_all(self, connection: Connection, changes: Sequence[tuple[Row, Row]]) -> list[Row]:
        """As `replace` for many rows: each as it was read, with what becomes different; the whole new rows.

        Raises:
            Conflict: One is not there any more as it was read; the caller undoes the transaction.
        """
        rows = [self.sealed({**old, **new, "version": old["version"] + 1}) for old, new in changes]
        if not rows:
            return []
        done = connection.execute(
            update(self.table)
            .where(
                self.columns.tenant == self.tenant, self.columns.id == bindparam("_id"),
                self.columns.mac == bindparam("_mac"),
            )
            .values({name: bindparam(f"_new_{name}") for name in self._mutable}),
            [
                {"_id": old["id"], "_mac": old["mac"]} | {f"_new_{name}": row[name] for name in self._mutable}
                for (old, _), row in zip(changes, rows, strict=True)
            ],
        )  # fmt: skip
        if done.rowcount != len(rows):
            raise Conflict(f"{self.table.name} was changed by somebody else", hint="look again before acting")
        if self._head:
            gone, come = [old["mac"] for old, _ in changes], [row["mac"] for row in rows]
            self._head.move(connection, gone=gone, come=come)
        return rows

    def find(
        self, connection: Connection, *where: ColumnElement[bool], newest: int | None = None
    ) -> list[Row]:
        """The rows of this tenant that fit, by id (ids sort by time), all of them verified.

        Args:
            newest: At most so many, from the end.

        Raises:
            VerificationError: A row is not what was written; none is returned.
        """
        query = select(self.table).where(and_(self.columns.tenant == self.tenant, *where))
        if newest is None:
            rows = connection.execute(query.order_by(self.columns.id)).all()
        else:
            newest_first = query.order_by(self.columns.id.desc()).limit(newest)
            rows = connection.execute(newest_first).all()[::-1]
        return [self._verified(dict(zip(self._names, row, strict=True))) for row in rows]

    def get(self, connection: Connection, id: str) -> Row | None:
        """The row with this id, verified, or None."""
        rows = self.find(connection, self.columns.id == id)
        return rows[0] if rows else None

    def rekey(self, connection: Connection, mac_key: bytes) -> list[str]:
        """Authenticate every row under another key instead; the rows' new codes.

        The caller gives this object the key (`use`) once that is committed, and lets nobody read until then.

        Raises:
            VerificationError: A row is not what was written; the caller undoes the transaction.
        """
        codes = []
        for row in self.find(connection):
            codes.append(row_mac(mac_key, self.table.name, row))
            connection.execute(
                update(self.table)
                .where(self.columns.tenant == self.tenant, self.columns.id == row["id"])
                .values(mac=codes[-1])
            )
        return codes

    def use(self, mac_key: bytes) -> None:
        """Read and write under another key from now on."""
        self._mac_key = mac_key

    def sealed(self, values: Row) -> Row:
        """A row of this tenant with its code, as it is stored."""
        row = {**values, "tenant": self.tenant}
        row["mac"] = row_mac(self._mac_key, self.table.name, row)
        if row.keys() != set(self._names):
            raise KeyError(f"{self.table.name}: {sorted(row.keys() ^ set(self._names))}")
        return row

    def _verified(self, row: Row) -> Row:
        expected = row_mac(self._mac_key, self.table.name, row)
        if not hmac.compare_digest(expected.encode(), str(row["mac"]).encode("utf-8", "replace")):
            raise tampered(f"control table {self.table.name}, row {row['id']!s:.64}")
        return row


def tampered(where: str) -> VerificationError:
    """The error for control state that was changed outside Glasshatch."""
    return VerificationError(
        "was changed outside Glasshatch",
        expected="the authentication code written with it",
        found="another",
        where=where,
        hint="restore the control store from a backup and review who can write its file",
    )
