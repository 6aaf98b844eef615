"""What the API takes and gives, as values that client and server share; no server dependency here.

Times are decimal strings of nanoseconds since the epoch, UTC, as in the event. Durations are
whole seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Limit = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=30 * 86_400)]
Reason = Annotated[str, msgspec.Meta(min_length=3, max_length=2_000)]


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller sends; an unknown member is refused."""


class EventFilter(_Form, frozen=True):
    """Which events to read. actor: id or name; action: exact or with `*`; session: id or its
    beginning; since, until: nanoseconds, until exclusive; after: only ledger indices above it.
    The newest `limit` matches are given, oldest first."""

    actor: str = ""
    action: str = ""
    session: str = ""
    resource: str = ""
    since: str = ""
    until: str = ""
    after: int = -1
    limit: Limit = 1_000


class RecordedEvent(msgspec.Struct, frozen=True):
    """One event with its place in the ledger; `event` is the stored bytes, never re-encoded."""

    index: int
    event: msgspec.Raw


class SessionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One session as the record tells it."""

    id: str
    actor: str
    resource: str
    opened: str
    closed: str = ""
    state: Literal["open", "closed", "refused", "aborted"] = "open"
    statements: int = 0
    denied: int = 0
    rows: int = 0
    masked: int = 0


class RequestForm(_Form, frozen=True):
    """A wish for access: which verbs on which resource, for how long once approved, and why."""

    resource: str
    verbs: tuple[str, ...]
    duration_s: Seconds
    reason: Reason
    ticket: str = ""


class ReviewForm(_Form, frozen=True):
    """A reviewer's word beside the verdict."""

    comment: str = ""


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """A request and where it stands."""

    id: str
    actor: str
    resource: str
    verbs: tuple[str, ...]
    duration_s: int
    reason: str
    ticket: str
    state: str
    created: str
    reviewers: tuple[str, ...] = ()
    grant_id: str = ""


class GrantView(msgspec.Struct, frozen=True, kw_only=True):
    """A grant: who may do what, until when, by whose word."""

    id: str
    request_id: str
    actor: str
    resource: str
    verbs: tuple[str, ...]
    approvers: tuple[str, ...]
    reason: str
    starts: str
    expires: str
    state: Literal["active", "expired", "revoked"]


class ActorForm(_Form, frozen=True):
    """A new actor."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9._@-]{0,62}$")]
    type: Literal["human", "service", "agent"] = "human"
    roles: tuple[str, ...] = ()
    on_behalf_of: str = ""


class ActorView(msgspec.Struct, frozen=True, kw_only=True):
    """An actor as control knows them."""

    id: str
    name: str
    type: str
    roles: tuple[str, ...]
    on_behalf_of: str = ""
    disabled: bool = False


class TokenForm(_Form, frozen=True):
    """A token for one actor, by name."""

    actor: str
    lifetime_s: Seconds = 3_600
    scopes: tuple[str, ...] = ("*",)


class TokenIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh token; `text` is shown this once and stored nowhere."""

    id: str
    actor: str
    text: str
    expires: str


class ProofText(msgspec.Struct, frozen=True):
    """A proof file's text, and the key that checks it."""

    proof: str
    verifier_key: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The server at a glance."""

    version: str
    tenant: str
    ledger_size: int
    checkpoint: str
    policy: str
    policy_hash: str
    resources: tuple[str, ...]
    listening: str
