"""One head for each table: a keyed hash of the set of its rows, moved with every write.

MSet-Add-Hash (Clarke, Devadas, van Dijk, Gassend and Suh, Asiacrypt 2003): the sum modulo 2^256 of
HMACs of the rows' codes, blinded with the HMAC of a fresh nonce, and the number of rows. A write
moves it in constant time; a check reads the whole table.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Table, update

from .schema import heads
from .sealed import Row, SealedTable, tampered

_MODULUS = 1 << 256


class TableHead:
    """The head of one table of one tenant; writers hold the database's write lock."""

    def __init__(self, table: Table, tenant: str, mac_key: bytes, random: Callable[[int], bytes]) -> None:
        self._table = table
        self._tenant = tenant
        self._mac_key = mac_key
        self._random = random
        self._rows = SealedTable(heads, tenant, mac_key)

    def create(self, connection: Connection) -> None:
        """Start with an empty table."""
        self._rows.insert(connection, {"id": self._table.name, **self._fields(0, 0)})

    def move(self, connection: Connection, *, gone: Sequence[str] = (), come: Sequence[str] = ()) -> None:
        """Take some rows' codes out and others' in, within the caller's transaction."""
        row = self._read(connection)
        total = self._unblinded(row) - sum(self._hash("row", code) for code in gone)
        total = (total + sum(self._hash("row", code) for code in come)) % _MODULUS
        self._rows.replace(connection, row, **self._fields(row["rows"] + len(come) - len(gone), total))

    def check(self, connection: Connection) -> None:
        """Verify every row, and the set of them against the head.

        Raises:
            VerificationError: A row was changed, deleted, put back to an older state, or added.
        """
        row = self._read(connection)
        # Reading verifies each row's own code; the head then vouches that these are the rows.
        codes = [
            found["mac"] for found in SealedTable(self._table, self._tenant, self._mac_key).find(connection)
        ]
        count, total = len(codes), sum(self._hash("row", code) for code in codes) % _MODULUS
        if count != row["rows"] or total != self._unblinded(row):
            raise tampered(f"control table {self._table.name} ({count} rows, its head says {row['rows']})")

    def rekey(self, connection: Connection, mac_key: bytes, codes: Sequence[str]) -> None:
        """Vouch under another key for rows with these codes; see `SealedTable.rekey`."""
        fresh = TableHead(self._table, self._tenant, mac_key, self._random)
        total = sum(fresh._hash("row", code) for code in codes) % _MODULUS
        row = self._read(connection)
        fields = {**fresh._fields(len(codes), total), "version": row["version"] + 1}
        values = fresh._rows.sealed({**row, **fields})
        connection.execute(
            update(heads).where(heads.c.tenant == self._tenant, heads.c.id == row["id"]).values(values)
        )

    def use(self, mac_key: bytes) -> None:
        """Read and write under another key from now on."""
        self._mac_key = mac_key
        self._rows.use(mac_key)

    def _read(self, connection: Connection) -> Row:
        row = self._rows.get(connection, self._table.name)
        if row is None:
            raise tampered(f"control table {self._table.name} (its head is gone)")
        return row

    def _fields(self, rows: int, total: int) -> dict[str, object]:
        nonce = self._random(16).hex()
        return {
            "rows": rows,
            "nonce": nonce,
            "digest": f"{(total + self._hash('nonce', nonce)) % _MODULUS:064x}",
        }

    def _unblinded(self, row: Row) -> int:
        return (int(row["digest"], 16) - self._hash("nonce", row["nonce"])) % _MODULUS

    def _hash(self, kind: str, value: str) -> int:
        message = f"glasshatch control head v1\0{kind}\0{self._table.name}\0{value}".encode(
            "utf-8", "replace"
        )
        return int.from_bytes(hmac.digest(self._mac_key, message, hashlib.sha256), "big")
