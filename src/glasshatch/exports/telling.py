"""What the record says of exports: what left, and when one stands still, goes on, skipped something or was
set back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..events import Actor, Data, Event, Outcome, Resource
from .cursor import Aside

EXPORTED = "record.exported"
SET_ASIDE = "export.set_aside"
_MOST_NAMED = 50


class Note(Protocol):
    """Makes an event durable in the record; raises a `GlasshatchError` if it cannot."""

    def __call__(self, action: str, **members: Any) -> None: ...


class Telling:
    """Speaks for one export."""

    def __init__(self, name: str, where: str, form: str, actor: Actor, note: Note) -> None:
        self._name = name
        self._where = where
        self._form = form
        self._actor = actor
        self._note = note

    def exported(self, ledger: str, first: int, stop: int, events: int, unreadable: int) -> None:
        """So many events left, out of these entries."""
        attrs = self._attrs(ledger=ledger, first=first, stop=stop, form=self._form)
        if unreadable:
            attrs["unreadable"] = unreadable
        self._tell(EXPORTED, "success", "", attrs, data=Data(rows=events, recipient=self._where))

    def stopped(self, seconds: int, behind: int, error: str) -> None:
        """It has been behind for longer than it may be."""
        why = error or "it does not keep up"
        reason = f"behind for {seconds} s, {behind} entries to go: {why}"
        self._tell("export.stopped", "failure", reason, self._attrs(behind=behind, seconds=seconds))

    def resumed(self, sent: int) -> None:
        """It has come to the end of the record again."""
        self._tell(
            "export.resumed", "success", "delivers again, up to the newest entry", self._attrs(sent=sent)
        )

    def skipped(self, ledger: str, first: int, stop: int) -> None:
        """Entries were pruned before they left."""
        reason = f"{stop - first} entries were pruned before they were delivered"
        attrs = self._attrs(ledger=ledger, first=first, stop=stop)
        self._tell("export.skipped", "failure", reason, attrs)

    def set_aside(self, left: Sequence[Aside]) -> None:
        """The destination refused these events, each by itself, and takes others."""
        reason = f"{len(left)} event{'s' * (len(left) != 1)} refused by the destination: {left[0].why}"
        named = [{"index": one.index, "event": one.event, "why": one.why} for one in left[:_MOST_NAMED]]
        attrs = self._attrs(ledger=left[0].ledger, count=len(left), events=named)
        self._tell(SET_ASIDE, "failure", reason, attrs)

    def is_own_aside(self, event: Event) -> bool:
        """Whether an event says that this very export set something aside: if it is refused as well, another
        such event would be too, and so on for ever."""
        about = event.resource.id if event.resource is not None else ""
        return event.action == SET_ASIDE and about == f"export/{self._name}"

    def reset(self, by: Actor, ledger: str, before: int, after: int) -> None:
        """Somebody set it to another entry."""
        reason = f"from entry {before} to {after}"
        attrs = self._attrs(ledger=ledger, before=before, after=after)
        self._tell("export.reset", "success", reason, attrs, actor=by)

    def _attrs(self, **more: Any) -> dict[str, Any]:
        return {"export": self._name, "destination": self._where, **more}

    def _tell(self, action: str, status: Any, reason: str, attrs: dict[str, Any], **members: Any) -> None:
        members.setdefault("actor", self._actor)
        self._note(
            action, outcome=Outcome(status=status, reason=reason), attrs=attrs,
            resource=Resource(type="export", id=f"export/{self._name}", name=self._name), **members,
        )  # fmt: skip


def counts(event: Event) -> bool:
    """Whether that this left is worth a word: the word itself leaves too, and would make another for ever."""
    return event.action != EXPORTED
