"""Between a statement and its sending: house rules, policy, and the durable record of the answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ....events import Access, Draft, Event
from ....policy import Breach, Decision
from ....statements import Statement
from . import refusals
from .exchange import Exchange, Item
from .holding import Holding
from .questions import Question, Standing
from .running import Run, finish, refused_event, run_event
from .session import Session
from .ways import UNCOUNTED


class Deciding:
    """Makes items ready to go, or turns them into refusals; in the order in which they were taken."""

    def __init__(self, session: Session, waits: Callable[[str], bool]) -> None:
        self.session = session
        self.holding = Holding(session, waits)

    def consider(
        self, exchange: Exchange, item: Item, question: Question, allowed: Callable[[Run], None]
    ) -> None:
        """Put a statement, and all it may run by name, before the house rules and the policy."""
        session = self.session
        statement = question.statement
        masked, rule = self._standing(question)
        if not session.introduce(statement):
            rule = refusals.too_many_introduced()
        rule = rule or self._over_allowance(item, statement)
        if rule is not None:
            decision = msgspec.structs.replace(rule, id=session.record.new_id())
            self._decided(exchange, item, question, masked, decision)
            return
        self._ask([statement, *session.implied(statement)], masked, exchange, item, question, allowed)

    def _standing(self, question: Question) -> tuple[tuple[str, ...], Decision | None]:
        """The masked columns that a statement may touch, and the house rule that refuses it."""
        session, kin = self.session, question.kin
        if kin is None or session.in_doubt:
            return self._found_standing(question)
        held = kin.standing
        # Of another snapshot of the catalogue nothing is believed.
        if held is None or held.catalogue is not session.catalogue:
            held = kin.standing = Standing(session.catalogue, *self._found_standing(question))
        return held.masked, held.rule

    def _found_standing(self, question: Question) -> tuple[tuple[str, ...], Decision | None]:
        session, statement = self.session, question.statement
        masked = session.masked(statement)
        rule = refusals.house_rule(
            statement,
            masked,
            harmless_set=question.harmless_set,
            carries_out=session.catalogue.carries_out(statement),
            copy_masked=question.copy is not None and session.lineage_known(statement),
        )
        return masked, rule

    def _over_allowance(self, item: Item, statement: Statement) -> Decision | None:
        """Count a statement; preparing is not running: what is prepared is counted each time it runs."""
        allowance = self.session.allowance
        if allowance is None or not item.runs or UNCOUNTED.issuperset(statement.verbs):
            return None
        breach = allowance.statement(self.session.clock.monotonic_ns())
        return refusals.over_allowance(breach) if breach is not None else None

    def _ask(
        self,
        statements: list[Statement],
        masked: tuple[str, ...],
        exchange: Exchange,
        item: Item,
        question: Question,
        allowed: Callable[[Run], None],
    ) -> None:
        def answered(decision: Decision, access: Access | None) -> None:
            if len(statements) > 1 and decision.effect == "allow":
                self._ask(statements[1:], masked, exchange, item, question, allowed)
            else:
                self.answered(exchange, item, question, masked, decision, access, allowed)

        self.session.ask(statements[0], masked, answered)

    def answered(
        self,
        exchange: Exchange,
        item: Item,
        question: Question,
        masked: tuple[str, ...],
        decision: Decision,
        access: Access | None,
        allowed: Callable[[Run], None],
    ) -> None:
        """All that was to be decided of a statement is."""
        if decision.effect == "review" and self._held(exchange, item, question, masked, decision, allowed):
            return
        prepares = decision.effect == "review" and item.prepares and self.holding.may_wait(decision)
        if decision.effect != "allow" and not prepares:
            self._decided(exchange, item, question, masked, decision)
            return
        session = self.session
        now_ns = session.clock.monotonic_ns()
        allowed(Run(question, masked, decision, access, session.record.new_id(), now_ns))

    def overdrawn(
        self, exchange: Exchange, item: Item, question: Question, masked: tuple[str, ...], breach: Breach
    ) -> None:
        """A statement that was counted is over a bound."""
        rule = refusals.over_allowance(breach)
        decision = msgspec.structs.replace(rule, id=self.session.record.new_id())
        self._decided(exchange, item, question, masked, decision)

    def _held(
        self,
        exchange: Exchange,
        item: Item,
        question: Question,
        masked: tuple[str, ...],
        decision: Decision,
        allowed: Callable[[Run], None],
    ) -> bool:
        """Whether it waits for its review now, instead of being refused."""

        def approved(verdict: Decision, access: Access | None) -> None:
            self._approved(exchange, item, question, verdict, access, allowed)

        def denied(refusal: bytes | None) -> None:
            self._decided(exchange, item, question, masked, decision, refusal)

        return self.holding.take(item, question, masked, decision, approved, denied)

    def _approved(
        self,
        exchange: Exchange,
        item: Item,
        question: Question,
        verdict: Decision,
        access: Access | None,
        allowed: Callable[[Run], None],
    ) -> None:
        """A reviewer said yes. What has come to refuse it meanwhile, the house or policy, still does."""
        session, statement = self.session, question.statement
        masked, rule = self._standing(question)

        left = [statement, *session.implied(statement)]

        def asked(decision: Decision, _: Access | None) -> None:
            if decision.effect == "deny":
                self._decided(exchange, item, question, masked, decision)
                return
            if left:
                session.ask(left.pop(0), masked, asked)
                return
            now_ns = session.clock.monotonic_ns()
            allowed(Run(question, masked, verdict, access, session.record.new_id(), now_ns))

        if rule is not None:
            asked(msgspec.structs.replace(rule, id=session.record.new_id()), None)
        else:
            session.ask(left.pop(0), masked, asked)

    def _decided(
        self, exchange: Exchange, item: Item, question: Question, masked: tuple[str, ...],
        decision: Decision, refusal: bytes | None = None,
    ) -> None:  # fmt: skip
        """It may not run: record that, then say so; the database never sees it."""
        session = self.session
        protocol = "simple" if exchange.simple else "extended"
        message_ = refusal or refusals.refusal_message(decision, session.resource.facts.id)
        exchange.skipping = not exchange.synced or exchange.simple

        event = refused_event(session, question, decision, masked, protocol)

        def recorded(error: str) -> None:
            if not error:
                question.recorded.is_in(event)
            # Refusing needs no durable record to be safe, so it stands even if recording failed.
            self.fail(exchange, item, message_)

        session.submit(event, recorded)

    def record(
        self, exchange: Exchange, item: Item, run: Run, protocol: str, bound: list[str] | None
    ) -> None:
        """It may run once the record of that is durable."""
        session = self.session
        if item.expect is not None:
            item.expect.run = run
            item.expect.touches_masked = bool(run.masked)

        event = run_event(session, run, protocol, bound)
        if session.may_run_ahead:
            session.submit_ahead(event)
            exchange.make_ready(item)
            return
        session.submit(event, self.when_recorded(exchange, item, run, event))

    def when_recorded(
        self, exchange: Exchange, item: Item, run: Run, event: Event | Draft
    ) -> Callable[[str], None]:
        """What follows once a run's record is durable, or is not."""
        session = self.session

        def recorded(error: str) -> None:
            if not error:
                session.recording_works()
                if isinstance(event, Event):
                    run.question.recorded.is_in(event)
            if item.dropped:
                return
            if error:
                finish(session, run, not_sent="not sent: recording is unavailable")
                self.fail(exchange, item, refusals.RECORDING_DOWN)
            exchange.make_ready(item)

        return recorded

    def resume(self, exchange: Exchange, item: Item, before: Run) -> None:
        """More rows of a run that was decided and recorded; what they expose is recorded again."""
        session = self.session
        run = Run(
            before.question,
            before.masked,
            before.decision,
            before.access,
            before.id,
            session.clock.monotonic_ns(),
        )
        run.shown_rows = before.shown_rows
        if item.expect is not None:
            item.expect.run = run
            item.expect.touches_masked = bool(run.masked)
        exchange.make_ready(item)

    def fail(self, exchange: Exchange, item: Item, refusal: bytes) -> None:
        """Put a refusal in the place of a statement; what the client sends up to its Sync is dropped."""
        item.refusal = refusal
        if not exchange.synced:
            exchange.skipping = True
        exchange.make_ready(item)
