"""Which actor is whom at an identity provider, kept, with the provider's token to ask with again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, and_, func, select

from ..errors import Conflict
from .database import Database
from .people import unrecorded
from .schema_people import actors, links
from .sealed import Row, SealedTable


class ProviderLink(msgspec.Struct, frozen=True, kw_only=True):
    """One actor at one provider. `id` is the actor's.

    Attributes:
        subject: The provider's own name for them, that never changes; empty before their first sign-in.
        external_id: Their name in the directory that made the actor.
        refresh: A token to ask with, sealed, in base64 under the data key `key_id`; empty if there is none.
        refresh_ns: When to ask; 0 for never.
    """

    id: str
    provider: str
    subject: str = ""
    external_id: str = ""
    groups: tuple[str, ...] = ()
    refresh: str = ""
    key_id: str = ""
    refresh_ns: int = 0
    created_ns: int = 0
    changed_ns: int = 0

    def __repr__(self) -> str:
        return f"ProviderLink({self.id!r}, {self.provider!r})"


class Links:
    """The links of one tenant. Blocks on the disk; safe from any thread."""

    def __init__(self, database: Database, table: SealedTable) -> None:
        self._database = database
        self._table = table

    def of(self, actor_id: str) -> ProviderLink | None:
        """The link of an actor."""
        with self._database.read() as connection:
            row = self._table.get(connection, actor_id)
        return _link(row) if row else None

    def whose(self, provider: str, subject: str) -> ProviderLink | None:
        """The link of whoever has this name at the provider."""
        columns = self._table.columns
        with self._database.read() as connection:
            rows = self._table.find(connection, columns.provider == provider, columns.subject == subject)
        return _link(rows[0]) if rows else None

    def due(self, now_ns: int, most: int = 50) -> list[ProviderLink]:
        """Whom to ask about now, not more than so many."""
        columns = self._table.columns
        with self._database.read() as connection:
            rows = self._table.find(
                connection, columns.refresh_ns > 0, columns.refresh_ns <= now_ns, newest=most
            )
        return [_link(row) for row in rows]

    def all(self) -> dict[str, ProviderLink]:
        """Every link by its actor's id."""
        with self._database.read() as connection:
            return {row["id"]: _link(row) for row in self._table.find(connection)}

    def page(self, providers: Sequence[str], start: int, count: int) -> tuple[int, list[ProviderLink]]:
        """Some of the links of these providers, by their actors' names; and how many there are in all.

        Only the rows that are given are verified: a directory walks through ten thousand in pages.
        """
        columns = self._table.columns
        ours = and_(columns.tenant == self._table.tenant, columns.provider.in_(providers))
        with self._database.read() as connection:
            total = connection.execute(select(func.count()).select_from(links).where(ours)).scalar_one()
            wanted = (
                select(columns.id)
                .join(actors, and_(actors.c.tenant == columns.tenant, actors.c.id == columns.id))
                .where(ours).order_by(actors.c.name).limit(count).offset(start)
            )  # fmt: skip
            ids = list(connection.execute(wanted).scalars())
            found = {row["id"]: _link(row) for row in self._table.find(connection, columns.id.in_(ids))}
        return total, [found[id] for id in ids]

    def some(self, ids: Sequence[str]) -> dict[str, ProviderLink]:
        """The links of those of these actors that have one, a thousand at most."""
        with self._database.read() as connection:
            rows = self._table.find(connection, self._table.columns.id.in_(ids))
        return {row["id"]: _link(row) for row in rows}

    def keep(
        self, link: ProviderLink, now_ns: int, *, record: Callable[[ProviderLink], object] = unrecorded
    ) -> ProviderLink:
        """Store a link, or what changed of it.

        Raises:
            Conflict: Another actor has this name at the provider.
        """
        with self._database.write() as connection:
            self._refuse_taken(connection, link)
            row = self._table.get(connection, link.id)
            created_ns = row["created_ns"] if row else now_ns
            link = msgspec.structs.replace(link, created_ns=created_ns, changed_ns=now_ns)
            if row is None:
                self._table.insert(connection, _row(link))
            else:
                self._table.replace(connection, row, **_row(link))
            record(link)
        return link

    def insert(self, connection: Connection, link: ProviderLink, now_ns: int) -> None:
        """Store a new actor's link within the caller's transaction, which stores the actor too.

        Raises:
            Conflict: Another actor has this name at the provider.
        """
        self._refuse_taken(connection, link)
        self._table.insert(
            connection, _row(msgspec.structs.replace(link, created_ns=now_ns, changed_ns=now_ns))
        )

    def _refuse_taken(self, connection: Connection, link: ProviderLink) -> None:
        columns = self._table.columns
        if link.subject and self._table.find(
            connection,
            columns.provider == link.provider,
            columns.subject == link.subject,
            columns.id != link.id,
        ):
            raise Conflict("another actor is this person at the provider", hint="glasshatch actors ls")


def _link(row: Row) -> ProviderLink:
    fields = {name: row[name] for name in ProviderLink.__struct_fields__}
    return msgspec.convert(
        {
            **fields, "subject": row["subject"] or "", "external_id": row["external_id"] or "",
            "groups": msgspec.json.decode(row["groups"]),
        },
        ProviderLink,
    )  # fmt: skip


def _row(link: ProviderLink) -> Row:
    row = msgspec.structs.asdict(link)
    return {
        **row, "subject": link.subject or None, "external_id": link.external_id or None,
        "groups": msgspec.json.encode(link.groups).decode(),
    }  # fmt: skip
