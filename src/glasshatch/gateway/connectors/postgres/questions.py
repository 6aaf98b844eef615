"""What a text asks, as it was understood and as it may be recorded."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ....events import Event, Form, Link, Resource, StatementText
from ....masking import Redactor
from ....policy import Decision
from ....statements import Statement, TraceContext, trace_of
from .copyform import CopyForm, copy_form
from .planning import Planned
from .refusals import is_harmless_set

if TYPE_CHECKING:
    from .ways import Way

WHOLE_TEXT_REL = "statement"
"""The relation of a link to the event that has the whole text of a statement that was run again."""

NAMES = 48
"""So many names of one kind stand in an event."""
_TEXT_CHARACTERS = 16_384
_FORMS, _PLANS = 32, 8


class RecordedText:
    """A statement's redacted text for the events of its runs: whole until it is in the record, then short.

    A long text may be prepared once and run a thousand times; the later events link to the first.
    """

    def __init__(self, whole: StatementText) -> None:
        self._told = whole
        self._links: tuple[Link, ...] = ()

    def parts(self) -> dict[str, Any]:
        """What the next event says of it."""
        return {"statement": self._told, "links": self._links}

    @property
    def text(self) -> str:
        """What the next event shows of it."""
        return self._told.text

    def is_in(self, event: Event) -> None:
        """This event has it and is durable."""
        text = self._told.text
        if len(text) > _TEXT_CHARACTERS and not self._links:
            self._told = msgspec.structs.replace(self._told, text=shortened(text))
            self._links = (Link(rel=WHOLE_TEXT_REL, id=event.id),)


class Standing(msgspec.Struct, frozen=True):
    """The masked columns a statement may touch, and whether a house rule refuses it, by one catalogue."""

    catalogue: object
    masked: tuple[str, ...]
    rule: Decision | None


class Kin:
    """What questions of equal code share: they differ in their constants only.

    Attributes:
        statement: Without its literals.
        pieces: The redacted code around the literals; None where only the text itself tells them.
        standing: What one snapshot of the catalogue says of them, and holds for that snapshot only.
        forms: Their events, by all that these depend on besides.
        plans: What is decided for the columns of their answers, likewise.
        ways: How their runs go from end to end, likewise (see `ways`).
    """

    __slots__ = ("forms", "pieces", "plans", "resources", "shape", "standing", "statement", "ways")

    def __init__(self, resource: str, statement: Statement, pieces: Sequence[str] | None) -> None:
        self.statement = statement
        self.pieces = pieces
        self.shape = shortened(statement.shape)
        self.resources = tables_of(resource, statement)
        self.forms: dict[Hashable, Form] = {}
        self.plans: dict[Hashable, Planned] = {}
        self.standing: Standing | None = None
        self.ways: dict[Hashable, Way] = {}

    def keep(self, key: Hashable, form: Form) -> Form:
        """Remember a form; actors, rules and grants make them many, so all are forgotten at a bound."""
        if len(self.forms) >= _FORMS:
            self.forms.clear()
        self.forms[key] = form
        return form

    def keep_plan(self, key: Hashable, planned: Planned) -> None:
        """Remember what is decided for the columns of an answer, bounded like the forms."""
        if len(self.plans) >= _PLANS:
            self.plans.clear()
        self.plans[key] = planned

    def keep_way(self, key: Hashable, way: Way) -> None:
        """Remember how runs go, bounded like the forms."""
        if len(self.ways) >= _FORMS:
            self.ways.clear()
        self.ways[key] = way


class Question(msgspec.Struct, frozen=True):
    """A statement as it was understood, and as it may be recorded."""

    statement: Statement
    recorded: RecordedText
    resources: tuple[Resource, ...]
    plain_text: bool
    """ASCII without backslashes: every encoding and setting of the database reads it alike."""
    harmless_set: bool
    trace: TraceContext
    copy: CopyForm | None = None
    """How its COPY TO STDOUT writes rows, if it is one that can be masked."""
    kin: Kin | None = None
    """What it shares with others; None where its own text says more than its code."""


def question_of(redactor: Redactor, resource: str, text: str, statement: Statement) -> Question:
    """Understand a text once; its redacted form is made here and the raw one goes no further.

    Args:
        resource: `type/name`.
    """
    redacted = redactor.sql(text, statement.literals)
    return Question(
        statement,
        RecordedText(StatementText(text=redacted, shape=shortened(statement.shape), hash=statement.hash)),
        tables_of(resource, statement),
        plain_text=_is_plain(text),
        harmless_set=is_harmless_set(text),
        trace=trace_of(text),
        copy=copy_form(text, statement),
    )


def akin(redactor: Redactor, text: str, statement: Statement, kin: Kin) -> Question:
    """The same for a text of whose code everything is known."""
    redacted = redactor.sql(text, statement.literals, kin.pieces)
    return Question(
        kin.statement,
        RecordedText(StatementText(text=redacted, shape=kin.shape, hash=statement.hash)),
        kin.resources,
        plain_text=_is_plain(text),
        harmless_set=False,
        trace=trace_of(text),
        kin=kin,
    )


def tables_of(resource: str, statement: Statement) -> tuple[Resource, ...]:
    """The tables that a statement names, as they stand in events."""
    return tuple(
        Resource(type="table", id=f"{resource}/{name}", name=name) for name in statement.resources[:NAMES]
    )


def shortened(text: str) -> str:
    """At most so much of a text as an event should hold."""
    return text if len(text) <= _TEXT_CHARACTERS else text[:_TEXT_CHARACTERS] + " [shortened]"


def _is_plain(text: str) -> bool:
    return text.isascii() and "\\" not in text
