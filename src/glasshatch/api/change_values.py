"""What client and server exchange about statements under review; no server dependency here.

Times are decimal strings of nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Reason = Annotated[str, msgspec.Meta(min_length=3, max_length=2_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=30 * 86_400)]
StatementText = Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 20)]


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller sends; an unknown member is refused."""


class StatementForm(_Form, frozen=True):
    """Ask for a review of one statement, which may then be run once, exactly as it is."""

    resource: str
    statement: StatementText
    reason: Reason
    ticket: str = ""
    duration_s: Seconds = 3_600

    def __repr__(self) -> str:
        return f"StatementForm(resource={self.resource!r})"


class UndoForm(_Form, frozen=True):
    """Ask for a review of what would undo a run. event: its run, its end, its before-image or its request."""

    event: str
    reason: Reason
    ticket: str = ""
    duration_s: Seconds = 3_600


class TableRows(msgspec.Struct, frozen=True, kw_only=True):
    """A table that is changed, and how many of its rows; null where that is not known."""

    name: str
    rows: int | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement would change, as far as it was measured. Nothing of any row is in it.

    Attributes:
        method: `counted` by a query, `written` in the statement itself, `planned` by the database, or `none`.
        rows: How many rows it would change; null if unknown.
        exact: Whether that was counted, or is only an estimate or a bound.
        bound: Whether it may be fewer (`most`: ON CONFLICT) or more (`least`: CASCADE) than `rows`.
        estimate: What the database's plan expects.
        tables: The tables it would change.
        further: Tables that foreign keys reach from there.
        triggers: Triggers that would fire, as `table.trigger`.
        capped: Whether the time for counting was over.
        why: Why it was not counted; empty if it was.
        measured: When; took_ms: how long it took.
    """

    method: Literal["counted", "written", "planned", "none"]
    rows: int | None = None
    exact: bool = False
    bound: Literal["", "most", "least"] = ""
    estimate: int | None = None
    tables: tuple[TableRows, ...] = ()
    further: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    capped: bool = False
    why: str = ""
    measured: str = ""
    took_ms: int = 0


class StatementView(msgspec.Struct, frozen=True, kw_only=True):
    """The statement of a request.

    Attributes:
        text: Redacted, as the record has it.
        rule: The rule of the policy that spoke of it.
        preview: Null where the caller may not see it: counts over masked columns are for who judges.
        undoes: The before-image (an event) that it would put back.
        state: waiting, started, done, failed (it may run again) or unknown.
        run_event, image_event: The events of its run and of the before-image that the run left.
        image_why: Why the run left none.
    """

    text: str
    verbs: tuple[str, ...]
    tables: tuple[str, ...]
    risks: tuple[str, ...]
    rule: str
    preview: Preview | None = None
    undoes: str = ""
    state: str = "waiting"
    run_event: str = ""
    image_event: str = ""
    image_why: str = ""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run.

    Attributes:
        affected: How many rows it changed.
        image: `taken`, `off`, or `none`, for which `image_why` says why.
    """

    request: str
    outcome: Literal["success", "failure", "unknown"]
    code: str = ""
    reason: str = ""
    affected: int = 0
    run_event: str = ""
    image: Literal["taken", "off", "none"] = "off"
    image_event: str = ""
    image_rows: int = 0
    image_why: str = ""
