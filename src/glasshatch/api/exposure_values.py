"""What client and server exchange about exposure; no server dependency here.

Times are decimal strings of nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..events import DEFAULT_LEDGER
from .search_values import SearchLimit
from .values import Form


class ExposureForm(Form, frozen=True):
    """Who saw whom? Everything that is given narrows; since, until: nanoseconds, until exclusive.

    subject: a token, `TYPE:value`, or a value that is recognised; only its tokens are kept. data_class: as in
    EMAIL. limit: at most so many answers one by one, the newest; the sums are of all.
    """

    subject: Annotated[str, msgspec.Meta(max_length=4_096)] = ""
    actor: str = ""
    resource: str = ""
    data_class: str = ""
    since: str = ""
    until: str = ""
    limit: SearchLimit = 100

    def __repr__(self) -> str:
        return "ExposureForm(…)"


class ExposedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with personal data: counts and names, never values.

    how: with a subject, `shown` if the answer held it, `named` if the statement asked for it by name,
    `possible` if the answer held more subjects than are recorded.
    """

    event: str
    index: int
    time: str
    actor: str
    on_behalf_of: str
    resource: str
    session: str
    action: str
    rows: int
    masked: int
    clear: int
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    subjects: tuple[str, ...]
    how: Literal["", "shown", "named", "possible"] = ""
    ledger: str = DEFAULT_LEDGER


class SeenBy(msgspec.Struct, frozen=True, kw_only=True):
    """All answers of one actor out of one resource. subjects: how many different ones were recorded."""

    actor: str
    resource: str
    answers: int
    rows: int
    masked: int
    clear: int
    subjects: int
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    first: str
    last: str


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Who saw whom. subjects: the tokens that were looked for; count: of all answers that match."""

    subjects: tuple[str, ...]
    seen: tuple[SeenBy, ...]
    answers: tuple[ExposedAnswer, ...]
    count: int
    indexed: int
    ledger_size: int
