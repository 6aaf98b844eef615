"""The edge of a conversation: everything that may happen to it, and everything it may want done.

A conversation does no input or output: the driver hands it inputs one at a time and carries out the
effects of each in their order. The only exception that crosses this edge is `PeerError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from ...events import Access, Client, Draft, Event
from ...identity import Identity
from ...policy import Decision, ResourceFacts
from ...statements import Statement
from .ports import HoldWish, TlsMode

Side = Literal["client", "upstream"]


class Received(msgspec.Struct, frozen=True):
    """Bytes arrived from a side."""

    side: Side
    data: bytes


class Closed(msgspec.Struct, frozen=True):
    """A side closed its connection, or lost it. why: what of it is known, for the record."""

    side: Side
    why: str = ""


class Opened(msgspec.Struct, frozen=True):
    """The upstream connection stands."""


class OpenFailed(msgspec.Struct, frozen=True):
    """There is no upstream connection; `reason` names no secret and no address of the client's."""

    reason: str


class TlsStarted(msgspec.Struct, frozen=True):
    """A side now speaks TLS."""

    side: Side
    certificate: bytes = b""
    """What the side has shown of itself, DER; TLS has checked who signed it, and that it holds the key."""


class Authenticated(msgspec.Struct, frozen=True):
    """The client's secret was right."""

    actor: Identity


class Refused(msgspec.Struct, frozen=True):
    """The client's secret was not accepted; the text may be shown to it.

    holder: the id of the actor whose it was, where that is proven.
    """

    message: str
    hint: str = ""
    holder: str = ""


class SessionDecided(msgspec.Struct, frozen=True):
    """Policy's answer to `AskSession`."""

    decision: Decision
    access: Access | None = None


class Decided(msgspec.Struct, frozen=True):
    """Policy's answer to an `Ask`."""

    ticket: int
    decision: Decision
    access: Access | None = None


class Recorded(msgspec.Struct, frozen=True):
    """The sink's answer to a `Record` with a ticket; `error` is empty once the event is durable."""

    ticket: int
    error: str = ""


class Held(msgspec.Struct, frozen=True):
    """A statement waits for a review: what its client is told, and the request that waits."""

    ticket: int
    request_id: str
    notice: str
    hint: str


class Reviewed(msgspec.Struct, frozen=True):
    """The end of a `Hold`. verdict: approved, and then the grant and its access; denied, and why; or unheld:
    nobody reviews statements while their session waits, so it is refused as it is."""

    ticket: int
    verdict: Literal["approved", "denied", "unheld"]
    reason: str = ""
    hint: str = ""
    grant_id: str = ""
    access: Access | None = None


class Cut(msgspec.Struct, frozen=True):
    """What the session rests on was taken back: stop what runs, then end it."""

    reason: str


class Tick(msgspec.Struct, frozen=True):
    """A moment asked for by `Wake` has come."""


class Drain(msgspec.Struct, frozen=True):
    """The server stops: finish what runs, then part."""


class Abort(msgspec.Struct, frozen=True):
    """End the session now; `cut` if somebody ended it, otherwise the gateway itself failed."""

    reason: str
    cut: bool = False


Input = (
    Received
    | Closed
    | Opened
    | OpenFailed
    | TlsStarted
    | Authenticated
    | Refused
    | SessionDecided
    | Decided
    | Held
    | Reviewed
    | Cut
    | Recorded
    | Tick
    | Drain
    | Abort
)


class Send(msgspec.Struct, frozen=True):
    """Write bytes to a side."""

    side: Side
    data: bytes


class Address(msgspec.Struct, frozen=True):
    """Where an upstream listens, and how its certificate is checked."""

    host: str
    port: int
    tls: TlsMode
    tls_ca: str = ""


class Open(msgspec.Struct, frozen=True):
    """Connect to the upstream; answered by `Opened` or `OpenFailed`."""

    address: Address


