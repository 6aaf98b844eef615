"""The client's calls about break-glass."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from .breakglass_values import PrintForm, SheetPrinted, SheetReview, SheetView

T = TypeVar("T")


class BreakGlassCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def print_sheets(self, form: PrintForm) -> list[SheetPrinted]:
        """Sheets for one holder; their texts are shown this once."""
        return self._post("/break-glass", form, list[SheetPrinted])

    def list_sheets(self) -> list[SheetView]:
        """The sheets that the caller may see."""
        return self._get("/break-glass", list[SheetView])

    def revoke_sheet(self, number: int) -> SheetView:
        """A sheet opens nothing any more."""
        return self._post(f"/break-glass/{number}/revoke", None, SheetView)

    def review_sheet(self, number: int, form: SheetReview) -> SheetView:
        """A word on a use."""
        return self._post(f"/break-glass/{number}/review", form, SheetView)
