"""Which sessions the record has open, and where their numbers have a hole: read off the entries, in order.

The book is derived: it is made anew from the ledgers when lost, and to apply entries again changes nothing
as long as it is from where the book stands.
"""

from __future__ import annotations

import contextlib

import msgspec

ENDS = frozenset({"session.closed", "session.aborted", "session.refused"})
GAP = "recording.gap"
_GATEWAY = "gateway"
_OURS = "glasshatch"
_GATEWAY_MARK, _GAP_MARK = b'"kind":"gateway"', b'"recording.gap"'


class OpenSession(msgspec.Struct):
    """A session that began and has not ended, as far as a ledger was read.

    first, last: where its first and newest events stand. seq, time_ns: number and time of the newest one.
    runs: for each statement that was decided and has no outcome, where its `statement.run` stands.
    told: a `recording.gap` says already that the outcomes are missing, or that it fell silent.
    """

    ledger: str
    first: int
    last: int
    seq: int
    time_ns: int
    instance: str
    unconfirmed: bool = False
    """Its statements ran without waiting for their record, so that even a decision may be missing."""
    runs: dict[str, int] = {}
    heartbeat_s: int = 0
    """How often it gives a sign of life where nothing else is recorded; 0 if it gives none."""
    told: bool = False


class Hole(msgspec.Struct, frozen=True):
    """Numbers of a session that are not in the record: those between two neighbours there.

    after: the number in front of it, -1 for none. before: the number behind it. index: where that one stands.
    """

    session: str
    ledger: str
    after: int
    before: int
    index: int


class Book(msgspec.Struct):
    """What is kept on disk.

    marks: the entry that is wanted next of each ledger. since_ns: of a ledger whose beginning was pruned
    before it was read, the time of the first entry that was; what is older may begin in its middle.
    """

    marks: dict[str, int] = {}
    since_ns: dict[str, int] = {}
    sessions: dict[str, OpenSession] = {}


class _Attrs(msgspec.Struct):
    seq: int | None = None
    after: int | None = None
    recording: str | None = None
    heartbeat_s: int = 0


class _Source(msgspec.Struct):
    kind: str = ""
    instance: str = ""


class _Seen(msgspec.Struct):
    action: str
    source: _Source
    time: str = "0"
    session_id: str = ""
    request_id: str = ""
    attrs: _Attrs = msgspec.field(default_factory=_Attrs)


_seen = msgspec.json.Decoder(_Seen).decode


def _began_ns(session: str) -> int:
    """When an id was made: the first 48 bits of a UUIDv7 are milliseconds (RFC 9562 §5.7)."""
    try:
        return int(session.replace("-", "")[:12], 16) * 1_000_000
    except ValueError:
        return 0


class SessionBook:
    """Follows every ledger; a session's events are all in one of them, in the order of their numbers."""

    def __init__(self, book: Book | None = None) -> None:
        self.book = book or Book()
        self.holes: dict[tuple[str, int], Hole] = {}
        """Holes that were found and are not in the record yet, by session and the number before them."""

    @property
    def sessions(self) -> dict[str, OpenSession]:
        """The open ones by id."""
        return self.book.sessions

    def mark(self, ledger: str) -> int:
        """The entry of this ledger that is wanted next."""
        return self.book.marks.get(ledger, 0)

    def apply(self, ledger: str, index: int, data: bytes) -> None:
        """Take the next entry of a ledger; where those before it were pruned, the first that is kept."""
        skipped = index > self.mark(ledger)
        self.book.marks[ledger] = index + 1
        if skipped:
            self._begin_late(ledger, data)
        if _GATEWAY_MARK not in data and _GAP_MARK not in data:
            return
        try:
            seen = _seen(data)
        except msgspec.DecodeError:
            return  # an entry of another kind whose text holds one of the marks
        if seen.action == GAP and seen.source.kind == _OURS:
            self._told(seen)
        elif seen.source.kind == _GATEWAY and seen.session_id and seen.attrs.seq is not None:
            self._take(ledger, index, seen, seen.attrs.seq)

    def _begin_late(self, ledger: str, data: bytes) -> None:
        """Nothing is known of what was pruned before it was read, so those sessions are not told of."""
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            self.book.since_ns[ledger] = int(_seen(data).time)
        for id in [id for id, one in self.sessions.items() if one.ledger == ledger]:
            del self.sessions[id]

    def _told(self, seen: _Seen) -> None:
        """The record says already what is missing here."""
        if seen.attrs.after is not None:
            self.holes.pop((seen.session_id, seen.attrs.after), None)
        elif seen.session_id in self.sessions:
            self.sessions[seen.session_id].told = True

    def _take(self, ledger: str, index: int, seen: _Seen, seq: int) -> None:
        session = self.sessions.get(seen.session_id)
        late = session is None and _began_ns(seen.session_id) < self.book.since_ns.get(ledger, 0)
        known = session.seq if session is not None else seq - 1 if late else -1
        if seq > known + 1:
            hole = Hole(seen.session_id, ledger, known, seq, index)
            self.holes[hole.session, hole.after] = hole
        if seen.action in ENDS:
            self.sessions.pop(seen.session_id, None)
            return
        if session is None:
            session = OpenSession(ledger, index, index, seq, 0, seen.source.instance)
            session.unconfirmed = seen.attrs.recording == "async"
            session.heartbeat_s = seen.attrs.heartbeat_s
            self.sessions[seen.session_id] = session
        session.seq, session.last = max(seq, session.seq), index
        session.time_ns = int(seen.time)
        if seen.action == "statement.run":
            session.runs[seen.request_id] = index
        elif seen.action == "statement.finished":
            session.runs.pop(seen.request_id, None)
