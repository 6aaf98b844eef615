"""Answers that are bounded: rows beyond a limit are not shown, and both sides agree on what happened.

The client gets an error where the first row too many would stand. The database does not know of it: what it
still sends is dropped, a long rest is cancelled, and a transaction that it believes to be in good order is
failed, as it would be after any error. Where the two cannot be brought to agree, the session ends.
"""

from __future__ import annotations

from collections.abc import Callable

from ....errors import PeerError
from ....policy import Breach
from ...core import CancelUpstream
from . import refusals
from .asking import FAILING_QUERY, Asking
from .exchange import Exchange, Expect
from .running import Run, finish
from .session import Session
from .startup import cancel_request, ssl_request

_CANCELLED = "57014"
# A rest that is on its way already is read faster than it is cancelled.
_DROPPED_ROWS = 20_000
_DROPPED_BYTES = 4 << 20
_ALWAYS = b"AS"


class Bounding:
    """Counts the rows of one session's answers, and sees an answer that is over its bound to its end."""

    def __init__(self, session: Session, asking: Asking) -> None:
        self._session = session
        self._asking = asking
        self.upstream_cancel: Callable[[], tuple[int, bytes]] = lambda: (0, b"")
        """Process and key of the database's backend, once they are known."""
        self.cutting = False
        """An answer is over its bound: nothing of it goes to the client until the database is ready again."""
        self._dropped_rows = self._dropped_bytes = 0
        self._cancelled = self._confirmed = False

    def admit(self, run: Run, buffer: bytes, start: int, end: int, count: int) -> int:
        """Where those of these rows end that may be shown; after them, the answer is cut."""
        allowance = self._session.allowance
        if allowance is None or not allowance.counts_rows:
            return end
        shown, breach = allowance.rows(count, run.shown_rows, self._session.clock.monotonic_ns())
        run.shown_rows += shown
        if breach is None:
            return end
        self._begin(run, breach)
        position = start
        for _ in range(shown):
            position += 1 + int.from_bytes(buffer[position + 1 : position + 5], "big")
        return position

    def cut(self, run: Run) -> None:
        """Say why, behind the rows that were shown; from here on the client gets nothing of this answer."""
        session, exchange = self._session, self._exchange()
        breach = run.breach
        if breach is None:
            raise RuntimeError("an answer is cut without a reason")
        run.error = "54000"
        others = [expect.run for expect in exchange.pending if expect.run and expect.run is not run]
        if others or run.question.statement.commands > 1:
            # The database goes on to statements that the client would take for not run.
            self._cancel()
            finish(session, run)
            session.end_with = ("54000", refusals.over_limit(breach))
            self.cutting = True
            return
        session.outbox.client(refusals.breach_message(breach))
        for dropped in exchange.drop_until_sync():
            finish(session, dropped, not_sent="not sent: an earlier answer of its batch was over its limit")
        exchange.skipping = not exchange.synced
        self.cutting = True

    def swallow(self, tag: int, raw: bytes, rows: int, handle: Callable[[bytes, bytes], None] | None) -> None:
        """Take a message while an answer is cut; states move on as ever, and the client hears nothing."""
        if self._session.end_with is not None:
            return
        if rows:
            self._drop(rows, len(raw))
            return
        if handle is None:
            raise PeerError("the database sent a message of a kind that has no place here")
        if tag in _ALWAYS:
            handle(raw, raw[5:])
            return
        if tag == 0x5A:
            self._ready(raw, handle)
            return
        if tag == 0x45 and _CANCELLED.encode() in raw:
            self._confirmed = True
        outbox = self._session.outbox
        outbox.muted = True
        try:
            handle(raw, raw[5:])
        finally:
            outbox.muted = False

    def _begin(self, run: Run, breach: Breach) -> None:
        run.breach = breach
        self._dropped_rows = self._dropped_bytes = 0
        self._cancelled = self._confirmed = False

    def _drop(self, rows: int, size: int) -> None:
        self._dropped_rows += rows
        self._dropped_bytes += size
        if self._dropped_rows > _DROPPED_ROWS or self._dropped_bytes > _DROPPED_BYTES:
            self._cancel()

    def _cancel(self) -> None:
        if self._cancelled:
            return
        self._cancelled = True
        process, key = self.upstream_cancel()
        session = self._session
        session.outbox.aside(
            CancelUpstream(session.address, cancel_request(process, key), ssl_request(), b"S")
        )

    def _ready(self, raw: bytes, handle: Callable[[bytes, bytes], None]) -> None:
        if self._cancelled and not self._confirmed:
            # The answer was at its end before the cancel came, which would now hit the next statement.
            raise PeerError("an answer that was over its limit ended too early to be cancelled")
        exchange, session = self._exchange(), self._session
        if raw[5:6] == b"T":
            # The client saw an error, after which a transaction is failed. So it is failed.
            for expect in exchange.pending:
                if expect.run is not None:
                    finish(session, expect.run)
            exchange.pending.clear()
            exchange.simple = True
            exchange.pending.append(Expect("query"))
            self._cancelled = False
            session.outbox.upstream(FAILING_QUERY)
            return
        self.cutting = False
        handle(raw, raw[5:])

    def _exchange(self) -> Exchange:
        if self._asking.exchange is None:
            raise PeerError("the database answered what nobody asked")
        return self._asking.exchange
