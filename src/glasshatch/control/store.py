"""The control store: who there is, what they asked for, and what they may do, for one tenant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from ..identity import Identity, Random, Token
from ..policy import Grant
from . import schema
from .access import Grants, Requests
from .aliases import Aliases
from .certificates import Certificates
from .copying import copy_database
from .credentials import CredentialStore
from .database import Database
from .endings import Endings
from .erasures import Erasures
from .groups import Groups
from .heads import TableHead
from .holds import Holds
from .incidents import Incidents
from .links import Links
from .migrate import make, upgrade
from .people import Actors
from .reveals import Reveals
from .sealed import SealedTable
from .searches import Searches
from .statements import Statements
from .tokens import Tokens
from .vault import Vault


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
        self.endings = Endings()
        self.actors = Actors(database, sealed["actors"], random, self._forget, self.endings.add)
        self.tokens = Tokens(database, sealed["tokens"], self.actors, random, self.endings.add)
        attempts = SealedTable(schema.attempts, tenant, mac_key)
        self.credentials = CredentialStore(database, sealed["credentials"], attempts, self.actors)
        self.links = Links(database, sealed["links"])
        self.groups = Groups(database, sealed["groups"], sealed["memberships"], self.actors, random)
        self.certificates = Certificates(
            database, sealed["certificates"], sealed["authorities"], self.actors, self.endings.add
        )
        self.grants = Grants(database, sealed["grants"], self.actors)
        self.requests = Requests(
            database,
            requests=sealed["requests"],
            reviews=sealed["reviews"],
            actors=self.actors,
            grants=self.grants,
            random=random,
        )
        self.holds = Holds(database, sealed["holds"], random)
        self.statements = Statements(database, sealed["statements"])
        self.aliases = Aliases(database, sealed["aliases"], random)
        self.searches = Searches(database, sealed["searches"], random)
        self.incidents = Incidents(database, sealed["incidents"], sealed["incident_entries"], random)
        self.reveals = Reveals(database, sealed["reveals"])
        keys, values, marks = (
            SealedTable(table, tenant, mac_key)
            for table in (schema.subject_keys, schema.sealed_values, schema.vault_marks)
        )
        self.erasures = Erasures(database, table=sealed["erasures"], keys=keys, values=values)
        self._tables = (*sealed.values(), attempts, keys, values, marks)
        self.vault = Vault(database, keys=keys, values=values, marks=marks, erasures=self.erasures)

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
            make(connection)
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

    def rekey(self, mac_key: bytes) -> None:
        """Authenticate every row and head under another key, in one transaction, which nobody else sees half.

        A crash leaves the store wholly under the old key or wholly under the new one.

        Raises:
            VerificationError: A row was changed, deleted, put back or added; nothing was changed.
            Unavailable: The disk failed or is full; nothing was changed.
        """
        with self._database.turns.alone():
            with self._database.write() as connection:
                for head in self._heads.values():
                    head.check(connection)
                for table in self._tables:
                    codes = table.rekey(connection, mac_key)
                    if table.table.name in self._heads:
                        self._heads[table.table.name].rekey(connection, mac_key, codes)
            for table in self._tables:
                table.use(mac_key)
            for head in self._heads.values():
                head.use(mac_key)

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


class Migration(msgspec.Struct, frozen=True):
    """What `migrate` found, what it made of it, and where the copy of the older store lies."""

    found: str
    revision: str
    copy: Path | None


def pending_migration(path: Path) -> Migration:
    """What `migrate` would do; changes nothing.

    Raises:
        ConfigError: No such file, open to others, not a control store, or of a newer version.
        VerificationError: The file is damaged, or holds triggers or views nobody here made.
    """
    database = Database.open(path, older=True)
    try:
        found = database.revision()
    finally:
        database.close()
    older = found != schema.REVISION
    return Migration(found, schema.REVISION, path.with_name(f"{path.name}.schema-{found}") if older else None)


def migrate(
    path: Path, record: Callable[[Migration], None], *, tenant: str, mac_key: bytes, random: Random
) -> Migration:
    """Bring the schema of an older store up to date; does nothing to a current one.

    A copy of the older store lies beside it, durable, before anything is changed. `record` is called
    before the change comes into force: if it raises, nothing is changed. A crash at any moment leaves the
    old store or the new one, whole; the same call then finishes.

    Raises:
        ConfigError, VerificationError: As `pending_migration`.
        Unavailable: The disk failed or is full; nothing was changed.
    """
    pending = pending_migration(path)
    if pending.copy is None:
        return pending
    copy_database(path, pending.copy)
    database = Database.open(path, older=True)
    try:
        with database.write() as connection:
            upgrade(connection)
            for revision, tables in schema.HEADED_SINCE.items():
                for table in tables if revision > pending.found else ():
                    TableHead(table, tenant, mac_key, random).create(connection)
            record(pending)
    finally:
        database.close()
    return pending
