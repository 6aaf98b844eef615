"""What the API takes and gives, as values that client and server share; no server dependency here.

Times are decimal strings of nanoseconds since the epoch, UTC, as in the event. Durations are whole seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .change_values import StatementView
from .forms import Form as Form  # noqa: PLC0414
from .intake_values import IntakeProblem as IntakeProblem  # noqa: PLC0414
from .intake_values import IntakeResult as IntakeResult  # noqa: PLC0414
from .recorded import KnownAs as KnownAs  # noqa: PLC0414
from .recorded import RecordedEvent as RecordedEvent  # noqa: PLC0414
from .reveal_values import RevealView
from .search_values import Explored as Explored  # noqa: PLC0414
from .search_values import Found as Found  # noqa: PLC0414
from .search_values import Histogram as Histogram  # noqa: PLC0414
from .search_values import HistogramBin as HistogramBin  # noqa: PLC0414
from .search_values import SearchForm as SearchForm  # noqa: PLC0414
from .search_values import Stats as Stats  # noqa: PLC0414
from .search_values import StatsForm as StatsForm  # noqa: PLC0414
from .search_values import StatsRow as StatsRow  # noqa: PLC0414
from .search_values import Table as Table  # noqa: PLC0414
from .search_values import TailForm as TailForm  # noqa: PLC0414

Limit = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=30 * 86_400)]
Reason = Annotated[str, msgspec.Meta(min_length=3, max_length=2_000)]


class EventFilter(Form, frozen=True):
    """Which events to read. actor: id or name; action: exact or with `*`; session: id or its beginning;
    since, until: nanoseconds, until exclusive; after: only ledger indices above it. The newest are given."""

    actor: str = ""
    action: str = ""
    session: str = ""
    resource: str = ""
    since: str = ""
    until: str = ""
    after: int = -1
    limit: Limit = 1_000


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


class RequestForm(Form, frozen=True):
    """A wish for access: which verbs on which resource, for how long once approved, and why."""

    resource: str
    verbs: tuple[str, ...]
    duration_s: Seconds
    reason: Reason
    ticket: str = ""


class ReviewForm(Form, frozen=True):
    """A reviewer's word beside the verdict."""

    comment: str = ""


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """A request and where it stands. statement: what is under review, if that is its kind. reveal: which
    masked values are asked for. judge: whether the caller may judge it."""

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
    kind: str = "session"
    statement: StatementView | None = None
    judge: bool = False
    reveal: RevealView | None = None


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


class ActorForm(Form, frozen=True):
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


class TokenForm(Form, frozen=True):
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
    """The server at a glance. ledgers: those beside the default one, each with its size. witnessed: how far
    the witnesses are, empty where no back looks after them; witnesses: what each and each anchor last said.
    """

    version: str
    tenant: str
    ledger_size: int
    checkpoint: str
    policy: str
    policy_hash: str
    resources: tuple[str, ...]
    listening: str
    ledgers: tuple[str, ...] = ()
    witnessed: str = ""
    witnesses: tuple[str, ...] = ()


class LedgerForm(Form, frozen=True):
    """A new ledger. origin: its name in signed notes; by default that of the default one and its name."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    origin: str = ""


class LedgerView(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger: its public key, how far it is, and which streams it takes."""

    name: str
    origin: str
    verifier_key: str
    size: int
    checkpoint: str
    streams: tuple[str, ...] = ()


class EvidenceForm(Form, frozen=True):
    """Which events to hand over as a bundle. since, until: nanoseconds, until exclusive. ledger: only those
    in it; a bundle is of one ledger."""

    query: str = ""
    since: str = ""
    until: str = ""
    ledger: str = ""


class SealForm(Form, frozen=True):
    """A bundle about to be handed out, for the record: what was asked, how many events, its manifest."""

    manifest: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    events: Annotated[int, msgspec.Meta(ge=0)]
    query: str = ""
    since: str = ""
    until: str = ""
    ledger: str = "default"


class CheckpointText(msgspec.Struct, frozen=True, omit_defaults=True):
    """A signed checkpoint's text; `ledgers` has those of the ledgers beside the default one."""

    note: str
    ledgers: dict[str, str] = {}


class BackupForm(Form, frozen=True):
    """A backup that is about to come into being: its name, the ledgers' sizes, how much it is."""

    moment: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{15}-[0-9]{8}T[0-9]{6}Z$")]
    size: int
    files: int
    bytes: int
    copied: int
    master_key: bool = False
    ledgers: dict[str, int] = msgspec.field(default_factory=dict)


class TimelineForm(Form, frozen=True):
    """subject: `trace:…`, `session:…`, `actor:…`, `resource:…`, `request:…` or `incident:…`. cursor: the
    `next` of the page before."""

    subject: str
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    cursor: Annotated[str, msgspec.Meta(max_length=20_000)] = ""


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event on a timeline, and why; `ledger` is left out for the default one.

    A `gap` says that something is missing there. same_as: the place of the record that another source made of
    the same statement. known_as: who its principal is, by an alias.
    """

    index: int
    event: msgspec.Raw
    ledger: str | msgspec.UnsetType = msgspec.UNSET
    link: Literal["exact", "inferred", "gap"] = "exact"
    why: str = ""
    same_as: str | msgspec.UnsetType = msgspec.UNSET
    known_as: KnownAs | msgspec.UnsetType = msgspec.UNSET


class Skew(msgspec.Struct, frozen=True):
    """How far a source's clock stood from ours, as the median over its events on the timeline.

    by: `pairs` of records that two sources made of the same statement, or the times at which its events were
    `observed`: then what was delivered late looks like a clock that is behind. of: so many of them.
    """

    source: str
    ahead_ns: str
    by: Literal["pairs", "observed"] = "observed"
    of: int = 0


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A page of events of all sources about one subject in one order: by time, then by ledger and index.

    skew: of the sources on this page. truncated: there is more, and `next` is the cursor of the next page.
    notice: says that a reason would show more.
    """

    subject: str
    entries: list[TimelineEntry]
    skew: list[Skew] = []
    truncated: bool = False
    notice: str = ""
    next: str = ""


class IndexState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the index has come in all ledgers; of several, `positions` and `sizes` tell it for each.

    `minimums` is below which entry a ledger was pruned, if it was.
    """

    indexed: int
    ledger_size: int
    positions: dict[str, int] = {}
    minimums: dict[str, int] = {}
    sizes: dict[str, int] = {}


AlertState = Literal["open", "acknowledged"]


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """One alert: which rule saw what, in which events, how far its delivery came. `ledgers` says where each
    index counts, if any does not in the default one."""

    id: str
    rule: str
    title: str
    severity: int
    time: str
    raised: str
    actor: str = ""
    resource: str = ""
    session: str = ""
    reason: str = ""
    events: tuple[str, ...] = ()
    indices: tuple[int, ...] = ()
    ledgers: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    state: AlertState = "open"
    acknowledged_by: str = ""
    comment: str = ""
    deliveries: dict[str, str] = {}
