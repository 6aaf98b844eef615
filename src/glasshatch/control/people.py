"""Actors, kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from ..errors import ConfigError
from ..events import uuid7
from ..identity import Ending, Identity, IdentityType, Random
from .database import Database
from .sealed import Row, SealedTable


def unrecorded(*_: object) -> None:
    """The default witness of a step: nobody is told."""


_ROLE = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_MAX_NAME_CHARS = 200
_AT_ONCE = 500


class Actors:
    """Who there is: humans, services and agents, by id and by name.

    Every step takes `record`, called within its transaction as in `Requests`.
    """

    def __init__(
        self,
        database: Database,
        table: SealedTable,
        random: Random,
        changed: Callable[[], None],
        ended: Callable[[Ending], None],
    ) -> None:
        self._database = database
        self._table = table
        self._random = random
        self._changed = changed
        self._ended = ended
        self._lock = threading.Lock()
        self._held: dict[str, Identity] = {}
        self._writes = 0

    def current(self, id: str) -> Identity:
        """The actor as they are now, from memory once asked for; `disabled` also if their human is.

        A statement's decision asks this, so a change of roles holds from the next statement on.

        Raises:
            ConfigError: There is none.
        """
        with self._lock:
            held, writes = self._held.get(id), self._writes
        if held is not None:
            return held
        with self._database.read() as connection:
            actor = self.read(connection, id)
            actor = msgspec.structs.replace(actor, disabled=not self.enabled(connection, id))
        with self._lock:
            # A write since the look may have changed the answer: then do not keep it.
            if writes == self._writes:
                self._held[id] = actor
        return actor

    def create(
        self,
        name: str,
        type: IdentityType = "human",
        roles: Iterable[str] = (),
        *,
        now_ns: int,
        on_behalf_of: str = "",
        record: Callable[[Identity], object] = unrecorded,
        beside: Callable[[Connection, Identity], object] = unrecorded,
    ) -> Identity:
        """Add an actor.

        Args:
            on_behalf_of: For an agent, the id of the human behind it.
            beside: Called within the transaction, to store what belongs to the new actor.

        Raises:
            ConfigError: The name, a role or the human behind an agent is not acceptable.
            Conflict: The name is taken.
        """
        if not (0 < len(name) <= _MAX_NAME_CHARS and name.isprintable() and name == name.strip()):
            raise ConfigError("a name has 1 to 200 printable characters", key="name")
        id = uuid7(now_ns, self._random(10))
        row: Row = {
            "id": id,
            "type": type,
            "name": name,
            "roles": _roles(roles),
            "on_behalf_of": on_behalf_of or None,
            "disabled": 0,
            "created_ns": now_ns,
            "changed_ns": now_ns,
        }
        with self._database.write() as connection:
            self._check_human(connection, type, on_behalf_of)
            self._table.insert(connection, row)
            actor = self.read(connection, id)
            beside(connection, actor)
            record(actor)
        return actor

    def get(self, id: str) -> Identity:
        """The actor with this id.

        Raises:
            ConfigError: There is none.
        """
        with self._database.read() as connection:
            return self.read(connection, id)

    def named(self, name: str) -> Identity:
        """The actor with this name.

        Raises:
            ConfigError: There is none.
        """
        with self._database.read() as connection:
            rows = self._table.find(connection, self._table.columns.name == name)
        if not rows:
            raise ConfigError(
                "there is no actor of this name", key="actor", hint="list them: glasshatch actors ls"
            )
        return _identity(rows[0])

    def list(self) -> list[Identity]:
        """All actors, disabled ones too, oldest first."""
        with self._database.read() as connection:
            return [_identity(row) for row in self._table.find(connection)]

    def set_roles(
        self,
        id: str,
        roles: Iterable[str],
        now_ns: int,
        *,
        record: Callable[[Identity], object] = unrecorded,
    ) -> Identity:
        """Replace an actor's roles."""
        return self._change(id, now_ns, record, roles=_roles(roles))

    def some(self, ids: Iterable[str]) -> dict[str, Identity]:
        """Those of these actors that there are, by their ids."""
        with self._database.read() as connection:
            return {row["id"]: _identity(row) for row in self._find(connection, ids)}

    def put_roles(
        self, connection: Connection, roles: Mapping[str, Iterable[str]], now_ns: int
    ) -> Sequence[Identity]:
        """Replace many actors' roles within the caller's transaction, who calls `moved` after it."""
        changes: list[tuple[Row, Row]] = [
            (row, {"roles": _roles(roles[row["id"]]), "changed_ns": now_ns})
            for row in self._find(connection, roles)
        ]
        return [_identity(row) for row in self._table.replace_all(connection, changes)]

    def moved(self) -> None:
        """Forget what is in memory of actors: some have changed."""
        with self._lock:
            self._writes += 1
            self._held.clear()
        self._changed()

    def _find(self, connection: Connection, ids: Iterable[str]) -> Sequence[Row]:
        every = tuple(ids)
        parts = (every[at : at + _AT_ONCE] for at in range(0, len(every), _AT_ONCE))
        return [
            row for part in parts for row in self._table.find(connection, self._table.columns.id.in_(part))
        ]

    def set_disabled(
        self, id: str, disabled: bool, now_ns: int, *, record: Callable[[Identity], object] = unrecorded
    ) -> Identity:
        """Disable an actor, or enable one again. A disabled one authenticates and holds nothing."""
        changed = self._change(id, now_ns, record, disabled=int(disabled))
        if disabled:
            self._ended(Ending(id, "", "the actor was disabled"))
        return changed

    def read(self, connection: Connection, id: str) -> Identity:
        """As `get`, within a transaction of the store."""
        row = self._table.get(connection, id)
        if row is None:
            raise ConfigError(
                "there is no actor with this id", key="actor", hint="list them: glasshatch actors ls"
            )
        return _identity(row)

    def enabled(self, connection: Connection, id: str) -> bool:
        """Whether the actor, and the human behind an agent, may act at all."""
        actor = self.read(connection, id)
        return not actor.disabled and (not actor.on_behalf_of or self.enabled(connection, actor.on_behalf_of))

    def _change(
        self, id: str, now_ns: int, record: Callable[[Identity], object], **changes: object
    ) -> Identity:
        with self._database.write() as connection:
            self.read(connection, id)
            row = self._table.find(connection, self._table.columns.id == id)[0]
            changed = _identity(self._table.replace(connection, row, changed_ns=now_ns, **changes))
            record(changed)
        self.moved()
        return changed

    def _check_human(self, connection: Connection, type: IdentityType, on_behalf_of: str) -> None:
        if not on_behalf_of:
            return
        # One level only: an agent stands for a human, never for another agent.
        if type != "agent" or self.read(connection, on_behalf_of).type != "human":
            raise ConfigError("only agents act for somebody, and only for a human", key="on_behalf_of")


def _identity(row: Row) -> Identity:
    return msgspec.convert(
        {
            **{name: row[name] for name in ("id", "tenant", "type", "name")},
            "roles": msgspec.json.decode(row["roles"]),
            "on_behalf_of": row["on_behalf_of"] or "",
            "disabled": bool(row["disabled"]),
        },
        Identity,
    )


def _roles(roles: Iterable[str]) -> str:
    unique = sorted(set(roles))
    for role in unique:
        if not _ROLE.fullmatch(role):
            raise ConfigError("a role is a plain lower-case word", key="roles", hint="for example: approver")
    return _json(unique)


def _json(value: Sequence[str]) -> str:
    return msgspec.json.encode(list(value)).decode()
