"""What the API needs behind it to help with asking, and to keep searches."""

from __future__ import annotations

from typing import Protocol

from ..identity import Identity
from .play_values import Played, PlayForm, SessionFilter
from .search_values import CompleteForm, Completion, SavedSearch, SaveForm
from .values import SessionSummary


class SavedDesk(Protocol):
    """Searches kept under names; the front keeps them."""

    def list_searches(self, caller: Identity) -> list[SavedSearch]:
        """The caller's own and what others share."""

    def keep_search(self, caller: Identity, form: SaveForm) -> SavedSearch:
        """Keep a search whose personal literals are tokens already; recorded before this returns."""

    def delete_search(self, caller: Identity, search_id: str) -> None: ...


class AskingDesk(Protocol):
    """Help with asking."""

    def complete(self, caller: Identity, form: CompleteForm) -> Completion:
        """What may stand at the caret of a query, of the record only what the caller may see."""

    def find_sessions(self, caller: Identity, form: SessionFilter) -> list[SessionSummary]: ...
    def play(self, caller: Identity, form: PlayForm) -> Played:
        """A session, step by step."""

    def save_search(self, caller: Identity, form: SaveForm) -> SavedSearch:
        """Keep a search, once it is understood and without personal literals."""
