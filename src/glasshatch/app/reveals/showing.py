"""What was approved is read again and shown once, to who asked for it.

What holds if we stop anywhere: from `start` on it is spent. The record says that it was shown before the
value leaves; a crash in between leaves a record of what nobody has seen, and the next start says that nobody
knows.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...api.reveal_values import ClearShown, ClearValue
from ...control import KeptReveal, RevealState, require_unspent
from ...errors import ConfigError, Conflict, Denied, GlasshatchError, Unavailable
from ...events import Access, Data, Link, Outcome
from ...gateway import GuardedResource
from ...gateway.errands import ClearRow
from ...identity import Identity
from ...policy import Grant, Request
from ..changes.judging import find_resource
from ..house import House
from .asking import RevealAsking, Sealed, require_asker, told
from .reading import Looked, digest_of, look
from .recording import ReadSession

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
        told_of = told(kept)
        links = (*told_of["links"], Link(rel="grant", id=grant.id))
        session = ReadSession(
            house, caller, resource, request_id=request.id, access=self._access(grant), links=links
        )
        work = _Work(house, resource, session, kept, told_of["data"])
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

    def _access(self, grant: Grant) -> Access:
        actors = self._house.control.actors
        return Access(
            grant_id=grant.id, approval_id=grant.request_id, reason=grant.reason, ticket=grant.ticket,
            approvers=tuple(actors.get(id).name for id in grant.approvers),
        )  # fmt: skip


class _Work(msgspec.Struct):
    """One showing, from its record to its end."""

    house: House
    resource: GuardedResource
    session: ReadSession
    kept: KeptReveal
    data: Data

    def show(self, caller: Identity, sealed: Sealed, granted: Callable[[], object]) -> ClearShown:
        """Begin, read, record, give."""
        house, reveals = self.house, self.house.control.reveals
        shown_id = self.session.record.new_id()
        # Only one of two who race comes past this; and after a crash nobody does.
        reveals.start(self.kept.id, shown_id, house.clock.now_ns())
        state: RevealState = "unknown"
        why = ""
        try:
            looked = self._read(caller, sealed, granted)
            self._record(caller, looked, shown_id)
            state = "shown"
            return self._given(looked.row, shown_id)
        except _NotShown as problem:
            state, why = problem.state, problem.error.message
            self._refused(problem)
            raise problem.error from None
        finally:
            reveals.end(self.kept.id, state, house.clock.now_ns(), why)

    def _read(self, caller: Identity, sealed: Sealed, granted: Callable[[], object]) -> Looked:
        """The row again; it must be the one that was approved."""
        try:
            looked = look(self.house, caller, self.resource, sealed.statement, sealed.columns, self.session)
        except Unavailable as error:
            raise _NotShown("waiting", error) from None
        except (Conflict, ConfigError, Denied) as error:
            raise _NotShown("refused", error) from None
        try:
            granted()
        except Denied as error:
            raise self._ended("refused", error) from None
        approved = tuple((one.column, one.type) for one in self.kept.columns)
        same = tuple((one.column, one.type) for one in looked.row.columns) == approved
        if not same or digest_of(looked.row, sealed.key) != sealed.digest:
            problem = Conflict(
                "the row is not as it was when it was approved: nothing is shown",
                hint="ask again; somebody else has to approve what is there now",
            )
            raise self._ended("refused", problem)
        return looked

    def _ended(self, state: RevealState, error: GlasshatchError) -> _NotShown:
        self.session.ended(Outcome(status="failure", code=error.code, reason=error.message))
        return _NotShown(state, error)

    def _record(self, caller: Identity, looked: Looked, shown_id: str) -> None:
        """Durable before the value leaves. If that fails nobody knows whether it is: it is spent."""
        names = [one.name for one in looked.row.columns]
        # Counted here alone, so that the exposure ledger has the answer once.
        data = msgspec.structs.replace(self.data, rows=1, clear=len(names), recipient=caller.id)
        self.session.note(
            SHOWN, id=shown_id, outcome=Outcome(status="success"), attrs={"columns": names}, data=data
        )
        self.session.ended()

    def _refused(self, problem: _NotShown) -> None:
        """The record says that somebody was not shown it, and why."""
        if problem.state == "refused":
            outcome = Outcome(status="failure", code=problem.error.code, reason=problem.error.message)
            self.session.aside(SHOWN, outcome=outcome)

    def _given(self, row: ClearRow, shown_id: str) -> ClearShown:
        pairs = zip(row.columns, row.values, strict=True)
        values = tuple(
            ClearValue(name=one.name, column=one.column, type=one.type, value=value) for one, value in pairs
        )
        return ClearShown(
            request=self.kept.request_id, resource=self.kept.resource, values=values, event=shown_id
        )


class _NotShown(Exception):
    """Nothing left, and what that makes of the request."""

    def __init__(self, state: RevealState, error: GlasshatchError) -> None:
        super().__init__(error.code)
        self.state, self.error = state, error
