"""A masked value is asked for: the row is found and read, what would be shown is noted, the request is filed.

The approver judges one row, as it is now: a digest of its values is kept, sealed, and what is shown later has
to be the same.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection

from ... import policy
from ...api.reveal_values import ClearForm
from ...control import KeptReveal, RevealColumn
from ...errors import ConfigError, Denied, Unavailable
from ...events import Access, Data, Event, Link, StatementText, decode, uuid7
from ...gateway import GuardedResource
from ...identity import Identity
from ...keys import Envelope
from ...policy import CLEAR, Request
from ...statements import analyze_sql
from ..changes.asking import require_person
from ..changes.judging import find_resource
from ..house import House
from ..records import find_event
from .reading import Looked, digest_of, look, understand_select
from .recording import ReadSession, shortened

DEED = "value.reveal"
ANSWERED = "statement.run"
_SECOND_NS = 1_000_000_000
_AT_ONCE, _PATIENCE_SECONDS = 4, 30
_SEALING = b"glasshatch/reveal/v1"
_KEY_BYTES = 32
_READABLE = frozenset({"number", "comment"})

NoteRequest = Callable[..., None]


class Sealed(msgspec.Struct, frozen=True):
    """What was asked, what is read again, and by what it is known to be the same."""

    statement: str
    asked: tuple[str, ...]
    columns: tuple[str, ...]
    key: bytes
    digest: str

    def __repr__(self) -> str:
        return "Sealed(…)"


class RevealAsking:
    """Files requests for masked values. `note` records `request.created` as for every other request."""

    def __init__(self, house: House, note: NoteRequest) -> None:
        self._house = house
        self._note = note
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def file(self, caller: Identity, form: ClearForm) -> Request:
        """The request for this: one that waits or is approved and not shown yet, else a new one.

        Raises:
            ConfigError: It is none that could be; says why.
            Conflict: The statement does not give exactly one row.
            Denied: The caller may not ask, or no approval could let it be read.
            Unavailable: The database does not answer, or it cannot be recorded.
        """
        house = self._house
        require_asker(house, caller)
        origin = self._origin(caller, form.event) if form.event else None
        resource = find_resource(house, _where(origin, form))
        if resource.dry_run:
            raise ConfigError("answers of this resource pass in clear: it is in a dry run", key="resource")
        text = _text(origin, form)
        if (known := self._known(caller, resource, text, form.columns)) is not None:
            return known
        filing = self._filing(caller, resource, form)
        session = ReadSession(house, caller, resource, access=_why(filing), links=_links(origin))
        with self.room():
            looked = look(house, caller, resource, text, form.columns, session)
        # Nobody has seen anything of it: the exposure ledger has nothing to count.
        session.ended()
        kept = self._kept(resource, looked, form.columns, origin.id if origin else "")
        return self._store(caller, kept, filing)

    def room(self) -> Any:
        """A place among those whose rows are read at the same time, for a `with`.

        Raises:
            Unavailable: There is none in time.
        """
        if not self._room.acquire(timeout=_PATIENCE_SECONDS):
            raise Unavailable("too many values are being read", hint="ask again in a minute")
        return _Place(self._room)

    def opened(self, kept: KeptReveal) -> Sealed:
        """What was sealed when it was asked for.

        Raises:
            VerificationError: It was changed.
        """
        sealed = base64.b64decode(kept.sealed)
        opened = self._envelope(kept.key_id).open(sealed, self._place(kept.id))
        return msgspec.json.decode(opened, type=Sealed)

    def _known(
        self, caller: Identity, resource: GuardedResource, text: str, columns: tuple[str, ...]
    ) -> Request | None:
        """One for the same that may still be shown."""
        house, now_ns = self._house, self._house.clock.now_ns()
        for kept in house.control.reveals.sealed():
            request = house.control.requests.get(kept.request_id)
            if request.actor_id != caller.id or kept.state != "waiting" or kept.resource != resource.facts.id:
                continue
            waits = request.state == "pending" and now_ns < request.expires_ns
            if waits or self.granted(request, now_ns):
                sealed = self.opened(kept)
                if (sealed.statement, sealed.asked) == (text, columns):
                    return request
        return None

    def granted(self, request: Request, now_ns: int) -> bool:
        """Whether a grant for exactly this is in force."""
        grants = self._house.control.grants.of(request.actor_id, now_ns)
        return any(one.covers(request.actor_id, request.resource, ("reveal",), now_ns) for one in grants)

    def _origin(self, caller: Identity, wanted: str) -> Event:
        house = self._house
        event = decode(find_event(house.ledgers.items(), wanted, house.sight_of(caller)).event)
        if event.action != ANSWERED or event.statement is None or event.resource is None:
            raise ConfigError(
                f"event {event.id} is no {ANSWERED}", key="event",
                hint="name the event of the statement whose answer was masked; glasshatch events finds it",
            )  # fmt: skip
        return event

    def _filing(self, caller: Identity, resource: GuardedResource, form: ClearForm) -> dict[str, Any]:
        """What a request is made of, checked before anything is asked of a database."""
        house, where = self._house, f"{CLEAR}/{resource.facts.id}"
        filing: dict[str, Any] = {
            "duration_ns": form.duration_s * _SECOND_NS, "reason": house.redactor.text(form.reason)[0],
            "ticket": house.redactor.text(form.ticket)[0], "now_ns": house.clock.now_ns(),
        }  # fmt: skip
        section = house.reviews.of("reveal", where, ("reveal",))
        house.reviews.require_ticket(section, form.ticket)
        filing["limits"] = house.reviews.limits(section)
        policy.ask(caller, id="", resource=where, verbs=("reveal",), **filing)
        return filing

    def _kept(
        self, resource: GuardedResource, looked: Looked, asked: tuple[str, ...], origin: str
    ) -> KeptReveal:
        house, judged, row = self._house, looked.judged, looked.row
        now_ns, statement = house.clock.now_ns(), judged.statement
        id, key_id, key = uuid7(now_ns, os.urandom(10)), house.keyring.data_key.id, os.urandom(_KEY_BYTES)
        names = tuple(one.name for one in row.columns)
        sealed = Sealed(judged.text, asked, names, key, digest_of(row, key))
        return KeptReveal(
            id=id, request_id="", resource=resource.facts.id, sealed=self._seal(id, key_id, sealed),
            key_id=key_id, shown=shortened(house.redactor.sql(judged.text, statement.literals)),
            shape=shortened(statement.shape), hash=statement.hash, tables=statement.resources[:48],
            columns=tuple(msgspec.convert(one, RevealColumn, from_attributes=True) for one in row.columns),
            subjects=row.subjects, rule=judged.decision.rule, created_ns=now_ns, changed_ns=now_ns,
            origin=origin,
        )  # fmt: skip

    def _store(self, caller: Identity, kept: KeptReveal, filing: dict[str, Any]) -> Request:
        """File the request and what it asks for together, recorded before they count."""
        house = self._house

        def beside(connection: Connection, request: Request) -> None:
            house.control.reveals.insert(connection, msgspec.structs.replace(kept, request_id=request.id))

        request = house.control.requests.create(
            caller, resource=f"{CLEAR}/{kept.resource}/{kept.id}", verbs=("reveal",), kind="reveal",
            beside=beside, record=lambda made: self._note("request.created", caller, made, **_asked(kept)),
            **filing,
        )  # fmt: skip
        house.heard(request)
        return request

    def _seal(self, id: str, key_id: str, sealed: Sealed) -> str:
        data = msgspec.json.encode(sealed)
        return base64.b64encode(self._envelope(key_id).seal(data, self._place(id))).decode()

    def _envelope(self, key_id: str) -> Envelope:
        return self._house.keyring.envelope(key_id).derive(_SEALING)

    def _place(self, id: str) -> bytes:
        return msgspec.json.encode([self._house.tenant, id])


def require_asker(house: House, caller: Identity) -> None:
    """Refuse who may not be shown masked values at all.

    Raises:
        Denied: The access policy does not let them.
    """
    require_person(caller)
    if not house.may(caller, DEED):
        raise Denied(
            f"{caller.name} may not ask for masked values in clear",
            hint=f"people may, agents and services only by a rule of the access policy about {DEED}",
        )


class _Place:
    """A place among a bounded number, given back at the end of a `with`."""

    def __init__(self, room: threading.BoundedSemaphore) -> None:
        self._room = room

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        self._room.release()


def told(kept: KeptReveal) -> dict[str, Any]:
    """What events say of it: the statement redacted, the columns with their classes, whose row it is."""
    return {
        "statement": StatementText(text=kept.shown, shape=kept.shape, hash=kept.hash),
        "data": Data(
            classes=tuple(sorted({one.type for one in kept.columns})),
            columns=tuple(one.column for one in kept.columns), subjects=kept.subjects,
        ),
        "links": (Link(rel="event", id=kept.origin),) if kept.origin else (),
    }  # fmt: skip


def _asked(kept: KeptReveal) -> dict[str, Any]:
    """The same without tokens: everybody may read their own events, and masks may hide more than a token."""
    members = told(kept)
    return members | {"data": msgspec.structs.replace(members["data"], subjects=())}


def _where(origin: Event | None, form: ClearForm) -> str:
    where = origin.resource.id if origin is not None and origin.resource is not None else form.resource
    if not where or (form.resource and form.resource != where):
        raise ConfigError(
            "say where: an event of a masked answer, or a resource", key="resource",
            hint="glasshatch reveal postgres/orders --statement FILE --column email --reason WHY",
        )  # fmt: skip
    return where


def _text(origin: Event | None, form: ClearForm) -> str:
    """The statement: as it is given, or as the event has it if no value was taken out of it."""
    if form.statement.strip():
        statement = understand_select(form.statement)
        if origin is not None and origin.statement and origin.statement.hash != statement.hash:
            raise ConfigError("is not the statement of that event", key="statement")
        return form.statement
    recorded = origin.statement.text if origin is not None and origin.statement else ""
    found = analyze_sql(recorded)
    whole = (
        recorded and "bind" not in ((origin.attrs or {}) if origin else {}) and "unknown" not in found.verbs
    )
    if not whole or any(span.kind not in _READABLE for span in found.literals):
        raise ConfigError(
            "the record has this statement without its values", key="statement",
            hint="give it again: --statement FILE, or --statement - for standard input",
        )  # fmt: skip
    return recorded


def _why(filing: dict[str, Any]) -> Access:
    return Access(reason=filing["reason"], ticket=filing["ticket"])


def _links(origin: Event | None) -> tuple[Link, ...]:
    return (Link(rel="event", id=origin.id),) if origin is not None else ()
