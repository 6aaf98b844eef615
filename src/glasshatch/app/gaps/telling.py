"""The events that say what is missing, in the words of the session it is missing from."""

from __future__ import annotations

import os

import msgspec

from ...clock import Clock
from ...errors import GlasshatchError
from ...events import ACTIONS, Event, Link, Outcome, Source, decode, uuid7
from .following import GAP, Hole, OpenSession

_NAMES = 48


class Teller:
    """Makes events of sessions that this process did not serve; actor, resource and access are theirs."""

    def __init__(self, clock: Clock, *, tenant: str, instance: str) -> None:
        self._clock = clock
        self._tenant = tenant
        self._instance = instance

    def read(self, data: bytes) -> Event | None:
        """An entry as an event; None for one of a newer schema."""
        try:
            return decode(data)
        except GlasshatchError:
            return None

    def hole(self, hole: Hole, behind: Event | None) -> Event:
        """`recording.gap`: numbers of a session are missing; `behind` is the event after them."""
        count = hole.before - hole.after - 1
        reason = f"{count} event{'s' if count > 1 else ''} of the session did not reach the record"
        attrs = {"gap": "numbers", "after": hole.after, "before": hole.before, "missing": count}
        links = [Link(rel="event", id=behind.id)] if behind is not None else []
        return self._gap(hole.session, behind, reason, attrs, links)

    def lost_outcome(
        self, id: str, session: OpenSession, first: Event | None, runs: list[tuple[str, Event | None]]
    ) -> Event:
        """`recording.gap`: the gateway ended before it had recorded how statements ended."""
        reason = (
            "the gateway ended before the outcome was recorded: what the statement did and showed is unknown"
            if runs
            else "the gateway ended: statements that it did not wait to record may be missing"
        )
        attrs = {"gap": "outcome", "last_seq": session.seq, "statements": [run for run, _ in runs[:_NAMES]]}
        return self._gap(id, first, reason, attrs, _links(first, runs))

    def silence(self, id: str, session: OpenSession, first: Event | None) -> Event:
        """`recording.gap`: the session is open and its heartbeats do not come."""
        attrs = {"gap": "silence", "last_seq": session.seq, "last_time": str(session.time_ns)}
        return self._gap(id, first, "the session's heartbeats do not reach the record", attrs, [])

    def aborted(
        self, id: str, session: OpenSession, first: Event | None, runs: list[tuple[str, Event | None]]
    ) -> Event:
        """`session.aborted`: nobody else will say that it ended. Numbered behind what is in the record."""
        attrs: dict[str, object] = {
            "seq": session.seq + 1,
            "recovered": True,
            "last_seq": session.seq,
            "last_time": str(session.time_ns),
        }
        if runs:
            attrs["statements"] = [run for run, _ in runs[:_NAMES]]
        outcome = Outcome(status="failure", code="57P02", reason="the gateway ended without closing it")
        source = Source(kind="gateway", name="postgres")
        if first is not None:
            source = first.source
        source = msgspec.structs.replace(source, instance=self._instance)
        return self._event("session.aborted", id, first, outcome, attrs, _links(first, runs), source)

    def _gap(
        self, id: str, first: Event | None, reason: str, attrs: dict[str, object], links: list[Link]
    ) -> Event:
        outcome = Outcome(status="unknown", reason=reason)
        source = Source(kind="glasshatch", instance=self._instance)
        return self._event(GAP, id, first, outcome, attrs, links, source)

    def _event(
        self,
        action: str,
        id: str,
        first: Event | None,
        outcome: Outcome,
        attrs: dict[str, object],
        links: list[Link],
        source: Source,
    ) -> Event:
        now_ns = self._clock.now_ns()
        event = Event(
            id=uuid7(now_ns, os.urandom(10)),
            time=str(now_ns),
            tenant=self._tenant,
            action=action,
            source=source,
            outcome=outcome,
            severity=ACTIONS[action].severity,
            session_id=id,
            links=tuple(links),
            attrs=attrs,
        )
        if first is None:
            return event
        return msgspec.structs.replace(
            event, actor=first.actor, client=first.client, resource=first.resource, access=first.access
        )


def _links(first: Event | None, runs: list[tuple[str, Event | None]]) -> list[Link]:
    """To the session's beginning, and to every statement that is named."""
    links = [Link(rel="session", id=first.id)] if first is not None else []
    return links + [Link(rel="statement", id=run.id) for _, run in runs[:_NAMES] if run is not None]
