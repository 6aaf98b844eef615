"""The client's calls about sealed values."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec

from .vault_values import Erased, EraseForm, HoldForm, HoldView, ReleaseForm, Revealed, RevealForm

T = TypeVar("T")


class VaultCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def reveal(self, form: RevealForm) -> Revealed:
        """One sealed value, if a live grant allows it; `Denied` says which request waits otherwise."""
        return self._post("/reveal", form, Revealed)

    def erase(self, form: EraseForm) -> Erased:
        """Destroy the keys of a data subject, if a live grant allows it."""
        return self._post("/erase", form, Erased)

    def list_holds(self) -> list[HoldView]:
        """Every legal hold there was, oldest first."""
        return self._get("/holds", list[HoldView])

    def place_hold(self, form: HoldForm) -> HoldView:
        """Put a legal hold on a data subject."""
        return self._post("/holds", form, HoldView)

    def release_hold(self, hold_id: str, reason: str) -> HoldView:
        """End a legal hold."""
        return self._post(f"/holds/{quote(hold_id, safe='')}/release", ReleaseForm(reason=reason), HoldView)
