"""The canonical event (schema version 1): one fact, in the past tense, as it is stored in a leaf.

Times and integers beyond 2^53 are decimal strings, there are no floats, and members that hold
their default are left out, so the stored bytes equal their RFC 8785 form.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SCHEMA_VERSION = 1

ActorType = Literal["human", "service", "agent", "unknown"]
Status = Literal["success", "failure", "unknown"]
Effect = Literal["allow", "deny", "review"]


class _Value(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A part of an event; equal parts have equal bytes. It cannot be in a cycle: none is looked for."""


class Source(_Value, frozen=True):
    """Where the event comes from."""

    kind: str
    name: str = ""
    instance: str = ""
    version: str = ""


class Outcome(_Value, frozen=True):
    """How it ended; `code` is the protocol's own (an SQLSTATE, an HTTP status)."""

    status: Status = "unknown"
    code: str = ""
    reason: str = ""


class RawPrincipal(_Value, frozen=True):
    """The principal exactly as the source named it; never rewritten."""

    namespace: str = ""
    principal: str = ""


class Actor(_Value, frozen=True):
    """Who did it. `on_behalf_of` is the id of the human behind an agent."""

    id: str
    type: ActorType = "unknown"
    name: str = ""
    roles: tuple[str, ...] = ()
    idp: str = ""
    on_behalf_of: str = ""
    raw: RawPrincipal | None = None


class Client(_Value, frozen=True):
    """Where the actor connected from."""

    ip: str = ""
    port: int = 0
    geo: str = ""
    device: str = ""
    user_agent: str = ""


class Resource(_Value, frozen=True):
    """The thing reached, for example `postgres/orders/public.payments`."""

    type: str
    id: str = ""
    name: str = ""
    env: str = ""
    labels: dict[str, str] = {}


class Access(_Value, frozen=True):
    """Why it was allowed: the grant and who approved it."""

    grant_id: str = ""
    approval_id: str = ""
    approvers: tuple[str, ...] = ()
    reason: str = ""
    ticket: str = ""
    break_glass: bool = False


class Data(_Value, frozen=True):
    """What was exposed: counts and keyed tokens, never values."""

    rows: int = 0
    bytes: int = 0
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    masked: int = 0
    clear: int = 0
    purpose: str = ""
    recipient: str = ""


class StatementText(_Value, frozen=True):
    """One thing asked: redacted text, its shape without literals, and the shape's fingerprint."""

    text: str = ""
    shape: str = ""
    hash: str = ""


class DecisionMade(_Value, frozen=True):
    """What policy said; `policy_hash` names the exact policy text."""

    effect: Effect
    rule: str = ""
    reason: str = ""
    policy_hash: str = ""


class SealedField(_Value, frozen=True):
    """A value that lies in the vault: its path, what binds it to this event, and whose it is (a token)."""

    field: str
    commitment: str
    subject: str


class Redaction(_Value, frozen=True):
    """What was taken out before storing, by class, and with which detector packs; what was sealed."""

    counts: dict[str, int] = {}
    pack_hash: str = ""
    sealed: tuple[SealedField, ...] = ()


class Link(_Value, frozen=True):
    """An exact relation to another record."""

    rel: str
    id: str


class Event(_Value, frozen=True):
    """One fact. An event never changes; time is data, ledger index is order.

    `time` and `observed_time` are decimal strings of nanoseconds since the epoch, UTC;
    `time_ns` reads them as a number. `id` is a UUIDv7, `trace_id` 32 and `span_id` 16 hex digits.
    """

    id: str
    time: str
    action: str
    source: Source
    # Factories, not defaults: these two are always written, so no reader has to guess them.
    tenant: str = msgspec.field(default_factory=lambda: "default")
    schema: int = msgspec.field(default_factory=lambda: SCHEMA_VERSION)
    observed_time: str = ""
    outcome: Outcome | None = None
    severity: int = 0
    actor: Actor | None = None
    session_id: str = ""
    request_id: str = ""
    trace_id: str = ""
    span_id: str = ""
    client: Client | None = None
    resource: Resource | None = None
    resources: tuple[Resource, ...] = ()
    access: Access | None = None
    data: Data | None = None
    statement: StatementText | None = None
    decision: DecisionMade | None = None
    redaction: Redaction | None = None
    links: tuple[Link, ...] = ()
    labels: dict[str, str] = {}
    attrs: dict[str, Any] = {}
    native: Any = None

    @property
    def time_ns(self) -> int:
        """When it happened, in nanoseconds since the epoch, UTC."""
        return int(self.time)
