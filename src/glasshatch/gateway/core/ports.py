"""What the gateway is handed: who authenticates, who decides, which resources it guards, its limits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from ...clock import Clock
from ...events import Access, Client
from ...identity import Ending, Identity
from ...masking import ColumnRule, MaskingPolicy, Redactor
from ...policy import Breach, Decision, ResourceFacts, Usage
from ...statements import Statement
from .siblings import Alone, Siblings

if TYPE_CHECKING:
    from .effects import Conversation

TlsMode = Literal["disable", "require", "verify-full"]


class Authenticator(Protocol):
    """Turns a secret into an identity."""

    async def authenticate(
        self, user: str, secret: str, resource: str, client: Client, certificate: bytes = b""
    ) -> Identity:
        """The identity behind a token, or behind a certificate (DER) whose key the client has proven.

        Raises:
            Denied: The secret is wrong, expired or not this user's; its message is shown to the client.
            Unavailable: It cannot be told at the moment; the client is refused.
        """


class Authority(Protocol):
    """Says whether an actor may; synchronous, because a statement waits for it."""

    def authorise(self, actor: Identity, resource: ResourceFacts) -> Decision:
        """Whether the actor may open a session on the resource."""

    def decide(
        self, actor: Identity, resource: ResourceFacts, statement: Statement, masked: tuple[str, ...]
    ) -> Decision:
        """Whether the actor may run the statement now; called again at every execution."""

    def access(self, grant_id: str) -> Access | None:
        """What stands in the record for a decision's grant; None if the grant is not known."""

    def cut_off(self, actor: Identity, grants: Collection[str]) -> str:
        """Why a session that rests on these grants must end now: one was taken back; empty if none was."""


