"""One statement: what is remembered of its text, one run of it, and the events they leave."""

from __future__ import annotations

from typing import Any

import msgspec

from ....events import Access, Data, DecisionMade, Event, Link, Outcome, Resource, StatementText
from ....masking import RowPlan
from ....policy import Breach, Decision
from ....statements import Statement
from ...core import TraceContext, trace_of
from .copyform import CopyForm, copy_form
from .copying import CopyRows
from .refusals import code_of, is_harmless_set
from .session import Session
from .wire import Bind

WHOLE_TEXT_REL = "statement"
"""The relation of a link to the event that has the whole text of a statement that was run again."""

_TEXT_CHARACTERS = 16_384
_NAMES = 48
_VALUES = 256
_VALUE_BYTES = 4096
_WRITES = frozenset({"insert", "update", "delete", "merge", "copy_in", "truncate"})


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

    def is_in(self, event: Event) -> None:
        """This event has it and is durable."""
        text = self._told.text
        if len(text) > _TEXT_CHARACTERS and not self._links:
            self._told = msgspec.structs.replace(self._told, text=_shortened(text))
            self._links = (Link(rel=WHOLE_TEXT_REL, id=event.id),)


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


def question_of(session: Session, text: str, statement: Statement) -> Question:
    """Understand a text once; its redacted form is made here and the raw one goes no further."""
    redacted = session.redactor.sql(text, statement.literals)
    facts = session.resource.facts
    return Question(
        statement,
        RecordedText(StatementText(text=redacted, shape=_shortened(statement.shape), hash=statement.hash)),
        tuple(
            Resource(type="table", id=f"{facts.id}/{name}", name=name)
            for name in statement.resources[:_NAMES]
        ),
        plain_text=text.isascii() and "\\" not in text,
        harmless_set=is_harmless_set(text),
        trace=trace_of(text),
        copy=copy_form(text, statement),
    )


def bound_values(session: Session, bind: Bind, types: tuple[int, ...]) -> list[str]:
    """Bind values as they may be recorded: few, short, redacted. Long ones are only measured."""
    values = [
        f"[{len(value)} bytes]".encode() if value is not None and len(value) > _VALUE_BYTES else value
        for value in bind.values[:_VALUES]
    ]
    long = [index for index, value in enumerate(bind.values[:_VALUES]) if value is not values[index]]
    formats = [0 if index in long else _format(bind, index) for index in range(len(values))]
    shown = session.redactor.bind(
        [None if index in long else value for index, value in enumerate(values)], formats, types
    )
    for index in long:
        shown[index] = (values[index] or b"").decode("ascii")
    if len(bind.values) > _VALUES:
        shown.append(f"[{len(bind.values) - _VALUES} more]")
    return shown


class Run:
    """One execution: the decision it rests on, the plan of its current answer, what it exposed."""

    def __init__(
        self,
        question: Question,
        masked: tuple[str, ...],
        decision: Decision,
        access: Access | None,
        id: str,
        now_ns: int,
    ) -> None:
        self.id = id
        self.question = question
        self.masked = masked
        self.decision = decision
        self.access = access
        self.plan: RowPlan | None = None
        self.shown_rows = 0
        """Rows that count against a limit, over all its parts."""
        self.breach: Breach | None = None
        """The bound because of which no more of its rows are shown."""
        self.copied_rows = 0
        self.copied_bytes = 0
        self.error = ""
        self.commands: list[str] = []
        self.affected = 0
        self.finished = False
        self.hide_copy = False
        self.copying: CopyRows | None = None
        """Masks what a COPY sends; None where only its text is scanned, or nothing is shown."""
        self._plans: list[RowPlan] = []
        self._begun_ns = now_ns

    def use(self, plan: RowPlan | None) -> None:
        """From here on, rows are those of this plan; None for no rows."""
        self.plan = plan
        if plan is not None:
            self._plans.append(plan)

    def would_mask(self) -> int:
        """In a dry run: how many cells passed in clear that would be masked."""
        return sum(plan.would_mask for plan in self._plans)

    def data(self) -> Data | None:
        """What it exposed, over all its answers; None if there was none."""
        parts = [plan.exposure() for plan in self._plans]
        if self.copied_rows:
            parts.append(Data(rows=self.copied_rows, bytes=self.copied_bytes))
        if not parts:
            return None
        whole = parts[0] if len(parts) == 1 else _sum(parts)
        return msgspec.structs.replace(whole, purpose=self.decision.purpose)

    def duration_us(self, now_ns: int) -> int:
        """Microseconds since the statement was asked."""
        return (now_ns - self._begun_ns) // 1000


def speaks_of_masked(session: Session, run: Run | None, *, known: bool) -> bool:
    """Whether what the database says of a run may hold values of masked columns."""
    if known or run is None:
        return known
    return bool(run.masked) or session.catalogue.near_masked(run.question.statement)


