"""What was approved is read again and shown once, to who asked for it.

What holds if we stop anywhere: from `start` on it is spent. The record says that it was shown before the
value leaves; a crash in between leaves a record of what nobody has seen, and the next start says that nobody
knows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from ...api.reveal_values import ClearShown, ClearValue
from ...control import KeptReveal, RevealState, require_unspent
from ...errors import ConfigError, Conflict, Denied, GlasshatchError, Unavailable
from ...events import Access, Client, DecisionMade, Event, Link, Outcome, Resource
from ...gateway import GuardedResource
from ...gateway.core import SessionRecord
from ...gateway.errands import ClearRow
from ...identity import Identity
from ...policy import Grant, Request
from ..changes.judging import find_resource
from ..house import House
from .asking import RevealAsking, Sealed, require_asker, told
from .reading import Looked, digest_of, look

SHOWN = "value.revealed"


class RevealShowing:
    """Shows what was approved."""

    def __init__(self, house: House, asking: RevealAsking) -> None:
        self._house = house
        self._asking = asking

    def show(self, caller: Identity, request: Request) -> ClearShown:
        """The values of a request, once.

        Raises:
            Denied: It is somebody else's, not approved, taken back or run out, or policy refuses it now.
            Conflict: It was shown, or the row is not the one that was approved; nothing is shown.
            Unavailable: The database cannot be reached, and it may be shown later; or it cannot be recorded.
        """
        house = self._house
        require_asker(house, caller)
        if request.actor_id != caller.id:
            raise Denied("only who asked for a value may be shown it", hint="ask for it yourself")
        kept = house.control.reveals.of_request(request.id)
        require_unspent(kept)
        grant = self._grant(caller, request)
        sealed, resource = self._asking.opened(kept), find_resource(house, kept.resource)
        work = _Work(house, resource, self._session(caller, resource), kept, request, grant)
        with self._asking.room():
            # Asked once more when the row is there: a grant may be taken back while the database answers.
            return work.show(caller, sealed, lambda: self._grant(caller, request))

    def _grant(self, caller: Identity, request: Request) -> Grant:
        now_ns = self._house.clock.now_ns()
        for grant in self._house.control.grants.of(caller.id, now_ns):
            if grant.covers(caller.id, request.resource, ("reveal",), now_ns):
                return grant
        if request.state == "pending":
            raise Denied(
                f"this waits for somebody else's approval: request {request.id}",
                hint=f"they give: glasshatch approve {request.id}; then give the same command again",
            )
        raise Denied(f"request {request.id} has no grant in force", hint="glasshatch requests --state all")

    def _session(self, caller: Identity, resource: GuardedResource) -> SessionRecord:
        house = self._house
        session = SessionRecord(
            tenant=house.tenant, connector="postgres", instance=str(os.getpid()),
            client=Client(user_agent="glasshatch reveal"), clock=house.clock, random=os.urandom,
        )  # fmt: skip
        session.know_actor(house.control.actors.current(caller.id))
        session.know_resource(resource.facts)
        return session


class _Work(msgspec.Struct):
    """One showing, from its record to its end."""

    house: House
    resource: GuardedResource
    session: SessionRecord
    kept: KeptReveal
    request: Request
    grant: Grant

    def show(self, caller: Identity, sealed: Sealed, granted: Callable[[], object]) -> ClearShown:
        """Begin, read, record, give."""
        house, reveals = self.house, self.house.control.reveals
        shown_id = self.session.new_id()
        # Only one of two who race comes past this; and after a crash nobody does.
        reveals.start(self.kept.id, shown_id, house.clock.now_ns())
        state: RevealState = "unknown"
        why = ""
        try:
            looked = self._read(caller, sealed, granted)
            shown = self._record(looked, shown_id)
            state = "shown"
            return self._given(looked.row, shown)
        except _NotShown as problem:
            state, why = problem.state, problem.error.message
            self._refused(problem)
            raise problem.error from None
        finally:
            reveals.end(self.kept.id, state, house.clock.now_ns(), why)

    def _read(self, caller: Identity, sealed: Sealed, granted: Callable[[], object]) -> Looked:
        """The row again; it must be the one that was approved."""
        application = f"glasshatch {self.session.session_id}"
        try:
            looked = look(self.house, caller, self.resource, sealed.statement, sealed.columns, application)
            granted()
        except Unavailable as error:
            raise _NotShown("waiting", error) from None
        except (Conflict, ConfigError, Denied) as error:
            raise _NotShown("refused", error) from None
        approved = tuple((one.column, one.type) for one in self.kept.columns)
        same = tuple((one.column, one.type) for one in looked.row.columns) == approved
        if not same or digest_of(looked.row, sealed.key) != sealed.digest:
            problem = Conflict(
                "the row is not as it was when it was approved: nothing is shown",
                hint="ask again; somebody else has to approve what is there now",
            )
            raise _NotShown("refused", problem)
        return looked

    def _record(self, looked: Looked, shown_id: str) -> Event:
        """Durable before the value leaves. If that fails nobody knows whether it is: it is spent."""
        recorder, session, decision = self.house.recorder, self.session, looked.judged.decision
        made = DecisionMade(
            effect="allow", rule=decision.rule, reason=decision.reason, policy_hash=decision.policy_hash
        )
        attrs = {"protocol": "reveal", "verbs": ["select"], "decision_id": decision.id}
        opened = session.event("session.opened", access=self._access())
        run = session.event("statement.run", attrs=attrs, decision=made, **self._members())
        members = self._members(columns=[one.name for one in looked.row.columns])
        shown = msgspec.structs.replace(
            session.event(SHOWN, outcome=Outcome(status="success"), **members), id=shown_id
        )
        for event in (opened, run, shown):
            recorder.record(event)
        done = Outcome(status="success")
        recorder.record(session.event("statement.finished", outcome=done, **self._members()))
        recorder.record(session.event("session.closed", outcome=done))
        return shown

    def _refused(self, problem: _NotShown) -> None:
        """The record says that somebody was not shown it, and why."""
        if problem.state == "refused":
            outcome = Outcome(status="failure", code=problem.error.code, reason=problem.error.message)
            self._record_one("session.opened")
            self._record_one(SHOWN, outcome=outcome, **self._members())
            self._record_one("session.closed", outcome=Outcome(status="success"))

    def _record_one(self, action: str, **members: Any) -> None:
        self.house.recorder.record(self.session.event(action, **members))

    def _members(self, columns: list[str] | None = None) -> dict[str, Any]:
        members = told(self.kept) | {"request_id": self.request.id, "access": self._access()}
        members["links"] = (*members["links"], Link(rel="grant", id=self.grant.id))
        table = partial(Resource, type="table")
        members["resources"] = tuple(
            table(id=f"{self.kept.resource}/{name}", name=name) for name in self.kept.tables
        )
        data = members.pop("data")
        if columns is not None:
            # Counted here alone, so that the exposure ledger has the answer once.
            members["attrs"] = {"columns": columns}
            members["data"] = msgspec.structs.replace(
                data, rows=1, clear=len(columns), recipient=self.request.actor_id
            )
        return members

    def _access(self) -> Access:
        actors = self.house.control.actors
        return Access(
            grant_id=self.grant.id, approval_id=self.request.id, reason=self.grant.reason,
            ticket=self.grant.ticket, approvers=tuple(actors.get(id).name for id in self.grant.approvers),
        )  # fmt: skip

    def _given(self, row: ClearRow, shown: Event) -> ClearShown:
        pairs = zip(row.columns, row.values, strict=True)
        values = tuple(
            ClearValue(name=one.name, column=one.column, type=one.type, value=value) for one, value in pairs
        )
        return ClearShown(request=self.request.id, resource=self.kept.resource, values=values, event=shown.id)


class _NotShown(Exception):
    """Nothing left, and what that makes of the request."""

    def __init__(self, state: RevealState, error: GlasshatchError) -> None:
        super().__init__(error.code)
        self.state, self.error = state, error
