"""The control store: who there is, what they asked for, and what they may do, for one tenant."""

from __future__ import annotations

from pathlib import Path

from ..identity import Identity, Random, Token
from ..policy import Grant
from . import schema
from .access import Grants, Requests
from .database import Database
from .heads import TableHead
from .migrate import upgrade
from .people import Actors, Tokens
from .sealed import SealedTable


class ControlStore:
    """One tenant's view of the control database. Safe from any thread; one process owns the file.

    Every row read was verified under the tenant's control key. Methods block on the disk, so an
    event loop calls them in a thread, except `grants_of` for an actor asked for before.
    """

    def __init__(self, database: Database, tenant: str, mac_key: bytes, random: Random) -> None:
        """Use `create` or `open`."""
        self._database = database
        self.tenant = tenant
        self._heads = {table.name: TableHead(table, tenant, mac_key, random) for table in schema.TABLES}
        sealed = {
            table.name: SealedTable(table, tenant, mac_key, self._heads[table.name])
            for table in schema.TABLES
        }
        self.actors = Actors(database, sealed["actors"], random, self._forget)
        self.tokens = Tokens(database, sealed["tokens"], self.actors, random)
        self.grants = Grants(database, sealed["grants"], self.actors)
        self.requests = Requests(
            database,
            requests=sealed["requests"],
            reviews=sealed["reviews"],
            actors=self.actors,
            grants=self.grants,
            random=random,
        )

    @classmethod
    def create(cls, path: Path, *, tenant: str, mac_key: bytes, random: Random) -> ControlStore:
        """A new, empty store in a file that does not exist yet.

        Raises:
            Conflict: The file exists.
            ConfigError: The folder does not exist or may not be written.
        """
        database = Database.create(path)
        store = cls(database, tenant, mac_key, random)
        # A crash before this commit leaves an empty file, which `open` says is no control store.
        with database.write() as connection:
            upgrade(connection)
            for head in store._heads.values():
                head.create(connection)
        return store

    @classmethod
    def open(cls, path: Path, *, tenant: str, mac_key: bytes, random: Random) -> ControlStore:
        """An existing store, checked: schema version, structure, and the set of rows of each table.

        Raises:
            ConfigError: No such file, open to others, or of another schema version.
            VerificationError: Rows were deleted, put back or added, or the file is damaged.
        """
        store = cls(Database.open(path), tenant, mac_key, random)
        try:
            store.check()
        except BaseException:
            store.close()
            raise
        return store

    def check(self) -> None:
        """Compare every table with its head.

        Raises:
            VerificationError: Rows were deleted, put back to an older state, or added.
        """
        with self._database.read() as connection:
            for head in self._heads.values():
                head.check(connection)

    def authenticate(self, text: str, now_ns: int) -> tuple[Identity, Token]:
        """Who holds this token, and the token; raises `TokenRefused` (see `Tokens.authenticate`)."""
        return self.tokens.authenticate(text, now_ns)

    def grants_of(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        """The actor's grants in force now, from memory once they have been asked for."""
        return self.grants.of(actor_id, now_ns)

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def _forget(self) -> None:
        self.tokens.forget()
        self.grants.forget()


def migrate(path: Path) -> str:
    """Bring the schema of an older store up to date; the revision it has then.

    Raises:
        ConfigError: No such file, open to others, not a control store, or of a newer version.
    """
    database = Database.open(path, older=True)
    try:
        with database.write() as connection:
            upgrade(connection)
        return database.revision()
    finally:
        database.close()
