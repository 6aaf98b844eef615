"""A statement that policy wants reviewed waits in its own session, and its client is told for whom.

What is approved is exactly what then runs, once: a text, or a prepared statement with the values of one Bind.
A statement may be prepared meanwhile, which runs nothing; it waits once it has its values.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ....events import Access
from ....policy import Decision
from ...core import Hold, HoldWish, Withdraw
from . import refusals
from .answers import notice_message
from .exchange import Item, Portal
from .questions import Question
from .session import Session
from .wire import parse_query

_ELSEWHERE = frozenset({"resource.before-images"})
"""Rules whose review is of another kind: what they want kept is kept by `glasshatch run` only."""

_SHOWN_CHARACTERS = 12_000
"""Of a statement with values so much of the text is shown; the values follow, and are never cut off."""

Approved = Callable[[Decision, Access | None], None]
Denied = Callable[[bytes | None], None]


class _Wait(msgspec.Struct, frozen=True):
    question: Question
    decision: Decision
    approved: Approved
    denied: Denied
    portal: Portal | None
    """What was bound and does not run yet: the approval is for its one execution."""


class Holding:
    """What waits in one session, which is one statement at a time, and what was approved and not run yet."""

    def __init__(self, session: Session, waits: Callable[[str], bool]) -> None:
        self._session = session
        self._may_wait = waits
        self._waits: dict[int, _Wait] = {}
        self._passes: dict[int, tuple[Portal, Decision, Access | None]] = {}

    def may_wait(self, decision: Decision) -> bool:
        """Whether a review of such a statement could be waited for at all."""
        return decision.rule not in _ELSEWHERE and self._may_wait(self._session.resource.facts.id)

    def take(
        self, item: Item, question: Question, masked: tuple[str, ...], decision: Decision,
        approved: Approved, denied: Denied,
    ) -> bool:  # fmt: skip
        """Let a statement wait for its review; False if it cannot, and is refused or only prepared.

        One of the two is called later: `approved` with the decision that it may now run under, or `denied`
        with the refusal to show, None for the usual one.
        """
        session = self._session
        if item.prepares or session.actor is None or not self.may_wait(decision):
            return False
        portal = item.expect.portal if item.expect is not None else None
        held = self._passes.pop(id(portal), None) if item.runs else None
        if held is not None:
            # The approval of what was bound: used up by its first execution.
            approved(held[1], held[2])
            return True
        text = _text_of(item, portal)
        if text is None:
            return False
        ticket = session.hold()
        self._waits[ticket] = _Wait(question, decision, approved, denied, None if item.runs else portal)
        wish = HoldWish(
            actor=session.actor, resource=session.resource.facts, statement=question.statement, text=text,
            shown=_shown(question, portal), masked=masked, decision=decision,
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
            if wait.portal is not None:
                # It holds the portal too, so that no other can come to have its identity.
                self._passes[id(wait.portal)] = (wait.portal, decision, access)
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


def _text_of(item: Item, portal: Portal | None) -> str | None:
    """The whole text that waits; empty where it is not known with its values, None if it is no UTF-8."""
    if portal is not None:
        text, portal.typed = portal.typed, ""
        return text
    try:
        return parse_query(item.data[5:]).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _shown(question: Question, portal: Portal | None) -> str:
    """What a reviewer sees: the redacted text and, behind it, the redacted values."""
    text = question.recorded.text
    if portal is None or not portal.bound:
        return text
    values = ", ".join(f"${number} = {value}" for number, value in enumerate(portal.bound, 1))
    return f"{text[:_SHOWN_CHARACTERS]}\n-- {values}"
