"""The client's calls that ask the record."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec

from .play_values import Played, PlayForm, SessionFilter
from .search_values import (
    CompleteForm,
    Completion,
    Found,
    Histogram,
    SavedSearch,
    SaveForm,
    SearchForm,
    Stats,
    StatsForm,
)
from .values import SessionSummary

T = TypeVar("T")


class SearchCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def search(self, form: SearchForm) -> Found:
        """A page of the events that match a query, and how many there are."""
        return self._post("/search", form, Found)

    def histogram(self, form: SearchForm) -> Histogram:
        """Matches over time."""
        return self._post("/histogram", form, Histogram)

    def stats(self, form: StatsForm) -> Stats:
        """Matches counted by the values of fields."""
        return self._post("/stats", form, Stats)

    def complete(self, form: CompleteForm) -> Completion:
        """What may stand at the caret of a query."""
        return self._post("/complete", form, Completion)

    def find_sessions(self, form: SessionFilter) -> list[SessionSummary]:
        """The newest sessions that match, oldest first."""
        return self._post("/sessions/find", form, list[SessionSummary])

    def play(self, form: PlayForm) -> Played:
        """A session, step by step."""
        return self._post("/sessions/play", form, Played)

    def list_searches(self) -> list[SavedSearch]:
        """One's own kept searches and what others share."""
        return self._get("/searches", list[SavedSearch])

    def save_search(self, form: SaveForm) -> SavedSearch:
        """Keep a search."""
        return self._post("/searches", form, SavedSearch)

    def keep_search(self, form: SaveForm) -> SavedSearch:
        """How the back has the front keep one."""
        return self._post("/searches/keep", form, SavedSearch)

    def delete_search(self, search_id: str) -> None:
        """Forget a kept search."""
        self._post(f"/searches/{quote(search_id, safe='')}/delete", None, type(None))
