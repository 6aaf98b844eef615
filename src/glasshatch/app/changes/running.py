"""An approved statement is run once, for who asked for it, in a session of its own that the record knows."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import msgspec

from ...api.change_values import Ran
from ...control import KeptStatement, StatementState, require_runnable
from ...errors import Conflict, Denied, GlasshatchError
from ...events import Access, Client, DecisionMade, Link, Outcome, Resource, StatementText
from ...gateway import GuardedResource
from ...gateway.core import SessionRecord
from ...gateway.errands import (
    LIMITS,
    PLAIN,
    Bounds,
    Done,
    Image,
    Upstream,
    Wish,
    outline,
    read_catalogue,
    reversal,
    run_reversal,
    run_statement,
)
from ...identity import Identity
from ...policy import Grant, Request
from ..house import House
from .asking import StatementAsking, require_person
from .judging import Judged, find_resource, judge
from .keeping import ImageKeeping, link_to, read_image

_STATES: dict[str, StatementState] = {"success": "done", "failure": "failed", "unknown": "unknown"}


class StatementRunning:
    """Runs what was approved."""

    def __init__(self, house: House, asking: StatementAsking) -> None:
        self._house = house
        self._asking = asking

    def run(self, caller: Identity, request: Request) -> Ran:
        """Run a request's statement, once.

        Raises:
            Denied: It is somebody else's, is not approved, or policy has come to refuse it.
            Conflict: It runs or ran already.
            Unavailable: The database cannot be reached or it cannot be recorded; nothing was changed.
        """
        require_person(caller)
        if request.actor_id != caller.id:
            raise Denied("only who asked for a statement may run it", hint="ask for it yourself")
        kept = self._house.control.statements.of_request(request.id)
        require_runnable(kept)
        if not (kept.text or kept.undoes):
            raise Conflict("it waited in a session, and can run in that one only", hint="ask for it again")
        grant = self._grant(caller, request)
        resource = find_resource(self._house, kept.resource)
        session = self._session(caller, resource)
        application = f"glasshatch {session.session_id}"
        with Upstream(
            resource.target, os.urandom, application=application, settings=PLAIN | LIMITS
        ) as upstream:
            image = read_image(self._house, kept.undoes)[1] if kept.undoes else None
            # Of an undo, policy is asked about everything but the values.
            text = outline(image) if image else self._asking.open(kept)
            judged = judge(self._house, caller, resource, text, read_catalogue(upstream, resource))
            work = _Work(self._house, resource, session, kept, request, grant, judged, image)
            work.require_allowed()
            return work.run(upstream)

    def _grant(self, caller: Identity, request: Request) -> Grant:
        now_ns = self._house.clock.now_ns()
        for grant in self._house.control.grants.of(caller.id, now_ns):
            if grant.covers(caller.id, request.resource, ("run",), now_ns):
                return grant
        why = "waits for somebody else's approval" if request.state == "pending" else "has no grant in force"
        raise Denied(f"request {request.id} {why}", hint="glasshatch requests --state all")

    def _session(self, caller: Identity, resource: GuardedResource) -> SessionRecord:
        house = self._house
        session = SessionRecord(
            tenant=house.tenant, connector="postgres", instance=str(os.getpid()),
            client=Client(user_agent="glasshatch run"), clock=house.clock, random=os.urandom,
        )  # fmt: skip
        session.know_actor(house.control.actors.current(caller.id))
        session.know_resource(resource.facts)
        return session


class _Work(msgspec.Struct):
    """One run, from its decision to its end."""

    house: House
    resource: GuardedResource
    session: SessionRecord
    kept: KeptStatement
    request: Request
    grant: Grant
    judged: Judged
    undoes: Image | None

    def require_allowed(self) -> None:
        """Policy is asked again, for the moment of the run; its refusal is recorded.

        Raises:
            Denied: No approval lets it run now.
        """
        decision = self.judged.decision
        if decision.effect == "deny":
            outcome = Outcome(status="failure", code="42501", reason=decision.reason)
            self._record("session.opened")
            self._record("statement.denied", outcome=outcome, decision=self._decision("deny"))
            self._record("session.closed", outcome=Outcome(status="success"))
            raise Denied(
                f"refused by policy: {decision.reason}", decision_id=decision.id,
                hint=f"rule {decision.rule} of policy {decision.policy_hash[:12]}",
            )  # fmt: skip

    def run(self, upstream: Upstream) -> Ran:
        """Record it, run it, record what became of it."""
        house, begun = self.house, self.house.clock.monotonic_ns()
        statements = house.control.statements
        keeping = ImageKeeping(house, self.resource, self.session, **self._members())
        # A session's events are numbered, and each of these goes into the record or none does.
        opened = self.session.event("session.opened", access=self._access())
        run = self.session.event(
            "statement.run", attrs=self._attributes(), decision=self._decision("allow"), **self._members()
        )
        statements.start(self.kept.id, run.id, house.clock.now_ns())
        done = Done("unknown", reason="the gateway failed")
        try:
            # Durable before a byte of it goes to the database.
            house.recorder.record(opened)
            house.recorder.record(run)
            done = self._done(upstream, keeping)
        except GlasshatchError as error:
            done = Done("failure", error.code, error.message)
            raise
        finally:
            image = keeping.event if done.image else ""
            statements.end(self.kept.id, _STATES[done.outcome], house.clock.now_ns(), image, done.image_why)
            self._finished(done, image, (house.clock.monotonic_ns() - begun) // 1000)
        return self._ran(done, run.id, image)

    def _done(self, upstream: Upstream, keeping: ImageKeeping) -> Done:
        if self.undoes is not None:
            return run_reversal(upstream, reversal(self.undoes))
        return run_statement(upstream, self.judged.text, self.judged.change, self._wish(), keeping.keep)

    def _wish(self) -> Wish | None:
        section = self.house.loaded.config.resources[self.resource.facts.name]
        if section.before_images == "off" or not {"update", "delete", "merge"} & set(self.kept.verbs):
            return None
        bounds = Bounds(section.image_rows, section.image_rows * _BYTES_A_ROW)
        return Wish(bounds, "refuse" if section.before_images == "required" else "go on")

    def _finished(self, done: Done, image: str, duration_us: int) -> None:
        attrs: dict[str, Any] = {"duration_us": duration_us, "affected": done.affected}
        if image:
            attrs["image"] = image
        if done.image_why:
            attrs["image_why"] = done.image_why
        outcome = Outcome(status=done.outcome, code=done.code, reason=done.reason)
        self._record("statement.finished", outcome=outcome, attrs=attrs)
        self._record("session.closed", outcome=Outcome(status="success"))

    def _record(self, action: str, **more: Any) -> None:
        self.house.recorder.record(self.session.event(action, **self._members(), **more))

    def _members(self) -> dict[str, Any]:
        kept, links = self.kept, [Link(rel="grant", id=self.grant.id)]
        if kept.undoes:
            links.append(link_to(kept.undoes))
        name = partial(Resource, type="table")
        return {
            "request_id": self.request.id, "access": self._access(), "links": tuple(links),
            "statement": StatementText(text=kept.shown, shape=kept.shape, hash=kept.hash),
            "resources": tuple(name(id=f"{kept.resource}/{table}", name=table) for table in kept.tables),
        }  # fmt: skip

    def _attributes(self) -> dict[str, Any]:
        judged = self.judged
        attrs: dict[str, Any] = {
            "protocol": "reviewed", "verbs": list(self.kept.verbs), "decision_id": judged.decision.id,
        }  # fmt: skip
        lists = {"risks": judged.statement.risks, "masked": judged.masked[:48]}
        return attrs | {key: list(names) for key, names in lists.items() if names}

    def _decision(self, effect: Any) -> DecisionMade:
        decision = self.judged.decision
        return DecisionMade(
            effect=effect, rule=decision.rule, reason=decision.reason, policy_hash=decision.policy_hash
        )

    def _access(self) -> Access:
        actors = self.house.control.actors
        return Access(
            grant_id=self.grant.id, approval_id=self.request.id, reason=self.grant.reason,
            ticket=self.grant.ticket, approvers=tuple(actors.get(id).name for id in self.grant.approvers),
        )  # fmt: skip

    def _ran(self, done: Done, run_event: str, image: str) -> Ran:
        wanted = self._wish() is not None and not self.kept.undoes
        return Ran(
            request=self.request.id, outcome=done.outcome, code=done.code, reason=done.reason,
            affected=done.affected, run_event=run_event,
            image="taken" if image else "none" if wanted else "off", image_event=image,
            image_rows=done.imaged, image_why=done.image_why,
        )  # fmt: skip


_BYTES_A_ROW = 4_096
"""How much of an image a row may take, on the average."""
