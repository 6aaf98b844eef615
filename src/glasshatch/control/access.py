"""Requests, reviews and grants, kept: each step is one transaction, and only one of two rivals wins."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection

from .. import policy
from ..errors import ConfigError, Denied
from ..events import uuid7
from ..identity import Identity, Random
from ..policy import Grant, GrantLimits, Request, RequestKind, RequestState, Review
from .database import Database
from .people import Actors, unrecorded
from .sealed import Row, SealedTable, tampered

_LISTED = 1000


class Requests:
    """Requests and their reviews.

    `reason`, `ticket` and `comment` are free text in which people write personal data: callers
    redact them before they get here, and what gets here is stored as it is.

    Every step takes `record`, which is called within the step's transaction, before it is
    committed: if it raises, the step did not happen; a crash after it leaves a step that is
    recorded and not in force, never the other way round.
    """

    def __init__(
        self,
        database: Database,
        *,
        requests: SealedTable,
        reviews: SealedTable,
        actors: Actors,
        grants: Grants,
        random: Random,
    ) -> None:
        self._database = database
        self._requests = requests
        self._reviews = reviews
        self._actors = actors
        self._grants = grants
        self._random = random

    def create(
        self,
        actor: Identity,
        *,
        resource: str,
        verbs: Sequence[str],
        duration_ns: int,
        reason: str,
        now_ns: int,
        ticket: str = "",
        limits: GrantLimits | None = None,
        kind: RequestKind = "session",
        beside: Callable[[Connection, Request], object] | None = None,
        record: Callable[[Request], object] = unrecorded,
    ) -> Request:
        """Store an actor's request; reason and ticket are redacted already.

        Args:
            beside: Stores what belongs to it, in the same transaction.

        Raises:
            ConfigError: Something asked for is not acceptable: says which.
            Denied: The actor is disabled.
        """
        request = policy.ask(
            actor,
            id=self._id(now_ns),
            resource=resource,
            verbs=verbs,
            duration_ns=duration_ns,
            reason=reason,
            ticket=ticket,
            now_ns=now_ns,
            limits=limits,
            kind=kind,
        )
        with self._database.write() as connection:
            self._requests.insert(connection, _request_row(request))
            if beside is not None:
                beside(connection, request)
            record(request)
        return request

    def get(self, id: str) -> Request:
        """The request with this id, with its reviews.

        Raises:
            ConfigError: There is none.
        """
        with self._database.read() as connection:
            return self._read(connection, id)[0]

    def approve(
        self,
        id: str,
        reviewer: Identity,
        now_ns: int,
        comment: str = "",
        *,
        record: Callable[[Request, Grant | None], object] = unrecorded,
    ) -> tuple[Request, Grant | None]:
        """Record an approval, and with the last one needed the grant, both or neither.

        Raises:
            Denied: This reviewer may not, or requester or reviewer is disabled by now.
            Conflict: Somebody else settled the request first, or it waited too long.
            ConfigError: There is no such request.
        """
        with self._database.write() as connection:
            request, row = self._read(connection, id)
            self._require_enabled(connection, reviewer.id, request.actor_id)
            reviewed, grant = policy.approve(
                request,
                reviewer,
                now_ns,
                review_id=self._id(now_ns),
                grant_id=self._id(now_ns),
                comment=comment,
            )
            stored = self._store(connection, row, reviewed)
            if grant:
                self._grants.insert(connection, grant)
            record(stored, grant)
        if grant:
            self._grants.forget(grant.actor_id)
        return stored, grant

    def deny(
        self,
        id: str,
        reviewer: Identity,
        now_ns: int,
        comment: str = "",
        *,
        record: Callable[[Request], object] = unrecorded,
    ) -> Request:
        """Record a denial; raises as `approve` does."""
        with self._database.write() as connection:
            request, row = self._read(connection, id)
            self._require_enabled(connection, reviewer.id)
            denied = policy.deny(request, reviewer, now_ns, review_id=self._id(now_ns), comment=comment)
            stored = self._store(connection, row, denied)
            record(stored)
            return stored

    def withdraw(
        self, id: str, actor: Identity, now_ns: int, *, record: Callable[[Request], object] = unrecorded
    ) -> Request:
        """Take a request back.

        Raises:
            Denied: It is somebody else's.
            Conflict: It is settled already.
            ConfigError: There is no such request.
        """
        with self._database.write() as connection:
            request, row = self._read(connection, id)
            stored = self._store(connection, row, policy.withdraw(request, actor, now_ns))
            record(stored)
            return stored

    def expire(self, now_ns: int, *, record: Callable[[Request], object] = unrecorded) -> list[Request]:
        """End every request that waited too long, and say which ended now."""
        columns = self._requests.columns
        overdue = (columns.state == "pending", columns.expires_ns <= now_ns)
        # Asked first without the write lock: this runs all the time and mostly finds nothing.
        with self._database.read() as connection:
            ids = [row["id"] for row in self._requests.find(connection, *overdue)]
        return [ended for id in ids if (ended := self._expire(id, now_ns, record))]

    def _expire(self, id: str, now_ns: int, record: Callable[[Request], object]) -> Request | None:
        with self._database.write() as connection:
            request, row = self._read(connection, id)
            if request.state != "pending":
                return None
            stored = self._store(connection, row, policy.expire(request, now_ns))
            record(stored)
            return stored

    def _read(self, connection: Connection, id: str) -> tuple[Request, Row]:
        row = self._requests.get(connection, id)
        if row is None:
            raise ConfigError(
                "there is no request with this id", key="request", hint="list them: glasshatch requests"
            )
        return self._request(connection, row), row

    def _request(self, connection: Connection, row: Row) -> Request:
        reviews = self._reviews.find(connection, self._reviews.columns.request_id == row["id"])
        if len(reviews) != row["reviewed"]:
            raise tampered(f"control table reviews, those of request {row['id']}")
        return _request(row, reviews)

    def _store(self, connection: Connection, row: Row, request: Request) -> Request:
        """Write the step: the request's new version, and the review if there is a new one."""
        kept = self._reviews.find(connection, self._reviews.columns.request_id == request.id)
        for review in request.reviews[len(kept) :]:
            self._reviews.insert(connection, msgspec.structs.asdict(review))
        new = self._requests.replace(
            connection, row, state=request.state, closed_ns=request.closed_ns, reviewed=len(request.reviews)
        )
        return msgspec.structs.replace(request, version=new["version"])

    def _require_enabled(self, connection: Connection, *ids: str) -> None:
        # The identity a caller hands in is a snapshot; whether it still may act is asked here.
        if not all(self._actors.enabled(connection, id) for id in ids):
            raise Denied("the requester or the reviewer is disabled", hint="an admin can enable them")

    def _id(self, now_ns: int) -> str:
        return uuid7(now_ns, self._random(10))

    def list(self, state: RequestState | None = None, actor_id: str = "") -> list[Request]:
        """The newest thousand requests that fit, oldest first."""
        columns = self._requests.columns
        where = [columns.state == state] if state else []
        where += [columns.actor_id == actor_id] if actor_id else []
        with self._database.read() as connection:
            rows = self._requests.find(connection, *where, newest=_LISTED)
            return [self._request(connection, row) for row in rows]


