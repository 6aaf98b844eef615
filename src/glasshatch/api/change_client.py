"""The client's calls about statements under review."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import quote

import msgspec

from .change_values import Ran, StatementForm, UndoForm
from .values import RequestView

T = TypeVar("T")

_MEASURING_SECONDS = 400.0
"""A preview may count for a minute, on each of a few tables."""


class ChangeCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def _patience(self, seconds: float) -> AbstractContextManager[None]:
        raise NotImplementedError

    def request_statement(self, form: StatementForm) -> RequestView:
        """Ask for a review of one statement."""
        with self._patience(_MEASURING_SECONDS):
            return self._post("/statements", form, RequestView)

    def run_statement(self, request_id: str) -> Ran:
        """Run an approved statement, once."""
        with self._patience(_MEASURING_SECONDS):
            return self._post(f"/requests/{quote(request_id, safe='')}/run", None, Ran)

    def undo(self, form: UndoForm) -> RequestView:
        """Ask for a review of what would undo a run."""
        with self._patience(_MEASURING_SECONDS):
            return self._post("/undo", form, RequestView)

    def show_request(self, request_id: str) -> RequestView:
        """One request, by its id or the beginning of it."""
        return self._get(f"/requests/{quote(request_id, safe='')}", RequestView)

    def open_link(self, link: str) -> RequestView:
        """The request that a signed link is about."""
        return self._get(f"/judge/{quote(link, safe='')}", RequestView)
