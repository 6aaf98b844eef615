"""Requests, reviews and grants: who may say yes to whom, and for how long it holds.

Pure: the ids and the time are handed in, and every function returns new values. Four eyes bind
everybody, admins included: no one approves or denies what they asked for, nor what an agent asked
for on their behalf, and only humans review.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from ..errors import ConfigError, Conflict, Denied
from ..identity import Identity

RequestState = Literal["pending", "approved", "denied", "withdrawn", "expired"]
RequestKind = Literal["session", "statement", "reveal", "erase"]
"""Access to a resource, one statement run once, a sealed or masked value shown, or a data subject erased."""

CLEAR: Final = "clear"
"""The kind of place that a request for a masked value names: `clear/postgres/orders/ID`."""

Step = Literal["approve", "deny", "withdraw", "expire"]
Verdict = Literal["approve", "deny"]

TRANSITIONS: Final[dict[tuple[RequestState, Step], RequestState]] = {
    ("pending", "approve"): "approved",
    ("pending", "deny"): "denied",
    ("pending", "withdraw"): "withdrawn",
    ("pending", "expire"): "expired",
}
"""Every step there is; any other is a Conflict. All states but `pending` are final."""

VERB_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "read": ("select",),
    "write": ("delete", "insert", "merge", "select", "update"),
}
"""Short names people may ask with; a request stores the verbs they stand for."""

SECOND_NS: Final = 1_000_000_000


class GrantLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds within which access may be asked for; from the configuration."""

    min_duration_ns: int = SECOND_NS
    max_duration_ns: int = 12 * 3600 * SECOND_NS
    max_wait_ns: int = 24 * 3600 * SECOND_NS
    min_reason_chars: int = 5
    max_reason_chars: int = 2000
    approvals: int = 1


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One reviewer's word on a request; `comment` is redacted like the reason."""

    id: str
    request_id: str
    reviewer_id: str
    verdict: Verdict
    created_ns: int
    comment: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks for access: to what, for which verbs, how long, and why.

    `reason` and `ticket` are free text; whoever makes a request hands them in redacted.
    `on_behalf_of` is the human behind an agent that asks. `expires_ns` ends the waiting, not the
    access. `version` counts the stored changes, so that two reviewers cannot both win.
    """

    id: str
    tenant: str
    actor_id: str
    resource: str
    verbs: tuple[str, ...]
    duration_ns: int
    reason: str
    created_ns: int
    expires_ns: int
    ticket: str = ""
    on_behalf_of: str = ""
    state: RequestState = "pending"
    approvals: int = 1
    closed_ns: int = 0
    kind: RequestKind = "session"
    version: int = 1
    reviews: tuple[Review, ...] = ()

    @property
    def approvers(self) -> tuple[str, ...]:
        """The ids of those who approved, in order."""
        return tuple(review.reviewer_id for review in self.reviews if review.verdict == "approve")

    @property
    def of_masked(self) -> bool:
        """Whether masked values of one row are asked for in clear."""
        return self.kind == "reveal" and self.resource.startswith(f"{CLEAR}/")


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Time-boxed access of one actor to one resource, and who answers for it."""

    id: str
    tenant: str
    request_id: str
    actor_id: str
    resource: str
    verbs: tuple[str, ...]
    approvers: tuple[str, ...]
    reason: str
    starts_ns: int
    expires_ns: int
    ticket: str = ""
    revoked_ns: int = 0
    revoked_by: str = ""
    version: int = 1

    def active(self, now_ns: int) -> bool:
        """Whether it is in force: started, not run out, not revoked."""
        return not self.revoked_ns and self.starts_ns <= now_ns < self.expires_ns

    def covers(self, actor_id: str, resource: str, verbs: Iterable[str], now_ns: int) -> bool:
        """Whether it allows this actor all these verbs on this resource now.

        No verb at all is never covered: a statement nobody understood must not ride on a grant.
        """
        wanted = frozenset(verbs)
        return (
            actor_id == self.actor_id
            and self.active(now_ns)
            and bool(wanted)
            and wanted <= frozenset(self.verbs)
            and resource_matches(self.resource, resource)
        )

    def revoke(self, now_ns: int, by: str) -> Grant:
        """The grant taken back at this moment.

        Raises:
            Conflict: It had ended already; nothing changes.
        """
        if self.revoked_ns:
            raise Conflict(f"grant {self.id} was revoked already")
        if now_ns >= self.expires_ns:
            raise Conflict(f"grant {self.id} has run out already")
        return msgspec.structs.replace(self, revoked_ns=now_ns, revoked_by=by)


