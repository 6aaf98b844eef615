"""What a worker knows of actors, grants and policy: asked of the front, and anew after every change."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ...api.answers import raised
from ...api.sockets import connect_unix
from ...errors import PeerError, Unavailable
from ...events import Access, Client
from ...gateway.core import HeldRequest, HoldWish, Verdict
from ...identity import Ending, Identity
from ...policy import Breach, Grant, PolicySet
from ..frames import receive, send
from ..reviews.rules import ReviewRules
from .page import Page
from .values import (
    Answer,
    AskAccess,
    AskEndings,
    AskPolicy,
    AskStanding,
    AskVerdict,
    CountRows,
    CountStatement,
    Ended,
    FileReview,
    Hello,
    LeavePlace,
    LeaveReview,
    Login,
    PassCancel,
    Place,
    PolicyText,
    Question,
    Refused,
    Shown,
    Standing,
    TakePlace,
)

_TIMEOUT_SECONDS = 30.0
_MANY = 10_000


class Line:
    """One connection for questions, one at a time. Short questions are asked from the event loop: the front
    answers out of its memory, in less time than another thread takes to wake."""

    def __init__(self, path: Path, hello: Hello, lost: Callable[[], None] = lambda: None) -> None:
        """`lost` is called when the line breaks, before the question that it broke at is refused.

        Raises:
            Unavailable: The front is not there.
        """
        self._lock = threading.Lock()
        self._lost = lost
        try:
            self._connection: socket.socket = connect_unix(path, _TIMEOUT_SECONDS)
            send(self._connection, hello)
        except OSError:
            raise _away() from None

    def ask(self, question: Question, answer: Any) -> Any:
        """The front's answer, of this type.

        Raises:
            GlasshatchError: As the front raised it.
            Unavailable: The front is away.
        """
        with self._lock:
            try:
                send(self._connection, question)
                found: Answer = receive(self._connection, Answer)
            except (OSError, PeerError):
                # What comes later on this connection would be taken for the answer to another question.
                self.close()
                self._lost()
                raise _away() from None
        if found.problem is not None:
            raise raised(found.problem)
        return msgspec.msgpack.decode(found.value, type=answer)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class FarStanding:
    """A `StandingSource` and the policy in force, out of memory for as long as the page counts no change.

    Used by the event loop alone.
    """

    def __init__(self, line: Line, page: Page, renew: Callable[[], None]) -> None:
        """`renew` is called after every change: the keyring may be another too."""
        self._line = line
        self._page = page
        self._renew = renew
        self._held: dict[str, Standing] = {}
        self._accesses: dict[str, Access | None] = {}
        self._known = page.changes
        self._checked = True
        self._policy = _policy(line.ask(AskPolicy(""), PolicyText))

    def policy(self) -> PolicySet:
        """The policy in force at this moment."""
        self._look()
        if not self._checked:
            text = self._line.ask(AskPolicy(self._policy.hash), PolicyText | None)
            if text is not None:
                self._policy = _policy(text)
            self._checked = True
        return self._policy

    def current(self, actor_id: str) -> Identity:
        """The actor with the roles of this moment."""
        return self._standing(actor_id).actor

    def grants_of(self, actor_id: str, now_ns: int) -> tuple[Grant, ...]:
        """The actor's grants in force."""
        return tuple(grant for grant in self._standing(actor_id).grants if grant.active(now_ns))

    def access(self, grant_id: str) -> Access | None:
        """What stands in the record for a grant."""
        self._look()
        if grant_id not in self._accesses:
            _make_room(self._accesses)
            self._accesses[grant_id] = self._line.ask(AskAccess(grant_id), Access | None)
        return self._accesses[grant_id]

    def _standing(self, actor_id: str) -> Standing:
        self._look()
        found = self._held.get(actor_id)
        if found is None:
            _make_room(self._held)
            found = self._held[actor_id] = self._line.ask(AskStanding(actor_id), Standing)
        return found

    def _look(self) -> None:
        changes = self._page.changes
        if changes == self._known:
            return
        self._checked = False
        self._held.clear()
        self._accesses.clear()
        self._renew()
        # Noted last: if the keyring could not be read, nothing is decided before it can be. The count was
        # read before anything is asked, so a change meanwhile is seen the next time.
        self._known = changes


class FarAuthenticator:
    """The front looks at the token, each time on a connection of its own: that takes it a while."""

    def __init__(self, path: Path, hello: Hello) -> None:
        self._path = path
        self._hello = hello

    async def authenticate(
        self, user: str, secret: str, resource: str, client: Client, certificate: bytes = b""
    ) -> Identity:
        """The identity behind a token or a certificate; raises `Denied` or `Unavailable`."""
        return await asyncio.to_thread(self._ask, Login(user, secret, resource, certificate))

    def _ask(self, question: Login) -> Identity:
        with contextlib.closing(Line(self._path, self._hello)) as line:
            found: Identity = line.ask(question, Identity)
            return found


