"""A statement that waits in its session: its request is filed, and says what would happen.

Its text is not kept: an approval is for the session that waits, and for nothing later.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ...errors import ConfigError, Conflict, Denied
from ...events import uuid7
from ...gateway.core import HeldRequest, HoldWish, Verdict
from ...identity import Identity
from ..standing import ControlStanding
from .rules import ReviewRules, names, seconds
from .sections import ReviewSection

if TYPE_CHECKING:
    from ...control import KeptStatement
    from ...policy import Request
    from ..changes.asking import StatementAsking
    from ..house import House

_GRANT_NS = 3_600 * 10**9
_REASON = "a statement waits in session {session}"
_UNWRITTEN = "its values came in a form that is not read here"
_UNMEASURED = "it changes no rows that could be counted beforehand"


class SessionReviews:
    """The gateway's `Reviewing` port, over the control store of the front."""

    def __init__(self, house: House, rules: ReviewRules, asking: StatementAsking) -> None:
        self._house = house
        self._rules = rules
        self._asking = asking
        self._standing = ControlStanding(house.control)

    def holds(self, resource: str) -> bool:
        """See `Reviewing`."""
        return self._rules.holds(resource)

    def file(self, wish: HoldWish) -> HeldRequest | None:
        """See `Reviewing`. Recorded, and those told who may judge it, before this returns."""
        section = self._rules.of("statement", wish.resource.id, wish.statement.verbs)
        if not section.hold:
            return None
        asker = self._house.control.actors.current(wish.actor.id)
        judges = self._rules.judges(section, self._house.control.actors.list(), asker)
        if len(judges) < section.approvals:
            raise Denied(
                "nobody is there who may approve it",
                hint=f"it takes {' or '.join(section.approvers or ('role:approver',))}",
            )
        request = self._filed(wish, asker, section)
        short = request.id[:13]
        minutes = max(1, (request.expires_ns - request.created_ns) // (60 * 10**9))
        many = f"{section.approvals} approvals of " if section.approvals > 1 else ""
        return HeldRequest(
            request.id,
            f"waiting for {many}{names(judges)} to review this statement, at most {minutes} min"
            f" (request {short}): {wish.decision.reason}",
            f"Cancel it (Ctrl-C in psql), or take it back: glasshatch withdraw {short}",
        )

    def _filed(self, wish: HoldWish, asker: Identity, section: ReviewSection) -> Request:
        from ...gateway.errands import not_previewed
        from ..changes.judging import find_resource, understand

        house = self._house
        found = not_previewed(_UNMEASURED if wish.text else _UNWRITTEN, house.clock)
        # Where it is no single change it may be reviewed, only not measured.
        with contextlib.suppress(ConfigError):
            if wish.text:
                understand(wish.text)
                found = self._asking.measure(asker, find_resource(house, wish.resource.id), wish.text)
        kept = self._kept(wish, found)
        filing = {
            "duration_ns": min(_GRANT_NS, seconds(section.longest) * 10**9), "ticket": "",
            "reason": _REASON.format(session=wish.session_id), "now_ns": house.clock.now_ns(),
            "limits": self._rules.limits(section, held=True),
        }  # fmt: skip
        return self._asking.store(asker, kept, filing, found)

    def _kept(self, wish: HoldWish, found: object) -> KeptStatement:
        from ...control import KeptStatement
        from ..changes.asking import preview_json

        now_ns, statement = self._house.clock.now_ns(), wish.statement
        return KeptStatement(
            id=uuid7(now_ns, os.urandom(10)), request_id="", resource=wish.resource.id, text="",
            key_id=self._house.keyring.data_key.id, shown=wish.shown[:16_384], shape=statement.shape[:16_384],
            hash=statement.hash, verbs=statement.verbs, tables=statement.resources[:48],
            risks=statement.risks, rule=wish.decision.rule, near_masked=bool(wish.masked),
            preview=preview_json(found), created_ns=now_ns, changed_ns=now_ns,  # type: ignore[arg-type]
        )  # fmt: skip

    def verdict(self, request_id: str) -> Verdict | None:
        """See `Reviewing`. A request that waited too long is denied, whether or not anybody has marked it."""
        house = self._house
        request, now_ns = house.control.requests.get(request_id), house.clock.now_ns()
        if request.state == "pending":
            late = now_ns >= request.expires_ns
            return Verdict(approved=False, reason="nobody answered in time") if late else None
        if request.state != "approved":
            return Verdict(approved=False, reason=self._why_not(request))
        held = house.control.grants_of(request.actor_id, now_ns)
        grant = next((one for one in held if one.request_id == request.id), None)
        if grant is None:
            return Verdict(approved=False, reason="its approval was taken back")
        # From here on nobody can run it a second time.
        try:
            house.control.statements.start(
                house.control.statements.of_request(request.id).id, request.id, now_ns
            )
        except Conflict:
            return Verdict(approved=False, reason="it ran already")
        house.control.statements.end(house.control.statements.of_request(request.id).id, "done", now_ns)
        return Verdict(approved=True, grant_id=grant.id, access=self._standing.access(grant.id))

    def _why_not(self, request: Request) -> str:
        if request.state == "expired":
            return "nobody answered in time"
        if request.state == "withdrawn":
            return "the request was withdrawn"
        last = request.reviews[-1]
        comment = f": {last.comment}" if last.comment else ""
        return f"denied by {self._house.control.actors.get(last.reviewer_id).name}{comment}"

    def withdraw(self, request_id: str, reason: str) -> None:
        """See `Reviewing`; one that is settled already stays as it is."""
        house = self._house
        request = house.control.requests.get(request_id)
        asker = house.control.actors.get(request.actor_id)
        try:
            house.control.requests.withdraw(
                request_id, asker, house.clock.now_ns(),
                record=lambda made: self._asking.note("request.withdrawn", asker, made, reason),
            )  # fmt: skip
        except Conflict:
            return
