"""What the API takes and gives about incidents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from .values import Form

Title = Annotated[str, msgspec.Meta(pattern=r"^([^\x00-\x1f\x7f]{3,300})?$")]
"""One line; empty for none."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=16_000)]
Why = Annotated[str, msgspec.Meta(min_length=3, max_length=2_000)]
Tag = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._:/-]{0,62}$")]
Subject = Annotated[
    str, msgspec.Meta(pattern=r"^(trace|session|actor|resource|request):[^\x00-\x1f\x7f]{1,500}$")
]
Severity = Annotated[int, msgspec.Meta(ge=0, le=6)]
Status = Literal["open", "contained", "resolved", "closed"]
FOLLOWING: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("contained", "resolved"),
    "contained": ("open", "resolved"),
    "resolved": ("open", "closed"),
    "closed": ("open",),
}
"""To which status one may go from each; the control store decides (a test compares), this offers."""


class PinForm(Form, frozen=True):
    """An event to pin, by id, ledger index or NAME/INDEX, and why; `off` takes the pin off again."""

    event: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    why: Why
    off: bool = False


class IncidentForm(Form, frozen=True):
    """A new incident. alert: the one that it begins with, by id or beginning, which gives a title where none
    is typed, severity, subjects and the first pins. runbook: whose questions are to be answered."""

    title: Title = ""
    severity: Severity = 3
    runbook: str = "default"
    alert: Annotated[str, msgspec.Meta(max_length=200)] = ""
    subjects: Annotated[tuple[Subject, ...], msgspec.Meta(max_length=50)] = ()
    tags: Annotated[tuple[Tag, ...], msgspec.Meta(max_length=50)] = ()
    pins: Annotated[tuple[PinForm, ...], msgspec.Meta(max_length=50)] = ()


class NoteForm(Form, frozen=True):
    """What somebody found or thought; redacted before it is stored."""

    text: Text


class IncidentChange(Form, frozen=True):
    """What becomes different; what is left out stays. assignee: an actor's name, or `-` for nobody. seen: the
    incident's `facts` as the writer saw them; if somebody has changed them since, nothing is."""

    title: Title = ""
    severity: Severity | None = None
    assignee: str = ""
    add_tags: tuple[Tag, ...] = ()
    drop_tags: tuple[str, ...] = ()
    add_subjects: tuple[Subject, ...] = ()
    drop_subjects: tuple[str, ...] = ()
    seen: Annotated[str, msgspec.Meta(max_length=64)] = ""


class MoveForm(Form, frozen=True):
    """The next status, and why."""

    status: Status
    why: Why


class AnswerForm(Form, frozen=True):
    """The answer to a question of the runbook, by the question's name; a later one stands before it.

    seen: the time of the answer that the writer saw, 0 for none; if there is a later one, it is not taken.
    """

    question: str
    text: Text
    seen: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,19}$")] = ""


class PostMortemSeal(Form, frozen=True):
    """A post-mortem about to be handed out, for the record: its manifest's hash, and how much it holds."""

    manifest: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    events: Annotated[int, msgspec.Meta(ge=0)]
    pins: Annotated[int, msgspec.Meta(ge=0)]


class _View(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an incident as it is shown."""


class NoteView(_View, frozen=True):
    """One note."""

    text: str
    by: str
    time: str


class PinView(_View, frozen=True):
    """One pinned event: its id, where it lies, and why it matters."""

    event: str
    place: str
    why: str
    by: str
    time: str


class AnswerView(_View, frozen=True):
    """One question of the runbook, and its newest answer; empty where there is none yet."""

    name: str
    question: str
    answer: str = ""
    by: str = ""
    time: str = ""


class MoveView(_View, frozen=True):
    """One change of status."""

    before: str
    after: str
    why: str
    by: str
    time: str


class IncidentSummary(_View, frozen=True):
    """An incident in a list."""

    number: int
    id: str
    title: str
    severity: int
    status: Status
    created: str
    changed: str
    assignee: str = ""
    tags: tuple[str, ...] = ()
    alert: str = ""
    entries: int = 0


class IncidentView(IncidentSummary, frozen=True, kw_only=True):
    """An incident, whole; everything in it oldest first. facts: changes whenever title, severity, assignee,
    tags or subjects do."""

    created_by: str
    facts: str = ""
    subjects: tuple[str, ...] = ()
    runbook: str = ""
    questions: tuple[AnswerView, ...] = ()
    pins: tuple[PinView, ...] = ()
    notes: tuple[NoteView, ...] = ()
    moves: tuple[MoveView, ...] = ()
