"""What people prove themselves with, kept: password, second factor, recovery codes; and how often it
failed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from ..identity import Failures
from .database import Database
from .people import Actors, unrecorded
from .sealed import Row, SealedTable


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """One person's. Everything is empty where there is none of it; its representation shows nothing.

    Attributes:
        password: A PHC string.
        totp: The second factor's secret, sealed, in base64; `key_id` is the data key it is sealed under.
        totp_step: The time step of the code that was accepted last.
        recovery: Hashes of the codes that are left.
    """

    id: str
    password: str = ""
    totp: str = ""
    key_id: str = ""
    totp_step: int = -1
    recovery: tuple[str, ...] = ()
    changed_ns: int = 0

    def __repr__(self) -> str:
        return f"Credentials({self.id!r})"


Step = Callable[[Credentials], Credentials]


class CredentialStore:
    """The credentials of one tenant's people. Blocks on the disk; safe from any thread."""

    def __init__(self, database: Database, table: SealedTable, attempts: SealedTable, actors: Actors) -> None:
        self._database = database
        self._table = table
        self._attempts = attempts
        self._actors = actors

    def of(self, actor_id: str) -> Credentials:
        """Somebody's; empty ones if they have none."""
        with self._database.read() as connection:
            return self._read(connection, actor_id)[0]

    def list(self) -> list[Credentials]:
        """Everybody's who has any."""
        with self._database.read() as connection:
            return [_credentials(row) for row in self._table.find(connection)]

    def change(
        self, actor_id: str, step: Step, now_ns: int, *, record: Callable[[Credentials], object] = unrecorded
    ) -> Credentials:
        """Take one step, in one transaction: `step` gets what is kept now, and gives what is to be kept.

        Two at once cannot both spend one code: the later sees what the earlier left. An exception of `step`
        or of `record` leaves everything as it was.
        """
        with self._database.write() as connection:
            self._actors.read(connection, actor_id)
            found, row = self._read(connection, actor_id)
            changed = msgspec.structs.replace(step(found), changed_ns=now_ns)
            if row is None:
                self._table.insert(connection, _row(changed))
            else:
                self._table.replace(connection, row, **_row(changed))
            record(changed)
        return changed

    def failures(self, actor_id: str) -> Failures:
        """How often somebody failed in a row, over restarts too."""
        with self._database.read() as connection:
            row = self._attempts.get(connection, actor_id)
        return Failures(row["failures"], row["last_ns"]) if row else Failures()

    def fail(self, actor_id: str, now_ns: int) -> Failures:
        """Count one more failure; durable when this returns."""
        with self._database.write() as connection:
            row = self._attempts.get(connection, actor_id)
            found = (Failures(row["failures"], row["last_ns"]) if row else Failures()).one_more(now_ns)
            values = {"id": actor_id, "failures": found.count, "last_ns": found.last_ns}
            if row is None:
                self._attempts.insert(connection, values)
            else:
                self._attempts.replace(connection, row, **values)
        return found

    def succeeded(self, actor_id: str) -> None:
        """Their failures do not count any more."""
        with self._database.write() as connection:
            self._attempts.delete(connection, self._attempts.columns.id == actor_id)

    def _read(self, connection: Connection, actor_id: str) -> tuple[Credentials, Row | None]:
        row = self._table.get(connection, actor_id)
        if row is None:
            return Credentials(id=actor_id), None
        return _credentials(row), row


def _credentials(row: Row) -> Credentials:
    fields = {name: row[name] for name in ("id", "password", "totp", "key_id", "totp_step", "changed_ns")}
    return Credentials(**fields, recovery=tuple(msgspec.json.decode(row["recovery"])))


def _row(credentials: Credentials) -> Row:
    row = msgspec.structs.asdict(credentials)
    return {**row, "recovery": msgspec.json.encode(credentials.recovery).decode()}