def resource_matches(pattern: str, resource: str) -> bool:
    """Whether a resource id lies at or below a pattern, in which `*` stands for one segment."""
    have, wanted = pattern.split("/"), resource.split("/")
    return len(have) <= len(wanted) and all(
        mine in ("*", theirs) for mine, theirs in zip(have, wanted, strict=False)
    )


def ask(
    actor: Identity,
    *,
    id: str,
    resource: str,
    verbs: Sequence[str],
    duration_ns: int,
    reason: str,
    now_ns: int,
    ticket: str = "",
    limits: GrantLimits | None = None,
    kind: RequestKind = "session",
) -> Request:
    """A new pending request. Reason and ticket must be redacted already.

    Raises:
        ConfigError: The resource, the verbs, the duration or the reason are not acceptable.
        Denied: The actor is disabled.
    """
    limits = limits or GrantLimits()
    _require_enabled(actor)
    _check_resource(resource)
    _check_duration(duration_ns, limits)
    return Request(
        id=id,
        tenant=actor.tenant,
        actor_id=actor.id,
        on_behalf_of=actor.on_behalf_of,
        resource=resource,
        verbs=expand_verbs(verbs),
        duration_ns=duration_ns,
        reason=_checked_reason(reason, limits),
        ticket=_short(ticket, "ticket"),
        created_ns=now_ns,
        expires_ns=now_ns + limits.max_wait_ns,
        approvals=limits.approvals,
        kind=kind,
    )


def approve(
    request: Request, reviewer: Identity, now_ns: int, *, review_id: str, grant_id: str, comment: str = ""
) -> tuple[Request, Grant | None]:
    """The request with this approval on it, and the grant if it was the last one needed.

    Raises:
        Denied: The reviewer may not review this request.
        Conflict: The request is no longer pending, waited too long, or has this reviewer's word.
    """
    _require_reviewer(request, reviewer)
    _require_waiting(request, now_ns, "approve")
    review = Review(
        id=review_id,
        request_id=request.id,
        reviewer_id=reviewer.id,
        verdict="approve",
        created_ns=now_ns,
        comment=_short(comment, "comment", 2000),
    )
    reviewed = _with_review(request, review)
    if len(reviewed.approvers) < request.approvals:
        return reviewed, None
    approved = _step(reviewed, "approve", now_ns)
    return approved, _grant(approved, grant_id, now_ns)


def deny(request: Request, reviewer: Identity, now_ns: int, *, review_id: str, comment: str = "") -> Request:
    """The request, denied; one denial is enough, whatever approvals there are.

    Raises:
        Denied: The reviewer may not review this request.
        Conflict: The request is no longer pending, waited too long, or has this reviewer's word.
    """
    _require_reviewer(request, reviewer)
    _require_waiting(request, now_ns, "deny")
    review = Review(
        id=review_id,
        request_id=request.id,
        reviewer_id=reviewer.id,
        verdict="deny",
        created_ns=now_ns,
        comment=_short(comment, "comment", 2000),
    )
    return _step(_with_review(request, review), "deny", now_ns)


def withdraw(request: Request, actor: Identity, now_ns: int) -> Request:
    """The request, taken back by whoever made it (or the human behind the agent that did).

    Raises:
        Denied: The request is somebody else's.
        Conflict: The request is no longer pending.
    """
    _require_tenant(request, actor)
    if actor.id not in (request.actor_id, request.on_behalf_of):
        raise Denied("only the requester may withdraw a request", hint="deny it instead")
    return _step(request, "withdraw", now_ns)


def expire(request: Request, now_ns: int) -> Request:
    """The request, ended because nobody answered in time; silence is a denial.

    Raises:
        Conflict: It is not pending, or its time to wait is not over.
    """
    if now_ns < request.expires_ns:
        raise Conflict(f"request {request.id} may still be answered")
    return _step(request, "expire", now_ns)