class Grants:
    """Grants, with those in force of each actor kept in memory.

    The memory is right because one server owns the store and each write here forgets what it
    touched. A statement's decision asks `of`, so it costs no query.
    """

    _ACTORS = 10_000

    def __init__(self, database: Database, table: SealedTable, actors: Actors) -> None:
        self._database = database
        self._table = table
        self._actors = actors
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[Grant, ...]] = OrderedDict()
        self._writes = 0
        self.changed: Callable[[], object] = lambda: None
        """Told after every change of what some actor may: of grants, and of the actors themselves."""

    def of(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        """The grants in force of an actor; none for one that is disabled."""
        return tuple(grant for grant in self.unended(actor_id, now_ns) if grant.active(now_ns))

    def unended(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        """Those that were in force when they were read, or may be later; none for one that is disabled."""
        with self._lock:
            held, writes = self._held.get(actor_id), self._writes
        if held is None:
            held = self._load(actor_id, now_ns)
            self._keep(actor_id, held, writes)
        return held

    def get(self, id: str) -> Grant:
        """The grant with this id.

        Raises:
            ConfigError: There is none.
        """
        with self._database.read() as connection:
            return _grant(self._read(connection, id))

    def revoke(
        self, id: str, by: str, now_ns: int, *, record: Callable[[Grant], object] = unrecorded
    ) -> Grant:
        """Take a grant back: from when this returns, no decision rests on it.

        Raises:
            Conflict: It had ended already.
            ConfigError: There is no such grant.
        """
        with self._database.write() as connection:
            row = self._read(connection, id)
            revoked = _grant(row).revoke(now_ns, by)
            row = self._table.replace(
                connection, row, revoked_ns=revoked.revoked_ns, revoked_by=revoked.revoked_by
            )
            record(revoked)
        self.forget(revoked.actor_id)
        return _grant(row)

    def ran_out(self, now_ns: int) -> list[Grant]:
        """Grants that ended by themselves and whose end is not marked as recorded, at most 1000.

        Record `grant.expired` for each and, once that is durable, call `mark_expiry_recorded`; after
        a crash in between the event is recorded twice, never not at all.
        """
        columns = self._table.columns
        where = (columns.expiry_recorded == 0, columns.revoked_ns == 0, columns.expires_ns <= now_ns)
        with self._database.read() as connection:
            return [_grant(row) for row in self._table.find(connection, *where, newest=_LISTED)]

    def mark_expiry_recorded(self, *ids: str) -> None:
        """Say that the record knows these grants have run out."""
        with self._database.write() as connection:
            for id in ids:
                self._table.replace(connection, self._read(connection, id), expiry_recorded=1)

    def insert(self, connection: Connection, grant: Grant) -> None:
        """Store a new grant within the caller's transaction; the caller calls `forget` after it."""
        row = msgspec.structs.asdict(grant)
        row |= {"verbs": _json(grant.verbs), "approvers": _json(grant.approvers), "expiry_recorded": 0}
        self._table.insert(connection, row)

    def forget(self, actor_id: str | None = None) -> None:
        """Drop what is kept in memory of one actor, or of all."""
        with self._lock:
            self._writes += 1
            if actor_id is None:
                self._held.clear()
            else:
                self._held.pop(actor_id, None)
        # After the memory: whoever is told asks anew, and must not be given what was kept.
        self.changed()

    def _load(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        columns = self._table.columns
        where = (columns.actor_id == actor_id, columns.revoked_ns == 0, columns.expires_ns > now_ns)
        with self._database.read() as connection:
            if not self._actors.enabled(connection, actor_id):
                return ()
            return tuple(_grant(row) for row in self._table.find(connection, *where))

    def _keep(self, actor_id: str, held: tuple[Grant, ...], writes: int) -> None:
        with self._lock:
            # A write since the query began may have changed the answer: then do not keep it.
            if writes == self._writes:
                self._held[actor_id] = held
                if len(self._held) > self._ACTORS:
                    self._held.popitem(last=False)

    def _read(self, connection: Connection, id: str) -> Row:
        row = self._table.get(connection, id)
        if row is None:
            raise ConfigError(
                "there is no grant with this id", key="grant", hint="list them: glasshatch grants"
            )
        return row

    def in_force(self, now_ns: int) -> list[Grant]:
        """All that are in force now, oldest first; those of disabled actors too."""
        columns = self._table.columns
        where = (columns.revoked_ns == 0, columns.expires_ns > now_ns)
        with self._database.read() as connection:
            found = [_grant(row) for row in self._table.find(connection, *where)]
        return [grant for grant in found if grant.active(now_ns)]

    def list(self, actor_id: str = "") -> list[Grant]:
        """The newest thousand grants, or those of one actor, oldest first; ended ones too."""
        where = [self._table.columns.actor_id == actor_id] if actor_id else []
        with self._database.read() as connection:
            return [_grant(row) for row in self._table.find(connection, *where, newest=_LISTED)]


def _request_row(request: Request) -> Row:
    row = msgspec.structs.asdict(request)
    row["reviewed"] = len(row.pop("reviews"))
    return {**row, "verbs": _json(request.verbs), "on_behalf_of": request.on_behalf_of or None}


def _request(row: Row, reviews: Sequence[Row]) -> Request:
    value = {**row, "verbs": msgspec.json.decode(row["verbs"]), "on_behalf_of": row["on_behalf_of"] or ""}
    return msgspec.convert(
        {**value, "reviews": [msgspec.convert(review, Review) for review in reviews]}, Request
    )


def _grant(row: Row) -> Grant:
    lists = {name: msgspec.json.decode(row[name]) for name in ("verbs", "approvers")}
    return msgspec.convert({**row, **lists, "request_id": row["request_id"] or ""}, Grant)


def _json(value: Sequence[str]) -> str:
    return msgspec.json.encode(list(value)).decode()