def may_be_raised(session: Session, run: Run | None) -> bool:
    """Whether a trigger may have written the text: it reads columns that the statement does not name."""
    verbs = run.question.statement.verbs if run is not None else ()
    return not _WRITES.isdisjoint(verbs) and bool(session.catalogue.masked)


def made(decision: Decision) -> DecisionMade:
    """A decision as it stands in an event."""
    return DecisionMade(
        effect=decision.effect, rule=decision.rule, reason=decision.reason, policy_hash=decision.policy_hash
    )


def run_event(session: Session, run: Run, protocol: str, bound: list[str] | None) -> Any:
    """`statement.run`: what is allowed and about to be sent."""
    question = run.question
    statement = question.statement
    attrs: dict[str, Any] = {
        "protocol": protocol,
        "verbs": list(statement.verbs),
        "decision_id": run.decision.id,
    }
    if statement.risks:
        attrs["risks"] = list(statement.risks)
    if run.masked:
        attrs["masked"] = list(run.masked[:_NAMES])
    if bound:
        attrs["bind"] = bound
    return session.event(
        "statement.run",
        attrs=attrs,
        request_id=run.id,
        resources=question.resources,
        **question.recorded.parts(),
        decision=made(run.decision),
        access=run.access or session.record.access,
        trace_id=question.trace.trace_id,
        span_id=question.trace.span_id,
    )


def refused_event(
    session: Session, question: Question, decision: Decision, masked: tuple[str, ...], protocol: str
) -> Any:
    """`statement.denied`, or `statement.held` where a review is asked for."""
    statement = question.statement
    attrs: dict[str, Any] = {
        "protocol": protocol,
        "verbs": list(statement.verbs),
        "decision_id": decision.id,
        "risks": list(statement.risks),
        "masked": list(masked[:_NAMES]),
    }
    return session.event(
        "statement.held" if decision.effect == "review" else "statement.denied",
        outcome=Outcome(status="failure", code=code_of(decision), reason=decision.reason),
        attrs=attrs,
        resources=question.resources,
        **question.recorded.parts(),
        decision=made(decision),
        trace_id=question.trace.trace_id,
        span_id=question.trace.span_id,
    )


def finish(session: Session, run: Run, *, unknown: str = "", not_sent: str = "") -> None:
    """Record `statement.finished`, once. `unknown` or `not_sent` say why there is no outcome."""
    if run.finished:
        return
    run.finished = True
    attrs: dict[str, Any] = {"duration_us": run.duration_us(session.clock.monotonic_ns())}
    if run.commands:
        attrs["commands"] = run.commands[:_NAMES]
        attrs["affected"] = run.affected
    if session.resource.dry_run:
        attrs["dry_run"] = {"would_mask": run.would_mask()}
    if not_sent:
        outcome = Outcome(status="failure", reason=not_sent)
    elif unknown:
        outcome = Outcome(status="unknown", reason=unknown)
    elif run.error:
        outcome = Outcome(status="failure", code=run.error)
    else:
        outcome = Outcome(status="success")
    session.submit(
        session.event(
            "statement.finished",
            outcome=outcome,
            attrs=attrs,
            request_id=run.id,
            statement=StatementText(hash=run.question.statement.hash),
            data=run.data(),
            resources=run.question.resources,
            access=run.access or session.record.access,
            trace_id=run.question.trace.trace_id,
            span_id=run.question.trace.span_id,
        )
    )


def undone(session: Session, run: Run, code: str) -> None:
    """Record that a run which had ended well came to nothing: its transaction could not be committed."""
    reason = "its transaction could not be committed"
    session.submit(
        session.event(
            "statement.finished",
            outcome=Outcome(status="failure", code=code, reason=reason),
            request_id=run.id,
            statement=StatementText(hash=run.question.statement.hash),
            resources=run.question.resources,
            access=run.access or session.record.access,
            trace_id=run.question.trace.trace_id,
            span_id=run.question.trace.span_id,
        )
    )


def _sum(parts: list[Data]) -> Data:
    def joined(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for part in parts for item in getattr(part, name)))

    return Data(
        rows=sum(part.rows for part in parts),
        bytes=sum(part.bytes for part in parts),
        masked=sum(part.masked for part in parts),
        clear=sum(part.clear for part in parts),
        classes=joined("classes"),
        columns=joined("columns"),
        subjects=joined("subjects"),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_CHARACTERS else text[:_TEXT_CHARACTERS] + " [shortened]"


def _format(bind: Bind, index: int) -> int:
    if len(bind.formats) == 1:
        return bind.formats[0]
    return bind.formats[index] if index < len(bind.formats) else 0
