"""Groups that a directory keeps, and who is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, and_, func, select
from sqlalchemy.sql.elements import ColumnElement

from ..errors import ConfigError, Conflict
from ..events import uuid7
from ..identity import Identity, Random
from .database import Database
from .people import Actors, unrecorded
from .schema_people import groups as table_of_groups
from .schema_people import memberships as table_of_memberships
from .sealed import Row, SealedTable

_AT_ONCE = 500


class DirectoryGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One group of a directory. external_id: its name there that never changes; empty if it has none."""

    id: str
    provider: str
    name: str
    external_id: str = ""
    created_ns: int = 0
    changed_ns: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes different of a group's members, and of actors' roles with that."""

    come: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    roles: Mapping[str, Sequence[str]] = {}


class Groups:
    """The groups of one tenant. Blocks on the disk; safe from any thread."""

    def __init__(
        self, database: Database, groups: SealedTable, members: SealedTable, actors: Actors, random: Random
    ) -> None:
        self._database = database
        self._groups = groups
        self._members = members
        self._actors = actors
        self._random = random

    def create(
        self,
        provider: str,
        name: str,
        external_id: str,
        now_ns: int,
        record: Callable[[DirectoryGroup], object] = unrecorded,
    ) -> DirectoryGroup:
        """A new group without members.

        Raises:
            Conflict: There is one of this name, capitals aside.
        """
        made = DirectoryGroup(
            id=uuid7(now_ns, self._random(10)),
            provider=provider,
            name=name,
            external_id=external_id,
            created_ns=now_ns,
            changed_ns=now_ns,
        )
        with self._database.write() as connection:
            self._refuse_taken(connection, made)
            self._groups.insert(connection, _row(made))
            record(made)
        return made

    def get(self, id: str) -> DirectoryGroup | None:
        """The group with this id."""
        with self._database.read() as connection:
            row = self._groups.get(connection, id)
        return _group(row) if row else None

    def page(
        self, providers: Sequence[str], start: int, count: int, *, name: str = "", external_id: str = ""
    ) -> tuple[int, list[DirectoryGroup]]:
        """Some groups of these providers by name, or those of a name; and how many there are in all."""
        columns = self._groups.columns
        where: list[ColumnElement[bool]] = [columns.provider.in_(providers)]
        where += [columns.folded == name.casefold()] if name else []
        where += [columns.external_id == external_id] if external_id else []
        whole = and_(columns.tenant == self._groups.tenant, *where)
        with self._database.read() as connection:
            counted = select(func.count()).select_from(table_of_groups).where(whole)
            total = connection.execute(counted).scalar_one()
            wanted = select(columns.id).where(whole).order_by(columns.folded).limit(count).offset(start)
            ids = list(connection.execute(wanted).scalars())
            found = {row["id"]: _group(row) for row in self._groups.find(connection, columns.id.in_(ids))}
        return total, [found[id] for id in ids]

    def members(self, id: str) -> list[str]:
        """Ids of who is in a group, by age of the actors."""
        with self._database.read() as connection:
            return [row["actor_id"] for row in self._find(connection, group_id=id)]

    def of(self, actor_ids: Iterable[str]) -> dict[str, list[DirectoryGroup]]:
        """The groups of each of these actors who is in some."""
        every, found = list(actor_ids), dict[str, list[DirectoryGroup]]()
        columns = self._members.columns
        with self._database.read() as connection:
            rows = [
                row for at in range(0, len(every), _AT_ONCE)
                for row in self._members.find(connection, columns.actor_id.in_(every[at : at + _AT_ONCE]))
            ]  # fmt: skip
            ids = sorted({row["group_id"] for row in rows})
            known = {
                row["id"]: _group(row) for at in range(0, len(ids), _AT_ONCE)
                for row in self._groups.find(
                    connection, self._groups.columns.id.in_(ids[at : at + _AT_ONCE])
                )
            }  # fmt: skip
        for row in rows:
            found.setdefault(row["actor_id"], []).append(known[row["group_id"]])
        return found

    def rename(
        self, group: DirectoryGroup, now_ns: int, record: Callable[[DirectoryGroup], object] = unrecorded
    ) -> DirectoryGroup:
        """Store another name or external id of a group.

        Raises:
            ConfigError: There is no such group.
            Conflict: Another has this name.
        """
        with self._database.write() as connection:
            row = self._row(connection, group.id)
            self._refuse_taken(connection, group)
            changed = msgspec.structs.replace(group, changed_ns=now_ns)
            self._groups.replace(connection, row, **_row(changed))
            record(changed)
        return changed

    def step(
        self, id: str, step: Step, now_ns: int, record: Callable[[Sequence[Identity]], object] = unrecorded
    ) -> None:
        """Change members and roles in one transaction; who is in or out already stays so.

        `record` hears of the actors whose roles are others then.

        Raises:
            ConfigError: There is no such group, or no such actor.
        """
        with self._database.write() as connection:
            row = self._row(connection, id)
            held = {one["actor_id"]: one for one in self._find(connection, id, (*step.come, *step.gone))}
            come = [one for one in dict.fromkeys(step.come) if one not in held]
            self._members.insert_all(
                connection,
                (
                    {"id": f"{id}/{one}", "group_id": id, "actor_id": one, "created_ns": now_ns}
                    for one in come
                ),
            )
            self._members.remove(connection, [held[one] for one in dict.fromkeys(step.gone) if one in held])
            changed = self._actors.put_roles(connection, step.roles, now_ns)
            self._groups.replace(connection, row, changed_ns=now_ns)
            record(changed)
        self._actors.moved()

    def remove(self, id: str, record: Callable[[DirectoryGroup], object] = unrecorded) -> None:
        """Take away a group in which nobody is any more.

        Raises:
            ConfigError: There is no such group.
            Conflict: Somebody came in meanwhile.
        """
        with self._database.write() as connection:
            row = self._row(connection, id)
            if self._count(connection, id):
                raise Conflict("somebody is in the group", hint="give it again")
            self._groups.remove(connection, [row])
            record(_group(row))

    def _count(self, connection: Connection, id: str) -> int:
        columns = self._members.columns
        ours = and_(columns.tenant == self._members.tenant, columns.group_id == id)
        counted = select(func.count()).select_from(table_of_memberships).where(ours)
        return int(connection.execute(counted).scalar_one())

    def _find(
        self, connection: Connection, group_id: str, actor_ids: Sequence[str] | None = None
    ) -> list[Row]:
        columns = self._members.columns
        where: list[ColumnElement[bool]] = [columns.group_id == group_id]
        where += [] if actor_ids is None else [columns.actor_id.in_(actor_ids)]
        return self._members.find(connection, *where)

    def _row(self, connection: Connection, id: str) -> Row:
        row = self._groups.get(connection, id)
        if row is None:
            raise ConfigError("there is no such group in the directory", key="id")
        return row

    def _refuse_taken(self, connection: Connection, group: DirectoryGroup) -> None:
        columns = self._groups.columns
        if self._groups.find(
            connection, columns.provider == group.provider, columns.folded == group.name.casefold(),
            columns.id != group.id,
        ):  # fmt: skip
            raise Conflict("there is a group of this name", hint="capitals make no difference")


def _group(row: Row) -> DirectoryGroup:
    fields = {name: row[name] for name in DirectoryGroup.__struct_fields__}
    return msgspec.convert({**fields, "external_id": row["external_id"] or ""}, DirectoryGroup)


def _row(group: DirectoryGroup) -> Row:
    row = msgspec.structs.asdict(group)
    return {**row, "folded": group.name.casefold(), "external_id": group.external_id or None}


def _membership(group_id: str, actor_id: str, now_ns: int) -> Row:
    return {
        "id": f"{group_id}/{actor_id}", "group_id": group_id, "actor_id": actor_id, "created_ns": now_ns,
    }  # fmt: skip
