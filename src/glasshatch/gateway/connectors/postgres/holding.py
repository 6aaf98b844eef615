"""A statement that policy wants reviewed waits in its own session, and its client is told for whom.

It is one text without places for values: what is approved is exactly what then runs, once.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from ....events import Access
from ....policy import Decision
from ...core import Hold, HoldWish, Withdraw
from . import refusals
from .answers import notice_message
from .exchange import Item
from .questions import Question
from .session import Session
from .wire import parse_parse, parse_query

_PLACE = re.compile(r"\$[0-9]")
_ELSEWHERE = frozenset({"resource.before-images"})
"""Rules whose review is of another kind: what they want kept is kept by `glasshatch run` only."""

Approved = Callable[[Decision, Access | None], None]
Denied = Callable[[bytes | None], None]


class _Wait(msgspec.Struct, frozen=True):
    question: Question
    decision: Decision
    approved: Approved
    denied: Denied
    lasts: bool
    """It was only prepared: the approval is for its one execution."""


class Holding:
    """What waits in one session, which is one statement at a time, and what was approved and not run yet."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waits: dict[int, _Wait] = {}
        self._passes: dict[int, tuple[Question, Decision, Access | None]] = {}

    def take(
        self, item: Item, question: Question, masked: tuple[str, ...], decision: Decision,
        approved: Approved, denied: Denied,
    ) -> bool:  # fmt: skip
        """Let a statement wait for its review; False if it cannot, and is refused.

        One of the two is called later: `approved` with the decision that it may now run under, or `denied`
        with the refusal to show, None for the usual one.
        """
        held = self._passes.pop(id(question), None) if item.runs else None
        if held is not None and held[0] is question:
            # The approval of what was prepared: used up by its first execution.
            approved(held[1], held[2])
            return True
        text = _text_of(item)
        if decision.rule in _ELSEWHERE or text is None or _PLACE.search(text):
            return False
        session = self._session
        if session.actor is None:
            return False
        ticket = session.hold()
        self._waits[ticket] = _Wait(question, decision, approved, denied, not item.runs)
        wish = HoldWish(
            actor=session.actor, resource=session.resource.facts, statement=question.statement, text=text,
            shown=question.recorded.text, masked=masked, decision=decision,
            session_id=session.record.session_id,
        )  # fmt: skip
        session.outbox.aside(Hold(ticket, wish))
        return True

    def told(self, ticket: int, notice: str, hint: str) -> None:
        """The request is filed: say for whom the statement waits."""
        if ticket in self._waits:
            self._session.outbox.client(notice_message(notice, hint))

    def settled(
        self, ticket: int, verdict: str, reason: str, hint: str, grant_id: str, access: Access | None
    ) -> None:
        """The review is over, one way or the other; nothing happens if nobody waits for it any more."""
        wait = self._waits.pop(ticket, None)
        if wait is None:
            return
        self._session.unhold(ticket)
        if verdict == "approved":
            decision = msgspec.structs.replace(wait.decision, effect="allow", grant_id=grant_id)
            if wait.lasts:
                self._passes[id(wait.question)] = (wait.question, decision, access)
            self._session.rest_on(grant_id)
            wait.approved(decision, access)
        elif verdict == "unheld":
            wait.denied(None)
        else:
            wait.denied(refusals.denied_message(wait.decision, reason, hint))

    def cancel(self) -> bool:
        """The client does not want to wait any longer; False if nothing waits."""
        waits, self._waits = self._waits, {}
        for ticket, wait in waits.items():
            self._session.unhold(ticket)
            self._session.outbox.aside(Withdraw(ticket, "cancelled by who asked"))
            wait.denied(refusals.CANCELLED)
        return bool(waits)

    def leave(self) -> None:
        """The session ends: nobody waits any more."""
        waits, self._waits = self._waits, {}
        for ticket in waits:
            self._session.outbox.aside(Withdraw(ticket, "the session ended"))


def _text_of(item: Item) -> str | None:
    """The whole text that waits, out of its message; None for what has none of its own, as an execution."""
    tag = item.data[:1]
    if tag == b"Q":
        raw = parse_query(item.data[5:])
    elif tag == b"P":
        raw = parse_parse(item.data[5:]).text
    else:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
