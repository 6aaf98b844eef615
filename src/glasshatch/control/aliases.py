"""Which names actors go by elsewhere, each for a time: what an administrator declared.

An alias is never changed into another: it ends, and a new one begins. What an event says stays as it is.
"""

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

_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class KeptAlias(msgspec.Struct, frozen=True, kw_only=True):
    """A principal of a namespace is an actor, from a time until before another; 0 for from ever, for good.

    feed: the one feed in which it holds, by its name; empty for all. asserted: by what: `admin`.
    """

    id: str
    namespace: str
    principal: str
    feed: str
    actor_id: str
    asserted: str
    reason: str
    since_ns: int
    until_ns: int
    created_by: str
    created_ns: int
    ended_by: str = ""
    ended_why: str = ""
    changed_ns: int = 0

    def meets(self, other: KeptAlias) -> bool:
        """Whether there is an event that both would name: same principal and feed, at one time."""
        same = (self.namespace, small(self.principal)) == (other.namespace, small(other.principal))
        feeds = not self.feed or not other.feed or self.feed == other.feed
        return same and feeds and _before(self.since_ns, other) and _before(other.since_ns, self)


def _before(start_ns: int, other: KeptAlias) -> bool:
    """Whether the other one still holds at a moment, or never ends; one that ended as it began never held.

    Zero means for good, so one that was to hold from ever and never held ends at 1.
    """
    if other.until_ns and other.until_ns <= max(other.since_ns, 1):
        return False
    return not other.until_ns or start_ns < other.until_ns


def small(text: str) -> str:
    """ASCII letters in lower case: so names are compared, as everywhere in the record."""
    return text.translate(_SMALL)


class Aliases:
    """The aliases of one tenant. Blocks on the disk; safe from any thread.

    As elsewhere, `record` runs inside the step's transaction, before it counts.
    """

    def __init__(self, database: Database, table: SealedTable, random: Random) -> None:
        self._database = database
        self._table = table
        self._random = random

    def add(
        self, alias: KeptAlias, now_ns: int, *, record: Callable[[KeptAlias], object] = unrecorded
    ) -> KeptAlias:
        """Declare one; its id is made here.

        Raises:
            Conflict: Another alias says who that principal is, at a time that both hold.
        """
        alias = msgspec.structs.replace(
            alias, id=uuid7(now_ns, self._random(10)), created_ns=now_ns, changed_ns=now_ns
        )
        with self._database.write() as connection:
            self._refuse_met(connection, alias)
            self._table.insert(connection, msgspec.structs.asdict(alias))
            record(alias)
        return alias

    def end(
        self,
        id: str,
        until_ns: int,
        now_ns: int,
        *,
        by: str,
        why: str,
        record: Callable[[KeptAlias], object] = unrecorded,
    ) -> KeptAlias:
        """Let one hold until before a time; its beginning, or before, means that it never held.

        Raises:
            ConfigError: There is none of this id.
            Conflict: It ended already by then.
        """
        with self._database.write() as connection:
            row = self._table.get(connection, id)
            if row is None:
                raise ConfigError(
                    "there is no alias with this id", key="alias", hint="list them: glasshatch aliases list"
                )
            until_ns = max(until_ns, row["since_ns"], 1)
            if row["until_ns"] and row["until_ns"] <= until_ns:
                raise Conflict(
                    f"alias {id} had ended by then already",
                    hint="it does not begin again: add one",
                )
            ended = _alias(self._table.replace(
                connection, row, until_ns=until_ns, ended_by=by, ended_why=why, changed_ns=now_ns
            ))  # fmt: skip
            record(ended)
        return ended

    def list(self) -> list[KeptAlias]:
        """Every alias there was, oldest first."""
        with self._database.read() as connection:
            return [_alias(row) for row in self._table.find(connection)]

    def _refuse_met(self, connection: Connection, alias: KeptAlias) -> None:
        columns = self._table.columns
        same = self._table.find(connection, columns.namespace == alias.namespace)
        for other in map(_alias, same):
            if not alias.meets(other):
                continue
            who = "the same actor" if other.actor_id == alias.actor_id else "another actor"
            raise Conflict(
                f"alias {other.id} says already that this principal is {who}, at a time that both would hold",
                hint="end that one first, or give times that do not overlap: --since, --until",
            )


def _alias(row: Row) -> KeptAlias:
    return msgspec.convert(row, KeptAlias)
