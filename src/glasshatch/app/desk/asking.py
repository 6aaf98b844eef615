"""Help with asking at the desk: suggestions while a query is typed, sessions by filter, one replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ...api.play_values import Played, PlayForm, SessionFilter
from ...api.search_values import CompleteForm, Completion, SavedSearch, SaveForm
from ...api.values import RecordedEvent, SessionSummary
from ...errors import ConfigError
from ...identity import Identity
from ...investigate import (
    Investigator,
    Match,
    SearchQuery,
    SessionQuery,
    Visibility,
    complete,
    search,
    session_ids,
    sessions,
)
from ..access import Access, shown
from ..access.narrowing import seen_by
from .coalescing import CoalescedReads, Note, note_read
from .investigation import Behind
from .playing import steps_of

Keep = Callable[[Identity, SaveForm], SavedSearch]


class AskingPart:
    """The desk's `AskingDesk` port over an index."""

    def __init__(
        self, investigator: Investigator, behind: Behind, note: Note, access: Access, keep: Keep
    ) -> None:
        """`keep` is how the front keeps a search."""
        self._asked_of = investigator
        self._index_behind = behind
        self._asking_access = access
        self._asking_note = note
        self._keep = keep
        self.reads = CoalescedReads(note)

    def complete(self, caller: Identity, form: CompleteForm) -> Completion:
        """What may stand at the caret; to tell values is a read of the record, noted by field, coalesced."""
        self._index_behind.caught_up()
        caret = form.caret if form.caret >= 0 else len(form.query)
        found = complete(self._asked_of, form.query, caret, self._asking_sight(caller))
        if found.looked:
            told = sum(1 for one in found.items if one.count or found.looked.endswith("*"))
            self.reads.read(caller, "complete", {"field": found.looked}, told)
        return msgspec.convert(found, Completion, from_attributes=True)

    def find_sessions(self, caller: Identity, form: SessionFilter) -> list[SessionSummary]:
        """The newest sessions that match, oldest first."""
        self._index_behind.caught_up()
        wanted = SessionQuery(
            actor=form.actor, resource=form.resource, state=form.state, denied=form.refused,
            since=form.since, until=form.until, limit=form.limit,
        )  # fmt: skip
        found = sessions(self._asked_of, self._asking_sight(caller), wanted)
        asked = {
            key: str(value) for key, value in msgspec.structs.asdict(form).items() if value not in ("", False)
        }
        note_read(self._asking_note, caller, "sessions", asked, len(found))
        return [_summary(row) for row in found]

    def play(self, caller: Identity, form: PlayForm) -> Played:
        """A session, step by step.

        Raises:
            ConfigError: None that the caller may see begins so, or several do.
        """
        self._index_behind.caught_up()
        sight = self._asking_sight(caller)
        ids = session_ids(self._asked_of, sight, form.session)
        if len(ids) != 1:
            message = "several sessions begin" if ids else "no session that you may see begins"
            raise ConfigError(
                f"{message} with {form.session[:40]!r}", key="session",
                hint="write more of the id" if ids else "glasshatch sessions lists them",
            )  # fmt: skip
        own = Match("session_id", ids[0], True)
        wanted = SearchQuery(text=own, limit=form.limit, oldest_first=True)
        page = search(self._asked_of, wanted, sight)
        hidden = self._asking_access.view(caller).hidden
        events = [shown(RecordedEvent(hit.index, hit.event, hit.ledger), hidden) for hit in page.events]
        (summary,) = sessions(self._asked_of, Visibility(sight.query()), SessionQuery(id=ids[0], limit=1))
        note_read(self._asking_note, caller, "replay", {"session": ids[0]}, len(events))
        return Played(session=_summary(summary), steps=steps_of(events), truncated=page.count > len(events))

    def save_search(self, caller: Identity, form: SaveForm) -> SavedSearch:
        """Keep a search, once it is understood; personal literals become tokens, but who acted.

        Raises:
            ConfigError: With the place of a mistake.
            Denied: It names what the caller may not see.
        """
        query = self._asked_of.storable(form.query, self._asking_sight(caller))
        return self._keep(caller, msgspec.structs.replace(form, query=query))

    def _asking_sight(self, caller: Identity) -> Visibility:
        return seen_by(self._asking_access, caller, self._asked_of.now_ns())


def _summary(row: Any) -> SessionSummary:
    return msgspec.convert(row, SessionSummary, from_attributes=True)
