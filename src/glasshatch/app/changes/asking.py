"""A statement is put under review: judged, previewed, sealed, and filed as a request, in this order."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection

from ... import policy
from ...api import change_values
from ...api.change_values import StatementForm
from ...control import KeptStatement
from ...errors import Denied, GlasshatchError, Unavailable
from ...events import Data, DecisionMade, Event, Link, Outcome, Resource, StatementText, uuid7
from ...gateway import GuardedResource
from ...gateway.errands import Preview, Upstream, not_previewed, preview, read_catalogue
from ...identity import Identity
from ...keys import Envelope
from ...policy import Request
from ..house import House
from .judging import Judged, find_resource, judge, require_not_denied, understand

_SECOND_NS = 1_000_000_000
_SHOWN_CHARACTERS = 16_384
_AT_ONCE, _PATIENCE_SECONDS = 4, 30
_SEALING = b"glasshatch/statement/v1"

BRIEF = {"lock_timeout": "1s", "statement_timeout": "4s"}
"""How long the database may take for what the gateway asks of its catalogue."""

NoteRequest = Callable[..., None]


class StatementAsking:
    """Files statements. `note` records `request.created` as for every other request."""

    def __init__(self, house: House, note: NoteRequest) -> None:
        self._house = house
        self.note = note
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def file(self, caller: Identity, form: StatementForm) -> Request:
        """Put a statement under review.

        Raises:
            ConfigError: It is not one that could be; says why.
            Denied: No approval could let it run.
            Unavailable: It cannot be recorded.
        """
        house = self._house
        require_person(caller)
        resource = find_resource(house, form.resource)
        filing = self._filing(caller, resource, form)
        judged, found = self._look(caller, resource, form.statement)
        require_not_denied(judged)
        kept = self._kept(resource, judged, found)
        return self.store(caller, kept, filing, found)

    def store(
        self, caller: Identity, kept: KeptStatement, filing: dict[str, Any], found: Preview, *links: Link
    ) -> Request:
        """File the request and its statement together, both recorded before they count."""
        house = self._house

        def beside(connection: Connection, request: Request) -> None:
            house.control.statements.insert(connection, msgspec.structs.replace(kept, request_id=request.id))

        def record(request: Request) -> None:
            house.recorder.record(self._previewed(caller, kept, request.id, found, links))
            self.note("request.created", caller, request)

        where = f"statement/{kept.resource}/{kept.id}"
        request = house.control.requests.create(
            caller, resource=where, verbs=("run",), kind="statement", beside=beside, record=record, **filing
        )
        house.heard(request)
        return request

    def measure(self, caller: Identity, resource: GuardedResource, text: str) -> Preview:
        """What one statement would change, as its reviewer sees it; says why not where it is not known."""
        return self._look(caller, resource, text)[1]

    def filing(self, caller: Identity, resource: str, form: Any) -> dict[str, Any]:
        """What a request is made of, checked before anything is asked of a database."""
        house = self._house
        filing = {
            "duration_ns": form.duration_s * _SECOND_NS, "reason": house.redactor.text(form.reason)[0],
            "ticket": house.redactor.text(form.ticket)[0], "now_ns": house.clock.now_ns(),
        }  # fmt: skip
        section = house.reviews.of("statement", resource, ())
        house.reviews.require_ticket(section, form.ticket)
        filing["limits"] = house.reviews.limits(section)
        policy.ask(caller, id="", resource=resource, verbs=("run",), **filing)
        return filing

    def _filing(self, caller: Identity, resource: GuardedResource, form: StatementForm) -> dict[str, Any]:
        return self.filing(caller, f"statement/{resource.facts.id}", form)

    def _look(self, caller: Identity, resource: GuardedResource, text: str) -> tuple[Judged, Preview]:
        """Policy's word first: what it refuses is not even counted."""
        understand(text)
        if not self._room.acquire(timeout=_PATIENCE_SECONDS):
            raise Unavailable("too many statements are being measured", hint="ask again in a minute")
        try:
            return self._looked(caller, resource, text)
        finally:
            self._room.release()

    def _looked(self, caller: Identity, resource: GuardedResource, text: str) -> tuple[Judged, Preview]:
        house = self._house
        seconds = house.loaded.config.resources[resource.facts.name].preview_seconds
        try:
            with Upstream(
                resource.target, os.urandom, application="glasshatch preview", settings=BRIEF
            ) as upstream:
                judged = judge(house, caller, resource, text, read_catalogue(upstream, resource))
                if judged.decision.effect == "deny":
                    return judged, not_previewed("policy refuses it", house.clock)
                return judged, preview(upstream, text, judged.change, seconds, house.clock)
        except Denied:
            raise
        except GlasshatchError as error:
            return self._unseen(caller, resource, text, error)

    def _unseen(
        self, caller: Identity, resource: GuardedResource, text: str, error: GlasshatchError
    ) -> tuple[Judged, Preview]:
        """The database cannot be asked: how much it changes is unknown, and what is masked is in doubt."""
        judged = judge(self._house, caller, resource, text, None)
        return judged, not_previewed(error.message, self._house.clock)

    def _kept(self, resource: GuardedResource, judged: Judged, found: Preview) -> KeptStatement:
        house, statement = self._house, judged.statement
        now_ns = house.clock.now_ns()
        id, key_id = uuid7(now_ns, os.urandom(10)), house.keyring.data_key.id
        shown = house.redactor.sql(judged.text, statement.literals)
        return KeptStatement(
            id=id, request_id="", resource=resource.facts.id, text=self.seal(id, key_id, judged.text),
            key_id=key_id, shown=_shortened(shown), shape=_shortened(statement.shape), hash=statement.hash,
            verbs=statement.verbs, tables=statement.resources[:48], risks=statement.risks,
            rule=judged.decision.rule, near_masked=judged.near_masked,
            preview=preview_json(found), created_ns=now_ns, changed_ns=now_ns,
        )  # fmt: skip

    def seal(self, id: str, key_id: str, text: str) -> str:
        """The text of a statement as the control store keeps it."""
        return base64.b64encode(self._envelope(key_id).seal(text.encode(), self._place(id))).decode()

    def open(self, kept: KeptStatement) -> str:
        """The text again.

        Raises:
            VerificationError: It was changed.
        """
        sealed = base64.b64decode(kept.text)
        return self._envelope(kept.key_id).open(sealed, self._place(kept.id)).decode()

    def _envelope(self, key_id: str) -> Envelope:
        return self._house.keyring.envelope(key_id).derive(_SEALING)

    def _place(self, id: str) -> bytes:
        return msgspec.json.encode([self._house.tenant, id])

    def _previewed(
        self, caller: Identity, kept: KeptStatement, request_id: str, found: Preview, links: tuple[Link, ...]
    ) -> Event:
        kind, _, name = kept.resource.partition("/")
        return self._house.maker.make(
            "statement.previewed", request_id=request_id,
            # Everybody may read their own events; counts over masked columns are not for who asks.
            actor=None if kept.near_masked else caller.as_actor(),
            outcome=Outcome(status="success" if found.method != "none" else "unknown", reason=found.why),
            resource=Resource(type=kind, id=kept.resource, name=name),
            resources=tuple(
                Resource(type="table", id=f"{kept.resource}/{table.name}", name=table.name)
                for table in found.tables
            ),
            statement=StatementText(text=kept.shown, shape=kept.shape, hash=kept.hash),
            decision=DecisionMade(effect="review", rule=kept.rule, policy_hash=self._house.policy.hash),
            data=Data(), links=links, attrs={"requester": caller.name, **_attributes(kept, found)},
        )  # fmt: skip


