"""Which statement an error of the database belongs to, and what is recorded of it.

A statement may fail long before it is run: when it is prepared, or when its values are bound; and long after:
its transaction may not be committed. All of that is its end, as the database's own log has it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .exchange import Exchange, Expect, Prepared
from .running import Run, finish, refused_event, run_event, undone
from .session import Session


def note_failure(session: Session, exchange: Exchange, expect: Expect | None, code: str) -> None:
    """Record the failure of whatever the database answered with an error; nothing if it was no statement."""
    if expect is None:
        return
    if expect.kind == "sync":
        # The statements of the batch had ended well, each with its own record; what fails is their commit.
        if exchange.ended is not None:
            undone(session, exchange.ended, code)
        return
    run = expect.run if expect.run is not None else _whose(session, exchange, expect)
    if run is None:
        return
    # A run that was cut off at its limit has its reason already.
    run.error = run.error or code
    run.hide_copy = False
    run.copying = None
    if expect.kind != "query":
        finish(session, run)


def _whose(session: Session, exchange: Exchange, expect: Expect) -> Run | None:
    """The run for which a statement was prepared, bound or described; a new one if none was asked for yet."""
    portal = expect.portal
    prepared = expect.prepared if portal is None else portal.prepared
    if prepared is None:
        return None
    for other in _until_sync(exchange):
        if other.run is not None and other.portal is not None and other.portal.prepared is prepared:
            return other.run
    return _attempted(session, prepared, portal.bound if portal is not None else None)


def _until_sync(exchange: Exchange) -> Iterator[Expect]:
    for other in (*exchange.pending, *(item.expect for item in exchange.waiting)):
        if other is not None and other.kind == "sync":
            return
        if other is not None:
            yield other


def _attempted(session: Session, prepared: Prepared, bound: list[str] | None) -> Run | None:
    """A statement that its client only prepared: the database has seen its text and refused it."""
    before = prepared.allowed
    if before is None:
        return None
    if before.decision.effect != "allow":
        # It would have waited for a review before it ran.
        decision = msgspec.structs.replace(before.decision, id=session.record.new_id())
        session.submit(refused_event(session, before.question, decision, before.masked, "extended"))
        return None
    run = Run(
        before.question, before.masked, before.decision, before.access,
        session.record.new_id(), session.clock.monotonic_ns(),
    )  # fmt: skip
    session.submit(run_event(session, run, "extended", bound))
    return run
