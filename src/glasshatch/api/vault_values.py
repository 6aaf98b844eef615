"""What the API takes and gives about sealed values, erasing and legal holds."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..events import Scalar
from .values import Form, Reason, Seconds

Subject = Annotated[str, msgspec.Meta(min_length=3, max_length=4_096)]
"""A data subject: a token such as `<EMAIL:…>`, or `TYPE:value`, of which only the tokens are kept."""


class RevealForm(Form, frozen=True):
    """Which sealed field of which event to show, and why; for how long, if that must be asked for first."""

    event: str
    field: str
    reason: Reason
    ticket: str = ""
    duration_s: Seconds = 900


class Revealed(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed value with its salt, what the event committed to, and a proof of that event.

    Whoever has it can show that this value was recorded, and nothing else of anybody. Its representation
    shows no value.
    """

    event: str
    place: str
    field: str
    value: Scalar
    salt: str
    commitment: str
    proof: str
    verifier_key: str
    grant_id: str
    until: str

    def __repr__(self) -> str:
        return f"Revealed(event={self.event!r}, field={self.field!r})"


class EraseForm(Form, frozen=True):
    """Whose sealed values to make unreadable for good, and why; `dry_run` only says what there is."""

    subject: Subject
    reason: Reason
    ticket: str = ""
    dry_run: bool = False

    def __repr__(self) -> str:
        return "EraseForm(…)"


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What there was about a data subject, and what was done: `proof` is the receipt, empty after a dry run.

    holds: ids of legal holds that block it.
    """

    subjects: tuple[str, ...]
    keys: int
    sealed: int
    holds: tuple[str, ...] = ()
    event: str = ""
    index: int = -1
    proof: str = ""
    verifier_key: str = ""


class HoldForm(Form, frozen=True):
    """Whose data must be kept, and why."""

    subject: Subject
    reason: Reason
    ticket: str = ""

    def __repr__(self) -> str:
        return "HoldForm(…)"


class ReleaseForm(Form, frozen=True):
    """Why a hold ends."""

    reason: Reason


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """A legal hold; `released` is empty while it is live."""

    id: str
    subjects: tuple[str, ...]
    reason: str
    ticket: str
    placed_by: str
    created: str
    released: str = ""
    released_by: str = ""