class HoldWish(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that policy wants reviewed, and the session in which it waits.

    text: As it could be typed, with its bound values in their places; empty where it cannot be written so.
    shown: What its reviewer sees: redacted, with the values that it was bound to.
    """

    actor: Identity
    resource: ResourceFacts
    statement: Statement
    text: str
    shown: str
    masked: tuple[str, ...]
    decision: Decision
    session_id: str

    def __repr__(self) -> str:
        return f"HoldWish({self.resource.id!r}, {self.statement.verbs!r})"


class HeldRequest(msgspec.Struct, frozen=True):
    """A request that was filed for a statement that waits."""

    id: str
    notice: str
    hint: str


class Verdict(msgspec.Struct, frozen=True):
    """What became of a request that a statement waited for."""

    approved: bool
    reason: str = ""
    hint: str = ""
    grant_id: str = ""
    access: Access | None = None


class Reviewing(Protocol):
    """Has statements reviewed while their sessions wait. Blocks on the disk: not for the event loop."""

    def holds(self, resource: str) -> bool:
        """Whether statements to a resource may wait at all; answers at once."""

    def file(self, wish: HoldWish) -> HeldRequest | None:
        """File a request; None where statements like this one do not wait.

        Raises:
            Denied: No approval could let it run; its message is for the client.
            Unavailable: It cannot be recorded.
        """

    def verdict(self, request_id: str) -> Verdict | None:
        """What became of a request; None while it waits."""

    def withdraw(self, request_id: str, reason: str) -> None:
        """Take a request back that nobody waits for any more."""


class Unreviewed:
    """No statement waits: what needs a review is refused, and asked for beforehand."""

    def holds(self, resource: str) -> bool:
        """See `Reviewing`."""
        return False

    def file(self, wish: HoldWish) -> HeldRequest | None:
        """See `Reviewing`."""
        return None

    def verdict(self, request_id: str) -> Verdict | None:
        """See `Reviewing`."""
        return Verdict(approved=False)

    def withdraw(self, request_id: str, reason: str) -> None:
        """See `Reviewing`."""


class EndingSource(Protocol):
    """What ended that sessions rest on: tokens, certificates, actors."""

    def look(self) -> Sequence[Ending] | None:
        """What ended since the last look; None if that cannot be told, so that every session must end.

        Asked several times a second from the event loop; where nothing changed it answers at once.
        """


class NothingEnds:
    """Nobody says that anything ended."""

    def look(self) -> Sequence[Ending]:
        """See `EndingSource`."""
        return ()


class Allowing(Protocol):
    """What one session may use: `policy.Allowance`, or one that another process keeps."""

    idle_ns: int
    session_ns: int
    counts_rows: bool

    def close(self) -> None:
        """The session is over; more than once changes nothing."""

    def statement(self, now_ns: int) -> Breach | None:
        """Count a statement that is about to run, unless a bound is reached."""

    def rows(self, count: int, before: int, now_ns: int) -> tuple[int, Breach | None]:
        """Of rows that are about to be shown, how many may be, and the bound that the others are beyond."""


class Limiter(Protocol):
    """What people may use, and what they use at this moment: `policy.Usage`, or another process's."""

    def open(self, actor: Identity, resource: str, now_ns: int) -> Allowing | Breach | None:
        """Take a session's place; None where nothing is limited."""


class PostgresTarget(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream PostgreSQL. `password` is a callable so that the secret never stands in a repr.

    tls_ca: a PEM file, needed for verify-full.
    """

    host: str
    port: int
    user: str
    password: Callable[[], str]
    database: str
    tls: TlsMode = "require"
    tls_ca: str = ""


class GuardedResource(msgspec.Struct, frozen=True):
    """A resource behind the gateway: clients name it as their database.

    rules: what its columns hold. masking: which operator whom meets. dry_run: answers pass in clear, and what
    would be masked is counted and recorded; secrets are masked all the same. record: `async` sends statements
    before their records are durable.
    """

    facts: ResourceFacts
    target: PostgresTarget
    rules: tuple[ColumnRule, ...] = ()
    masking: MaskingPolicy = MaskingPolicy()
    dry_run: bool = False
    record: Literal["durable", "async"] = "durable"

    def may_mask(self, column: str, type: str) -> bool:
        """Whether a masking rule masks a column here, for anybody at all."""
        return self.masking.may_mask(self.facts.id, column, type)


class House(msgspec.Struct, frozen=True):
    """What all sessions of a gateway share. `tls`: whether clients can be offered TLS.

    plaintext_anywhere: whether a token may come in clear from another host than this one.
    """

    resources: Mapping[str, GuardedResource]
    redactor: Redactor
    clock: Clock
    random: Callable[[int], bytes]
    limits: Limits
    tenant: str
    instance: str
    tls: bool
    plaintext_anywhere: bool
    usage: Limiter = msgspec.field(default_factory=Usage)
    """What people may use, and what they use at this moment."""
    siblings: Siblings = msgspec.field(default_factory=Alone)
    authority: Authority | None = None
    """Who decides at once what is asked again and again; what is new is asked by an effect in any case."""
    waits: Callable[[str], bool] = lambda resource: False
    """Whether some statement to a resource (`type/name`) may wait for its review in its session."""


class Connector(Protocol):
    """One protocol of the gateway: makes conversations, and keeps what its sessions share."""

    name: str

    def open(self, house: House) -> Callable[[Client], Conversation]:
        """Prepare for a server's lifetime; what is returned begins one conversation per client."""

    def too_many(self) -> bytes:
        """What a client is told when there is no room for it."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one session may cost; a breach ends the session with an error, never the server."""

    login_ns: int = 30_000_000_000
    record_ns: int = 10_000_000_000
    catalogue_ns: int = 30_000_000_000
    """How long what is known of the resource's tables stays valid without a look."""
    statement_bytes: int = 1 << 20
    message_bytes: int = 64 << 20
    """The largest single message of either side, so the largest value."""
    queued_bytes: int = 256 << 10
    """What a client may send ahead before the gateway stops reading it."""
    heartbeat_ns: int = 300_000_000_000
    """How often a session of which nothing else is recorded is recorded as open; 0 for never."""
    prepared: int = 4096
    behind: int = 64
    """With `record = "async"`: how many records of a session may wait for their acknowledgement."""
    sessions: int = 1000