def expand_verbs(verbs: Sequence[str]) -> tuple[str, ...]:
    """Verbs with the groups `read` and `write` replaced by what they stand for, sorted.

    Raises:
        ConfigError: There is none, or one is not a plain lower-case word.
    """
    expanded = {verb for given in verbs for verb in VERB_GROUPS.get(given, (given,))}
    if not expanded:
        raise ConfigError("a request names at least one verb", key="verbs", hint="for example: write")
    for verb in expanded:
        if not (verb.isascii() and verb.replace("_", "").isalpha() and verb.islower() and len(verb) <= 40):
            raise ConfigError("a verb is a plain lower-case word", key="verbs", hint="for example: update")
        if verb == "unknown":
            raise ConfigError("what is not understood cannot be granted", key="verbs")
    return tuple(sorted(expanded))


def _grant(request: Request, grant_id: str, now_ns: int) -> Grant:
    return Grant(
        id=grant_id,
        tenant=request.tenant,
        request_id=request.id,
        actor_id=request.actor_id,
        resource=request.resource,
        verbs=request.verbs,
        approvers=request.approvers,
        reason=request.reason,
        ticket=request.ticket,
        starts_ns=now_ns,
        expires_ns=now_ns + request.duration_ns,
    )


def _step(request: Request, step: Step, now_ns: int) -> Request:
    state = TRANSITIONS.get((request.state, step))
    if state is None:
        raise Conflict(f"request {request.id} is {request.state}: it can no longer {step}")
    return msgspec.structs.replace(request, state=state, closed_ns=now_ns)


def _with_review(request: Request, review: Review) -> Request:
    if review.reviewer_id in (earlier.reviewer_id for earlier in request.reviews):
        raise Conflict(f"request {request.id} has this reviewer's word already", hint="another must review")
    return msgspec.structs.replace(request, reviews=(*request.reviews, review))


def _require_reviewer(request: Request, reviewer: Identity) -> None:
    _require_tenant(request, reviewer)
    _require_enabled(reviewer)
    if reviewer.people() & {request.actor_id, request.on_behalf_of}:
        raise Denied(
            "nobody reviews their own request, admins included", hint="ask another person to review it"
        )
    if reviewer.type != "human":
        raise Denied("only humans review requests", hint="ask a person to review it")


def _require_tenant(request: Request, actor: Identity) -> None:
    if actor.tenant != request.tenant:
        raise Denied("the request belongs to another tenant")


def _require_enabled(actor: Identity) -> None:
    if actor.disabled:
        raise Denied("the actor is disabled", hint="an admin can enable it")


def _require_waiting(request: Request, now_ns: int, step: Step) -> None:
    if request.state == "pending" and now_ns >= request.expires_ns:
        raise Conflict(f"request {request.id} waited too long: it can no longer {step}", hint="ask again")
    if (request.state, step) not in TRANSITIONS:
        raise Conflict(f"request {request.id} is {request.state}: it can no longer {step}")


def _check_resource(resource: str) -> None:
    segments = resource.split("/")
    plain = resource.isprintable() and not any(character.isspace() for character in resource)
    named = len(segments) >= 2 and all(segments) and segments[0] != "*"
    starred = all(segment == "*" or "*" not in segment for segment in segments)
    if not (plain and named and starred and len(resource) <= 300):
        raise ConfigError("that is not a resource", key="resource", hint="for example: postgres/orders")


def _check_duration(duration_ns: int, limits: GrantLimits) -> None:
    if not limits.min_duration_ns <= duration_ns <= limits.max_duration_ns:
        low, high = limits.min_duration_ns // SECOND_NS, limits.max_duration_ns // SECOND_NS
        raise ConfigError(f"access is granted for {low} to {high} seconds", key="duration")


def _checked_reason(reason: str, limits: GrantLimits) -> str:
    reason = reason.strip()
    if len(reason) < limits.min_reason_chars:
        raise ConfigError(
            f"a request needs a reason of at least {limits.min_reason_chars} characters",
            key="reason",
            hint="say what is broken and what you will do",
        )
    return _short(reason, "reason", limits.max_reason_chars)


def _short(text: str, key: str, limit: int = 200) -> str:
    text = text.strip()
    if len(text) > limit:
        raise ConfigError(f"at most {limit} characters are kept", key=key)
    return text
