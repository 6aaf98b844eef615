"""Requests, reviews and grants at the desk. Each step is recorded inside its own transaction:

the event is durable before the step takes effect, so a crash between the two leaves a step that
is recorded and not in force, never one in force that the record does not know.
"""

from __future__ import annotations

from typing import cast

import msgspec

from ...api.values import GrantView, RequestForm, RequestView
from ...errors import ConfigError, Denied
from ...events import Access, Link, Outcome, Resource
from ...identity import Identity
from ...policy import Grant, Request, RequestKind, RequestState
from ..changes.viewing import statement_view
from ..house import House
from ..reveals.viewing import reveal_view
from ..reviews.links import ApproveLinks
from ..reviews.sections import ReviewSection

_SECOND_NS = 1_000_000_000


class AccessPart:
    """The desk's asking and judging side."""

    def __init__(self, house: House) -> None:
        self._house = house

    def create_request(self, caller: Identity, form: RequestForm) -> RequestView:
        """Ask for access; anybody may ask."""
        _require_known(self._house, form.resource)
        return self._request_view(self._file(caller, "session", form), caller)

    def ask_for(
        self, caller: Identity, kind: RequestKind, resource: str, duration_s: int, reason: str, ticket: str
    ) -> Request:
        """File a request for something that is no session; the verb is its kind."""
        form = RequestForm(
            resource=resource, verbs=(kind,), duration_s=duration_s, reason=reason, ticket=ticket
        )
        return self._file(caller, kind, form)

    def _file(self, caller: Identity, kind: RequestKind, form: RequestForm) -> Request:
        house = self._house
        section = house.reviews.of(kind, form.resource, form.verbs)
        house.reviews.require_ticket(section, form.ticket)
        request = house.control.requests.create(
            caller,
            limits=house.reviews.limits(section),
            resource=form.resource,
            verbs=form.verbs,
            duration_ns=form.duration_s * _SECOND_NS,
            # The store keeps what it is given, so the reason is redacted before it gets there.
            reason=house.redactor.text(form.reason)[0],
            ticket=house.redactor.text(form.ticket)[0],
            now_ns=house.clock.now_ns(),
            kind=kind,
            record=lambda made: self.note_request("request.created", caller, made),
        )
        house.heard(request)
        return request

    def open_link(self, caller: Identity, link: str) -> RequestView:
        """The request that a link is about, for the one approver whom it names.

        Raises:
            Denied: It is none of ours, over, or somebody else's.
        """
        links = ApproveLinks(lambda: self._house.keyring.control_mac_key, self._house.clock)
        return self.show_request(caller, links.read(link, caller))

    def list_requests(self, caller: Identity, state: str) -> list[RequestView]:
        """Requests the caller may see: reviewers and auditors all, everybody their own."""
        if state not in ("", "pending", "approved", "denied", "withdrawn", "expired"):
            raise ConfigError(
                f"{state!r} is no state of a request",
                key="state",
                hint="pending, approved, denied, withdrawn or expired",
            )
        everybody = self._house.may(caller, "request.list")
        wanted = cast("RequestState | None", state or None)
        found = self._house.control.requests.list(wanted)
        if not everybody:
            own = self._house.control.requests.list(wanted, caller.id)
            seen = {request.id for request in own}
            found = [one for one in found if one.id not in seen and self._judges(caller, one)] + own
        return [self._request_view(request, caller) for request in sorted(found, key=_created)]

    def _judges(self, caller: Identity, request: Request) -> bool:
        try:
            self._require_judge(caller, request)
        except Denied:
            return False
        return True

    def show_request(self, caller: Identity, request_id: str) -> RequestView:
        """One request that the caller may see, by its id or the beginning of it."""
        seen = {view.id: view for view in self.list_requests(caller, "")}
        return seen[_one_of(seen, request_id, "request")]

    def approve(self, caller: Identity, request_id: str, comment: str) -> RequestView:
        """Approve somebody else's request; with the last approval needed the grant begins."""
        house, whole = self._house, self._judged(caller, request_id)

        def record(request: Request, grant: Grant | None) -> None:
            self.note_request("request.approved", caller, request)
            if grant is not None:
                self._note_grant("grant.issued", caller, grant)

        request, _ = house.control.requests.approve(
            whole, caller, house.clock.now_ns(), self._redacted(comment), record=record
        )
        return self._request_view(request, caller)

    def deny(self, caller: Identity, request_id: str, comment: str) -> RequestView:
        """Deny somebody else's request."""
        house = self._house
        request = house.control.requests.deny(
            self._judged(caller, request_id), caller, house.clock.now_ns(), self._redacted(comment),
            record=lambda denied: self.note_request("request.denied", caller, denied),
        )  # fmt: skip
        return self._request_view(request, caller)

    def withdraw(self, caller: Identity, request_id: str) -> RequestView:
        """Take one's own request back."""
        house = self._house
        request = house.control.requests.withdraw(
            self._request_id(request_id), caller, house.clock.now_ns(),
            record=lambda withdrawn: self.note_request("request.withdrawn", caller, withdrawn),
        )  # fmt: skip
        return self._request_view(request, caller)

    def list_grants(self, caller: Identity, state: str) -> list[GrantView]:
        """Grants the caller may see, in the same way as requests."""
        if state not in ("", "active", "expired", "revoked"):
            raise ConfigError(
                f"{state!r} is no state of a grant", key="state", hint="active, expired or revoked"
            )
        everybody = self._house.may(caller, "grant.list")
        found = self._house.control.grants.list("" if everybody else caller.id)
        return [view for view in map(self._grant_view, found) if not state or view.state == state]

    def revoke(self, caller: Identity, grant_id: str) -> GrantView:
        """Take a grant back before its time."""
        house = self._house
        house.require(caller, "grant.revoke")
        whole = _one_of((grant.id for grant in house.control.grants.list()), grant_id, "grant")
        grant = house.control.grants.revoke(
            whole, caller.id, house.clock.now_ns(),
            record=lambda revoked: self._note_grant("grant.revoked", caller, revoked),
        )  # fmt: skip
        return self._grant_view(grant)

    def sweep(self) -> None:
        """Record grants and requests that ran out by themselves. Grants end by time, not by this."""
        house, now_ns = self._house, self._house.clock.now_ns()
        for grant in house.control.grants.ran_out(now_ns):
            self._note_grant("grant.expired", house.control.actors.get(grant.actor_id), grant)
            house.control.grants.mark_expiry_recorded(grant.id)
        house.control.requests.expire(now_ns, record=self._note_expired)

    def _note_expired(self, request: Request) -> None:
        self.note_request(
            "request.denied",
            self._house.control.actors.get(request.actor_id),
            request,
            "nobody answered in time",
        )

    def note_request(
        self, action: str, actor: Identity, request: Request, reason: str = "", **more: object
    ) -> None:
        """Record a step of a request, with more that there is to say of it."""
        comments = {review.reviewer_id: review.comment for review in request.reviews if review.comment}
        self._house.note(
            action,
            actor=actor.as_actor(),
            request_id=request.id,
            resource=_resource(request.resource),
            outcome=Outcome(status="success", reason=reason),
            access=Access(
                approval_id=request.id,
                approvers=self._names(request.approvers),
                reason=request.reason,
                ticket=request.ticket,
            ),
            attrs={
                "verbs": list(request.verbs),
                "duration_s": request.duration_ns // _SECOND_NS,
                "requester": self._name(request.actor_id),
                "comments": comments,
            },
            **more,
        )

    def _note_grant(self, action: str, actor: Identity, grant: Grant) -> None:
        self._house.note(
            action,
            actor=actor.as_actor(),
            request_id=grant.request_id,
            resource=_resource(grant.resource),
            outcome=Outcome(status="success"),
            access=Access(
                grant_id=grant.id, approval_id=grant.request_id, approvers=self._names(grant.approvers),
                reason=grant.reason, ticket=grant.ticket,
            ),
            attrs={
                "holder": self._name(grant.actor_id),
                "verbs": list(grant.verbs),
                "expires": str(grant.expires_ns),
            },
            links=(Link(rel="grant", id=grant.id),),
        )  # fmt: skip

    def _request_view(self, request: Request, caller: Identity) -> RequestView:
        grants = self._house.control.grants.list(request.actor_id) if request.state == "approved" else []
        view = RequestView(
            id=request.id,
            actor=self._name(request.actor_id),
            resource=request.resource,
            verbs=request.verbs,
            duration_s=request.duration_ns // _SECOND_NS,
            reason=request.reason,
            ticket=request.ticket,
            state=request.state,
            created=str(request.created_ns),
            reviewers=self._names(tuple(review.reviewer_id for review in request.reviews)),
            grant_id=next((grant.id for grant in grants if grant.request_id == request.id), ""),
            kind=request.kind,
            judge=request.actor_id != caller.id and self._judges(caller, request),
        )
        if request.of_masked:
            return self._with_reveal(view, request, caller)
        if request.kind != "statement":
            return view
        kept = self._house.control.statements.of_request(request.id)
        judging = self._house.may(caller, "request.list") or self._judges(caller, request)
        statement = statement_view(kept, judging=judging)
        return msgspec.structs.replace(view, resource=kept.resource, verbs=kept.verbs, statement=statement)

    def _with_reveal(self, view: RequestView, request: Request, caller: Identity) -> RequestView:
        kept, now_ns = self._house.control.reveals.of_request(request.id), self._house.clock.now_ns()
        granted = request.actor_id == caller.id and any(
            grant.covers(caller.id, request.resource, ("reveal",), now_ns)
            for grant in self._house.control.grants.of(caller.id, now_ns)
        )
        own = bool(caller.people() & {request.actor_id, request.on_behalf_of})
        judging = not own and (self._house.may(caller, "request.list") or self._judges(caller, request))
        reveal = reveal_view(kept, judging=judging, redeemable=granted)
        return msgspec.structs.replace(view, resource=kept.resource, reveal=reveal)

    def _grant_view(self, grant: Grant) -> GrantView:
        state = (
            "revoked"
            if grant.revoked_ns
            else "active"
            if grant.active(self._house.clock.now_ns())
            else "expired"
        )
        return GrantView(
            id=grant.id,
            request_id=grant.request_id,
            actor=self._name(grant.actor_id),
            resource=grant.resource,
            verbs=grant.verbs,
            approvers=self._names(grant.approvers),
            reason=grant.reason,
            starts=str(grant.starts_ns),
            expires=str(grant.expires_ns),
            state=state,  # type: ignore[arg-type]
        )

    def _request_id(self, given: str) -> str:
        return _one_of((request.id for request in self._house.control.requests.list()), given, "request")

    def _judged(self, caller: Identity, given: str) -> str:
        """The id of a request that the caller may judge; who may judge none learns of none."""
        house = self._house
        try:
            whole = self._request_id(given)
        except ConfigError:
            if not house.may(caller, "request.list"):
                house.require(caller, "request.review")
            raise
        self._require_judge(caller, house.control.requests.get(whole))
        return whole

    def _require_judge(self, caller: Identity, request: Request) -> None:
        """Where a rule names who judges, it is them; elsewhere policy says who. What policy forbids outright
        binds everybody.

        Raises:
            Denied: The caller is not among them.
        """
        section, entitlements = self._rule(request), self._house.entitlements
        if not section.approvers:
            entitlements.require_review(caller, request)
            return
        self._house.reviews.require_judge(caller, section)
        entitlements.require_review_unforbidden(caller, request)

    def _rule(self, request: Request) -> ReviewSection:
        verbs, resource = request.verbs, request.resource
        if request.kind == "statement":
            verbs = self._house.control.statements.of_request(request.id).verbs
        return self._house.reviews.of(request.kind, resource, verbs)

    def _redacted(self, comment: str) -> str:
        return self._house.redactor.text(comment)[0]

    def _name(self, actor_id: str) -> str:
        return self._house.control.actors.get(actor_id).name

    def _names(self, actor_ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._name(actor_id) for actor_id in actor_ids)


def _created(request: Request) -> tuple[int, str]:
    return request.created_ns, request.id


def _one_of(ids: object, given: str, what: str) -> str:
    """The one id that is or begins with what was given."""
    found = [id for id in ids if given and id.startswith(given)]  # type: ignore[attr-defined]
    if len(found) != 1:
        problem = "there is no" if not found else "more than one"
        raise ConfigError(f"{problem} {what} {given}", key=what, hint=f"list them: glasshatch {what}s")
    only: str = found[0]
    return only


def _require_known(house: House, resource: str) -> None:
    known = {f"{section.type}/{name}" for name, section in house.loaded.config.resources.items()}
    if "/".join(resource.split("/")[:2]) not in known:
        raise ConfigError(
            f"there is no resource {resource}",
            key="resource",
            hint=f"known: {', '.join(sorted(known)) or 'none'}",
        )


def _resource(resource: str) -> Resource:
    kind, _, name = resource.partition("/")
    return Resource(type=kind, id=resource, name=name)