def preview_json(found: Preview) -> str:
    """A preview as it is kept: as the API gives it."""
    return msgspec.json.encode(
        change_values.Preview(
            method=found.method, rows=found.rows, exact=found.exact, bound=found.bound,
            estimate=found.estimate,
            tables=tuple(change_values.TableRows(name=one.name, rows=one.rows) for one in found.tables),
            further=found.further, triggers=found.triggers, capped=found.capped, why=found.why,
            measured=str(found.measured_ns), took_ms=found.took_ms,
        )
    ).decode()  # fmt: skip


def require_person(caller: Identity) -> None:
    """Refuse an account of the machine: a review takes two people.

    Raises:
        Denied: It is one.
    """
    if caller.id.startswith("os:"):
        raise Denied(
            "this takes two people, and an account of the machine is nobody's token",
            hint="start the server, then give the command under a token",
        )


def _attributes(kept: KeptStatement, found: Preview) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        "statement_id": kept.id, "verbs": list(kept.verbs), "method": found.method, "exact": found.exact,
        "took_ms": found.took_ms,
    }  # fmt: skip
    numbers = {"rows": found.rows, "estimate": found.estimate}
    attrs |= {name: number for name, number in numbers.items() if number is not None}
    if found.bound:
        attrs["bound"] = found.bound
    lists = {"risks": kept.risks, "further": found.further, "triggers": found.triggers}
    attrs |= {name: list(names[:48]) for name, names in lists.items() if names}
    return attrs | {"by_table": {table.name: table.rows for table in found.tables if table.rows is not None}}


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " [shortened]"
