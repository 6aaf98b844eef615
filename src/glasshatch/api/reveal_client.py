"""The client's calls about masked values in clear."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import quote

import msgspec

from .reveal_values import ClearForm, ClearShown
from .values import RequestView

T = TypeVar("T")

_READING_SECONDS = 120.0
"""A row may take ten seconds, behind others that are read."""


class RevealCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def _patience(self, seconds: float) -> AbstractContextManager[None]:
        raise NotImplementedError

    def ask_reveal(self, form: ClearForm) -> RequestView:
        """Ask to be shown masked values of one row, or find the request that asks for the same."""
        with self._patience(_READING_SECONDS):
            return self._post("/reveals", form, RequestView)

    def show_reveal(self, request_id: str) -> ClearShown:
        """What an approved request asks for, once."""
        with self._patience(_READING_SECONDS):
            return self._post(f"/requests/{quote(request_id, safe='')}/reveal", None, ClearShown)
