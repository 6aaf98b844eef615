"""What a worker and the front say to each other, as MessagePack in frames."""

from __future__ import annotations

import msgspec

from ...api.answers import Problem
from ...gateway.core import HoldWish
from ...identity import Ending, Identity
from ...policy import Breach, Grant, Source


class Hello(msgspec.Struct, frozen=True):
    """The first frame of a connection: who comes, and whether to record or to ask.

    number: the worker's, from 1. instance: its process, as it stands in its events.
    """

    number: int
    instance: str
    records: bool


class Entries(msgspec.Struct, frozen=True, array_like=True):
    """Entries for a ledger by name, in order: redacted and canonical, each with what is kept beside it."""

    ledger: str
    entries: list[tuple[bytes, bytes, str]]
    """The entry; of one that is the short form of something larger, the whole bytes and their digest."""


class Recorded(msgspec.Struct, frozen=True, array_like=True):
    """The answer to one entry, told by its number on this connection, counted from 0."""

    number: int
    index: int = -1
    leaf_hash: bytes = b""
    problem: Problem | None = None


class ToWorker(msgspec.Struct, frozen=True, array_like=True):
    """What comes on the recording connection: answers, and cancel requests that arrived elsewhere."""

    recorded: list[Recorded] = []
    cancel: tuple[int, bytes] | None = None


class Login(msgspec.Struct, frozen=True, tag=True):
    """Whose token is this? Answered by `Identity`."""

    user: str
    secret: str
    resource: str
    certificate: bytes = b""

    def __repr__(self) -> str:
        return f"Login({self.user!r})"


class AskStanding(msgspec.Struct, frozen=True, tag=True):
    """What is an actor at this moment? Answered by `Standing`."""

    actor_id: str


class Standing(msgspec.Struct, frozen=True):
    """An actor as they are, and their grants that have not ended."""

    actor: Identity
    grants: tuple[Grant, ...]


class AskEndings(msgspec.Struct, frozen=True, tag=True):
    """What ended behind the first so many? Answered by `Ended`, or nothing if it is not known any more."""

    after: int


class Ended(msgspec.Struct, frozen=True):
    """How many things ended, and the last of them."""

    count: int
    endings: list[Ending]


class AskAccess(msgspec.Struct, frozen=True, tag=True):
    """What stands in the record for a grant? Answered by `Access` or nothing."""

    grant_id: str


class AskPolicy(msgspec.Struct, frozen=True, tag=True):
    """Which policy is in force, if it is not the one of this hash? Answered by `PolicyText` or nothing."""

    hash: str


class PolicyText(msgspec.Struct, frozen=True):
    """A policy set."""

    name: str
    sources: tuple[Source, ...]


class TakePlace(msgspec.Struct, frozen=True, tag=True):
    """May this actor have one more session? Answered by `Place`, `Breach` or nothing."""

    actor: Identity
    resource: str


class Place(msgspec.Struct, frozen=True, tag=True):
    """A session's share of the limits, by a number on this connection."""

    number: int
    idle_ns: int
    session_ns: int
    counts_rows: bool


class Refused(msgspec.Struct, frozen=True, tag=True):
    """A bound is reached."""

    breach: Breach


class CountStatement(msgspec.Struct, frozen=True, tag=True):
    """May one more statement run? Answered by `Breach` or nothing."""

    place: int


class CountRows(msgspec.Struct, frozen=True, tag=True):
    """How many of these rows may be shown? Answered by `Shown`."""

    place: int
    count: int
    before: int


class Shown(msgspec.Struct, frozen=True):
    """So many, and the bound that the others are beyond."""

    rows: int
    breach: Breach | None


class LeavePlace(msgspec.Struct, frozen=True, tag=True):
    """The session is over. Answered by nothing."""

    place: int


class PassCancel(msgspec.Struct, frozen=True, tag=True):
    """A cancel request for a session of another worker. Answered by nothing."""

    process: int
    key: bytes


class MayHold(msgspec.Struct, frozen=True, tag=True):
    """May a statement to this resource wait in its session? Answered by true or false."""

    resource: str


class FileReview(msgspec.Struct, frozen=True, tag=True):
    """File a request for a statement that waits. Answered by `HeldRequest` or nothing."""

    wish: HoldWish

    def __repr__(self) -> str:
        return "FileReview()"


class AskVerdict(msgspec.Struct, frozen=True, tag=True):
    """What became of a request? Answered by `Verdict` or nothing."""

    request_id: str


class LeaveReview(msgspec.Struct, frozen=True, tag=True):
    """Nobody waits for a request any more. Answered by nothing."""

    request_id: str
    reason: str


Question = (
    MayHold
    | FileReview
    | AskVerdict
    | LeaveReview
    | Login
    | AskStanding
    | AskEndings
    | AskAccess
    | AskPolicy
    | TakePlace
    | CountStatement
    | CountRows
    | LeavePlace
    | PassCancel
)


class Answer(msgspec.Struct, frozen=True):
    """The answer to a question, encoded; or why there is none."""

    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    problem: Problem | None = None