class StartTls(msgspec.Struct, frozen=True):
    """Speak TLS with a side from the next byte on; answered by `TlsStarted`, or `Closed` if it fails."""

    side: Side


class Close(msgspec.Struct, frozen=True):
    """The conversation is over: write what is pending, then close both sides."""


class Authenticate(msgspec.Struct, frozen=True):
    """Ask who this is; answered by `Authenticated` or `Refused`."""

    user: str
    secret: str
    resource: str
    client: Client
    certificate: bytes = b""

    def __repr__(self) -> str:
        return f"Authenticate(user={self.user!r}, resource={self.resource!r})"


class AskSession(msgspec.Struct, frozen=True):
    """Ask whether the actor may open a session; answered by `SessionDecided`."""

    actor: Identity
    resource: ResourceFacts


class Ask(msgspec.Struct, frozen=True):
    """Ask policy about a statement; answered by `Decided` before anything else."""

    ticket: int
    actor: Identity
    resource: ResourceFacts
    statement: Statement
    masked: tuple[str, ...]


class Hold(msgspec.Struct, frozen=True):
    """Have a statement reviewed while its client waits; answered by `Reviewed`, perhaps after a `Held`.

    The text goes to who measures what it would change, and nowhere else.
    """

    ticket: int
    wish: HoldWish

    def __repr__(self) -> str:
        return f"Hold({self.ticket})"


class Withdraw(msgspec.Struct, frozen=True):
    """Nobody waits for that `Hold` any more; nothing answers."""

    ticket: int
    reason: str


class Record(msgspec.Struct, frozen=True):
    """Record an event; with a ticket, `Recorded` follows once it is durable or has failed."""

    event: Event | Draft
    ticket: int | None = None


class Wake(msgspec.Struct, frozen=True):
    """Send a `Tick` at this time of the monotonic clock."""

    at_ns: int


class Pause(msgspec.Struct, frozen=True):
    """Stop reading the client: what it sent ahead is at its bound."""


class Resume(msgspec.Struct, frozen=True):
    """Read the client again."""


class CancelOther(msgspec.Struct, frozen=True):
    """The client holds this cancel key and wants that session's statement cancelled."""

    process: int
    key: bytes


class CancelUpstream(msgspec.Struct, frozen=True):
    """Ask the upstream, over a connection of its own, to cancel what this session runs there.

    `tls_request` is sent first where the address wants TLS; its answer must be `tls_answer`.
    """

    address: Address
    request: bytes
    tls_request: bytes = b""
    tls_answer: bytes = b""

    def __repr__(self) -> str:
        return f"CancelUpstream(address={self.address!r})"


Effect = (
    Send
    | Open
    | StartTls
    | Close
    | Authenticate
    | AskSession
    | Ask
    | Hold
    | Withdraw
    | Record
    | Wake
    | Pause
    | Resume
    | CancelOther
    | CancelUpstream
)


class Conversation(Protocol):
    """One session's protocol, as the driver sees it."""

    cancel_key: tuple[int, bytes]
    """Process number and key that the client may later cancel with."""

    @property
    def session_id(self) -> str:
        """The session's id, as in its events."""

    @property
    def actor(self) -> Identity | None:
        """Whose session it is, once that is known."""

    @property
    def due_ns(self) -> int:
        """When it wants a `Tick`, on the monotonic clock, whatever its sides do until then."""

    @property
    def rests_on(self) -> tuple[Identity, frozenset[str]] | None:
        """Who uses it, and the grants that let what it ran; None while it rests on none."""

    def start(self) -> Sequence[Effect]:
        """What to do when the client has connected."""

    def handle(self, event: Input) -> Sequence[Effect]:
        """Take one input; the effects are to be carried out in order.

        Raises:
            PeerError: A side broke its protocol; the driver answers with `Abort`.
        """

    def cancel(self) -> Sequence[Effect]:
        """The holder of `cancel_key` asked to cancel what runs."""

    def gone(self) -> None:
        """Nothing follows any more: let go of what is shared with other sessions."""