class FarEndings:
    """What ended, asked of the front when the page counts a change: fills the gateway's `EndingSource`."""

    def __init__(self, line: Line, page: Page) -> None:
        self._line = line
        self._page = page
        self._changes = page.changes
        # No session is open yet, so nothing before this matters; only the number does.
        found: Ended = line.ask(AskEndings(-1), Ended)
        self._count = found.count

    def look(self) -> Sequence[Ending] | None:
        """What ended since the last look; None if that is not known any more."""
        changes = self._page.changes
        if changes == self._changes:
            return ()
        found: Ended | None = self._line.ask(AskEndings(self._count), Ended | None)
        self._changes = changes
        if found is None:
            return None
        self._count = found.count
        return found.endings


class FarReviews:
    """The front files the requests of statements that wait, and judges are told by it."""

    def __init__(self, path: Path, hello: Hello, rules: ReviewRules) -> None:
        """`rules` of the same configuration as the front's, for what is asked of every statement."""
        self._path = path
        self._hello = hello
        self._rules = rules

    def holds(self, resource: str) -> bool:
        """Whether statements to a resource may wait at all."""
        return self._rules.holds(resource)

    def file(self, wish: HoldWish) -> HeldRequest | None:
        """File a request."""
        found: HeldRequest | None = self._ask(FileReview(wish), HeldRequest | None)
        return found

    def verdict(self, request_id: str) -> Verdict | None:
        """What became of it."""
        found: Verdict | None = self._ask(AskVerdict(request_id), Verdict | None)
        return found

    def withdraw(self, request_id: str, reason: str) -> None:
        """Nobody waits for it any more."""
        self._ask(LeaveReview(request_id, reason), None)

    def _ask(self, question: Question, answer: Any) -> Any:
        with contextlib.closing(Line(self._path, self._hello)) as line:
            return line.ask(question, answer)


class FarUsage:
    """The limits are counted by the front, for all workers together."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def open(self, actor: Identity, resource: str, now_ns: int) -> FarAllowance | Breach | None:
        """Take a session's place; None where nothing is limited."""
        found = self._line.ask(TakePlace(actor, resource), Place | Refused | None)
        if isinstance(found, Refused):
            return found.breach
        return FarAllowance(self._line, found) if found is not None else None


class FarAllowance:
    """What one session may use, as the front counts it."""

    def __init__(self, line: Line, place: Place) -> None:
        self._line = line
        self._place = place.number
        self._open = True
        self.idle_ns = place.idle_ns
        self.session_ns = place.session_ns
        self.counts_rows = place.counts_rows

    def close(self) -> None:
        """The session is over; more than once changes nothing."""
        if self._open:
            self._open = False
            # A front that is gone has forgotten the place already.
            with contextlib.suppress(Unavailable):
                self._line.ask(LeavePlace(self._place), None)

    def statement(self, now_ns: int) -> Breach | None:
        """Count a statement that is about to run, unless a bound is reached."""
        found: Breach | None = self._line.ask(CountStatement(self._place), Breach | None)
        return found

    def rows(self, count: int, before: int, now_ns: int) -> tuple[int, Breach | None]:
        """Count rows that are about to be shown: how many may be, and the bound the others are beyond."""
        found: Shown = self._line.ask(CountRows(self._place, count, before), Shown)
        return found.rows, found.breach


class Siblings:
    """The other workers, as far as a gateway must know of them."""

    def __init__(self, number: int, page: Page, line: Line) -> None:
        self.number = number
        self._page = page
        self._line = line

    def sessions(self) -> int:
        """How many sessions the others have."""
        return self._page.sessions_but(self.number)

    def tell_sessions(self, count: int) -> None:
        """How many we have."""
        self._page.set_sessions(self.number, count)

    def table_changes(self) -> int:
        """How often the others' sessions changed tables."""
        return self._page.table_changes_but(self.number)

    def tell_table_change(self) -> None:
        """One of our sessions changed tables."""
        self._page.count_table_change(self.number)

    def cancel(self, process: int, key: bytes) -> None:
        """A cancel request for a session that is not ours; one that is nobody's does nothing."""
        with contextlib.suppress(Unavailable):
            self._line.ask(PassCancel(process, key), None)


def _policy(text: PolicyText) -> PolicySet:
    return PolicySet(text.name, text.sources)


def _make_room(held: dict[str, Any]) -> None:
    if len(held) >= _MANY:
        held.clear()


def _away() -> Unavailable:
    return Unavailable("the front cannot be reached at the moment", hint="it is restarting")
