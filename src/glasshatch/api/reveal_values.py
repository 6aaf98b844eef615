"""What client and server exchange about masked values in clear; no server dependency here."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .change_values import Reason, Seconds

ColumnName = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class ClearForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask to be shown masked values of one row, once.

    Either `event` (the `statement.run` that was answered with masks) or `resource` says where. `statement`
    may be left out if the event has it whole. columns: as the answer calls them; none for all that are
    masked. duration_s: how long it may be shown once it is approved.
    """

    reason: Reason
    event: str = ""
    resource: str = ""
    statement: Annotated[str, msgspec.Meta(max_length=1 << 20)] = ""
    columns: Annotated[tuple[ColumnName, ...], msgspec.Meta(max_length=64)] = ()
    ticket: str = ""
    duration_s: Seconds = 900

    def __repr__(self) -> str:
        return f"ClearForm(resource={self.resource!r}, event={self.event!r}, columns={self.columns!r})"


class RevealColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the row: as the answer calls it, `schema.table.column`, its class, and the token that
    stands for its value in the record; to who asks, no more than the class."""

    name: str
    column: str
    type: str
    token: str


class RevealView(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks to be shown. No value is in it.

    Attributes:
        text: The statement, redacted, as the record has it.
        subjects: The tokens of the data subjects whose row it is; empty to who asks.
        rule: The rule of the policy that spoke of the statement.
        origin: The event of the masked answer, if it was named.
        state: waiting, started, shown, refused or unknown (a crash: it counts as shown).
        event: The event that says that it was shown.
        why: Why it was refused.
        redeemable: Whether the caller may be shown it now.
    """

    text: str
    columns: tuple[RevealColumn, ...]
    tables: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    rule: str = ""
    origin: str = ""
    state: str = "waiting"
    event: str = ""
    why: str = ""
    redeemable: bool = False


class ClearValue(msgspec.Struct, frozen=True, kw_only=True):
    """One column in clear; its representation shows no value. value: as text; null if it is NULL."""

    name: str
    column: str
    type: str
    value: str | None

    def __repr__(self) -> str:
        return f"ClearValue(column={self.column!r})"


class ClearShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown, once. event: the record of it."""

    request: str
    resource: str
    values: tuple[ClearValue, ...]
    event: str
