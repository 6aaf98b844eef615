"""What the API takes and gives about break-glass sheets."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Form

_Reach = Annotated[str, msgspec.Meta(min_length=3, max_length=200)]


class PrintForm(Form, frozen=True):
    """Sheets to print for one holder.

    resources: what they open, as patterns. verbs: what they let do there; `*` for all that a grant could.
    valid_s: how long a sheet may lie sealed. window_s: how long sessions may be opened and last from the
    first use on.
    """

    holder: str
    resources: Annotated[tuple[_Reach, ...], msgspec.Meta(min_length=1, max_length=50)]
    verbs: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=50)] = ("*",)
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    valid_s: Annotated[int, msgspec.Meta(ge=60, le=366 * 86_400)] = 180 * 86_400
    window_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 3_600


class SheetPrinted(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh sheet; `text` is shown this once and stored nowhere."""

    number: int
    holder: str
    text: str
    resources: tuple[str, ...]
    window_s: int
    until: str

    def __repr__(self) -> str:
        return f"SheetPrinted(number={self.number})"


class SheetReview(Form, frozen=True):
    """A word on a use."""

    verdict: Literal["justified", "unjustified"]
    comment: Annotated[str, msgspec.Meta(max_length=2_000)] = ""


class SheetView(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet and what became of it.

    state: sealed, open (used, and its time is not over), unreviewed, reviewed, revoked or expired. overrides:
    the sheet whose holder this one let in a second time.
    """

    number: int
    holder: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    state: str
    until: str
    window_s: int
    used: str = ""
    uses: int = 0
    reason: str = ""
    resource: str = ""
    overrides: int = 0
    verdict: str = ""
    reviewed_by: str = ""
    comment: str = ""
