"""One run of a statement, and the events it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ....events import Access, Data, DecisionMade, Draft, Event, Form, Outcome, StatementText
from ....masking import RowPlan
from ....policy import Breach, Decision
from .copying import CopyRows
from .questions import NAMES, Question
from .refusals import code_of
from .session import Session
from .wire import Bind

if TYPE_CHECKING:
    from .planning import Planned

_VALUES = 256
_VALUE_BYTES = 4096
_WRITES = frozenset({"insert", "update", "delete", "merge", "copy_in", "truncate"})
_RUN_HOLES = ("request_id", "attrs.decision_id", "statement.text")


def bound_values(session: Session, bind: Bind, types: tuple[int, ...]) -> list[str]:
    """Bind values as they may be recorded: few, short, redacted. Long ones are only measured."""
    values = [
        f"[{len(value)} bytes]".encode() if value is not None and len(value) > _VALUE_BYTES else value
        for value in bind.values[:_VALUES]
    ]
    long = [index for index, value in enumerate(bind.values[:_VALUES]) if value is not values[index]]
    formats = [0 if index in long else format_of(bind, index) for index in range(len(values))]
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
        self.form: Form | None = None
        """The form of its event, if it has one."""
        self.described = b""
        """The database's description of its rows, as it came with the answer to a simple query."""
        self.planned: Planned | None = None
        """What is remembered of its columns, if that is all it answered."""
        self.copying: CopyRows | None = None
        """Masks what a COPY sends; None where only its text is scanned, or nothing is shown."""
        self._plans: list[RowPlan] = []
        self._begun_ns = now_ns

    def use(self, plan: RowPlan | None) -> None:
        """From here on, rows are those of this plan; None for no rows."""
        self.plan = plan
        if plan is not None:
            self._plans.append(plan)

    @property
    def answers(self) -> int:
        """How many answers with rows it gave."""
        return len(self._plans)

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


def run_event(session: Session, run: Run, protocol: str, bound: list[str] | None) -> Event | Draft:
    """`statement.run`: what is allowed and about to be sent."""
    question = run.question
    kin, access = question.kin, run.access or session.record.access
    ahead = session.resource.record == "async"
    if kin is None or question.trace.trace_id:
        return session.event("statement.run", **_run_parts(run, protocol, bound, access, ahead=ahead))
    decision = run.decision
    key = (
        *("run", protocol, bool(bound), session.record.actor, access, run.masked),
        *(decision.effect, decision.rule, decision.reason, decision.policy_hash),
    )
    form = kin.forms.get(key)
    if form is None:
        holes = (*_RUN_HOLES, "attrs.bind") if bound else _RUN_HOLES
        parts = _run_parts(run, protocol, bound, access, ahead=ahead)
        form = kin.keep(key, session.record.form("statement.run", holes, **parts))
    run.form = form
    own = (run.id, decision.id, question.recorded.text)
    return session.record.draft(form, (*own, bound) if bound else own)


def _run_parts(
    run: Run, protocol: str, bound: list[str] | None, access: Access | None, *, ahead: bool
) -> dict[str, Any]:
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
        attrs["masked"] = list(run.masked[:NAMES])
    if bound:
        attrs["bind"] = bound
    if ahead:
        attrs["recording"] = "async"
    return {
        "attrs": attrs,
        "request_id": run.id,
        "resources": question.resources,
        **question.recorded.parts(),
        "decision": made(run.decision),
        "access": access,
        "trace_id": question.trace.trace_id,
        "span_id": question.trace.span_id,
    }


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
        "masked": list(masked[:NAMES]),
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


def finish(session: Session, run: Run, *, unknown: str = "", not_sent: str = "") -> Form | None:
    """Record `statement.finished`, once. `unknown` or `not_sent` say why there is no outcome.

    Gives the form by which it was recorded, if it was.
    """
    if run.finished:
        return None
    run.finished = True
    duration_us, data = run.duration_us(session.clock.monotonic_ns()), run.data()
    plain = not (unknown or not_sent or run.error or session.resource.dry_run)
    if plain and run.question.kin is not None and not run.question.trace.trace_id:
        draft = _finished_draft(session, run, duration_us, data)
        session.submit(draft)
        return draft.form
    attrs: dict[str, Any] = {"duration_us": duration_us}
    if run.commands:
        attrs["commands"] = run.commands[:NAMES]
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
        outcome = _SUCCESS
    parts = _finished_parts(session, run, attrs, data)
    session.submit(session.event("statement.finished", outcome=outcome, **parts))
    return None


_SUCCESS = Outcome(status="success")


def _finished_draft(session: Session, run: Run, duration_us: int, data: Data | None) -> Draft:
    """A run that ended well, by the form of its kind: there are many of these."""
    kin = run.question.kin
    assert kin is not None
    access = run.access or session.record.access
    commands = tuple(run.commands[:NAMES])
    key = ("finished", session.record.actor, access, commands, data is not None)
    form = kin.forms.get(key)
    if form is None:
        attrs: dict[str, Any] = {"duration_us": duration_us}
        holes = ["request_id", "attrs.duration_us"]
        if commands:
            attrs |= {"commands": list(commands), "affected": run.affected}
            holes.append("attrs.affected")
        if data is not None:
            holes.append("data")
        parts = _finished_parts(session, run, attrs, data)
        form = kin.keep(key, session.record.form("statement.finished", holes, outcome=_SUCCESS, **parts))
    values: list[Any] = [run.id, duration_us]
    if commands:
        values.append(run.affected)
    if data is not None:
        values.append(data)
    return session.record.draft(form, values)


def _finished_parts(session: Session, run: Run, attrs: dict[str, Any], data: Data | None) -> dict[str, Any]:
    question = run.question
    return {
        "attrs": attrs,
        "request_id": run.id,
        "statement": StatementText(hash=question.statement.hash),
        "data": data,
        "resources": question.resources,
        "access": run.access or session.record.access,
        "trace_id": question.trace.trace_id,
        "span_id": question.trace.span_id,
    }


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


def format_of(bind: Bind, index: int) -> int:
    """0 text or 1 binary, of a bound value."""
    if len(bind.formats) == 1:
        return bind.formats[0]
    return bind.formats[index] if index < len(bind.formats) else 0
