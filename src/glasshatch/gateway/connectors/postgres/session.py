"""What the parts of one session share: who and where, questions and records in flight, what is masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....clock import Clock
from ....events import Access, Client, Draft, Event
from ....identity import Identity
from ....masking import NOBODY, MaskingView, Redactor
from ....policy import Decision
from ....statements import OutputColumn, Statement
from ...core import Address, Allowing, Ask, GuardedResource, Lifetime, Limits, Record, SessionRecord, Wake
from .catalogue import Catalogue
from .outbox import Outbox
from .questions import Question
from .shelf import Shelf

WhenDecided = Callable[[Decision, Access | None], None]
WhenRecorded = Callable[[str], None]

_INDIRECT = frozenset({"execute", "fetch"})
_INTRODUCES = frozenset({"prepare", "cursor"})
_MAX_INTRODUCED = 64


class Session:
    """The shared state. Questions and records are matched to their answers by ticket.

    `tx` is the database's own word of the last ReadyForQuery: I idle, T in a transaction, E failed.
    """

    def __init__(
        self,
        *,
        redactor: Redactor,
        clock: Clock,
        random: Callable[[int], bytes],
        limits: Limits,
        record: SessionRecord,
    ) -> None:
        self.redactor = redactor
        self.clock = clock
        self.random = random
        self.limits = limits
        self.record = record
        self.outbox = Outbox()
        self.lifetime = Lifetime()
        self.allowance: Allowing | None = None
        """What it may use; None where nothing is limited."""
        self.end_with: tuple[str, str] | None = None
        """SQLSTATE and reason with which it must end now."""
        self.actor: Identity | None = None
        self.guarded: GuardedResource | None = None
        self.shelf = Shelf(limits.catalogue_ns)
        self.tx = b"I"
        self.changed_tables = False
        self.introduced: list[Statement] = []
        self._tickets = 0
        self._asked: dict[int, WhenDecided] = {}
        self._recording: dict[int, tuple[int, WhenRecorded]] = {}
        self._woken = False
        self._who: object | None = None
        self._holds: set[int] = set()
        self.grants: frozenset[str] = frozenset()
        """The grants that let what it ran."""
        self._behind = 0
        self._failing = False

    @property
    def client(self) -> Client:
        """Where the client connects from."""
        return self.record.client

    @property
    def resource(self) -> GuardedResource:
        """The resource; known once the client has named it."""
        if self.guarded is None:
            raise RuntimeError("the session has no resource yet")
        return self.guarded

    @property
    def who(self) -> object:
        """What tells this session's actor and access from others; the same thing for equal ones."""
        if self._who is None:
            self._who = self.shelf.who((self.record.actor, self.record.access))
        return self._who

    @property
    def address(self) -> Address:
        """Where the resource's database listens."""
        target = self.resource.target
        return Address(target.host, target.port, target.tls, target.tls_ca)

    @property
    def asking(self) -> bool:
        """Whether a question is unanswered; nothing further is taken from the client until it is."""
        return bool(self._asked or self._holds)

    def hold(self) -> int:
        """A statement begins to wait for a review."""
        ticket = self._ticket()
        self._holds.add(ticket)
        return ticket

    def unhold(self, ticket: int) -> None:
        """It waits no more."""
        self._holds.discard(ticket)

    def rest_on(self, grant_id: str) -> None:
        """From here on the session ends with this grant if it is taken back."""
        if grant_id and grant_id not in self.grants:
            self.grants = self.grants | {grant_id}

    def question(self, text: str) -> Question:
        """What a text asks; understood once for all sessions of the resource."""
        return self.shelf.known.question(self.redactor, self.resource.facts.id, text)

    def ask(self, statement: Statement, masked: tuple[str, ...], then: WhenDecided) -> None:
        """Put a statement before policy."""
        if self.actor is None:
            raise RuntimeError("a statement before authentication")
        ticket = self._ticket()
        self._asked[ticket] = then
        self.outbox.aside(Ask(ticket, self.actor, self.resource.facts, statement, masked))

    def decided(self, ticket: int, decision: Decision, access: Access | None) -> None:
        """Policy has answered."""
        self.rest_on(decision.grant_id)
        self._asked.pop(ticket)(decision, access)

    def submit(self, event: Event | Draft, then: WhenRecorded | None = None) -> None:
        """Record an event. `then` is called once: with "" when it is durable, else with what went wrong."""
        if then is None:
            self.outbox.aside(Record(event))
            return
        ticket = self._ticket()
        now_ns = self.clock.monotonic_ns()
        self._recording[ticket] = (now_ns + self.limits.record_ns, then)
        self.outbox.aside(Record(event, ticket))
        if not self._woken:
            self._woken = True
            self.outbox.aside(Wake(now_ns + self.limits.record_ns))

    @property
    def may_run_ahead(self) -> bool:
        """Whether a statement may leave before its record is durable: never while recording is in doubt."""
        return self.resource.record == "async" and not self._failing and self._behind < self.limits.behind

    def submit_ahead(self, event: Event | Draft) -> None:
        """Record an event that nobody waits for, but whose failure makes later statements wait again."""

        def recorded(error: str) -> None:
            self._behind -= 1
            self._failing = self._failing or bool(error)

        self._behind += 1
        self.submit(event, recorded)

    def recording_works(self) -> None:
        """A record was waited for and is durable."""
        self._failing = False

    def submit_waited(self, draft: Draft, then: WhenRecorded) -> int:
        """As `submit`; gives the ticket under which the answer is awaited, for `rewait`."""
        self.submit(draft, then)
        return self._tickets

    def rewait(self, ticket: int, then: WhenRecorded) -> None:
        """Have another one told once an event is durable."""
        self._recording[ticket] = self._recording[ticket][0], then

    def recorded(self, ticket: int, error: str) -> None:
        """The sink has answered; an answer after the time limit finds nobody waiting."""
        waiting = self._recording.pop(ticket, None)
        if waiting:
            waiting[1](error)

    def tick(self) -> None:
        """Give up on records that are overdue: what waits for them is refused, never sent."""
        self._woken = False
        now_ns = self.clock.monotonic_ns()
        overdue = [ticket for ticket, (deadline, _) in self._recording.items() if deadline <= now_ns]
        for ticket in overdue:
            self.recorded(ticket, "the record was not acknowledged in time")
        if self._recording and not self._woken:
            self._woken = True
            self.outbox.aside(Wake(min(deadline for deadline, _ in self._recording.values())))

    def introduce(self, statement: Statement) -> bool:
        """Remember a statement that later ones run by name (PREPARE, DECLARE); False if too many."""
        if _INTRODUCES.isdisjoint(statement.verbs) or statement in self.introduced:
            return True
        if len(self.introduced) >= _MAX_INTRODUCED:
            return False
        self.introduced.append(statement)
        return True

    def implied(self, statement: Statement) -> tuple[Statement, ...]:
        """The statements that this one may run by name."""
        return () if _INDIRECT.isdisjoint(statement.verbs) else tuple(self.introduced)

    def masked(self, statement: Statement) -> tuple[str, ...]:
        """The masked columns it may touch; all there are while the catalogue is in doubt."""
        catalogue = self.catalogue
        if self.in_doubt:
            return catalogue.masked or ("*",)
        touched = dict.fromkeys(catalogue.touched(statement))
        for other in self.implied(statement):
            touched.update(dict.fromkeys(catalogue.touched(other)))
        return tuple(touched)

    def lineage_known(self, statement: Statement) -> bool:
        """Whether the statement's own account of its answer's columns may be relied upon."""
        return (
            statement.commands == 1
            and not self.in_doubt
            and _INDIRECT.isdisjoint(statement.verbs)
            and not self.catalogue.is_opaque(statement)
        )

    def outputs(self, statement: Statement, place: int) -> tuple[OutputColumn, ...] | None:
        """The lineage of the columns of its answer number so-and-so; None where it may not be relied upon."""
        if self.lineage_known(statement):
            return statement.outputs
        # Of several commands only where none can change what the next one means.
        several = place < len(statement.answers) and set(statement.verbs) == {"select"}
        several = several and "unknown_function" not in statement.risks
        if not several or self.in_doubt or self.catalogue.is_opaque(statement):
            return None
        return None if "set_config" in statement.shape.lower() else statement.answers[place]

    @property
    def in_doubt(self) -> bool:
        """Whether tables may have changed since the catalogue was read."""
        return self.shelf.doubtful or self.changed_tables

    @property
    def catalogue(self) -> Catalogue:
        """The newest snapshot."""
        if self.shelf.catalogue is None:
            raise RuntimeError("no catalogue was read")
        return self.shelf.catalogue

    def view(self, decision: Decision) -> MaskingView:
        """The masking rules that somebody meets to whom this decision was given."""
        guarded = self.resource
        return guarded.masking.view(resource=guarded.facts.id, roles=decision.roles, purpose=decision.purpose)

    def scan(self, text: str) -> str:
        """The text without personal data, for the client; what the record may keep does not count here."""
        return self.redactor.met_by(NOBODY).text(text)[0]

    def event(self, action: str, **parts: Any) -> Event:
        """The session's next event."""
        return self.record.event(action, **parts)

    def _ticket(self) -> int:
        self._tickets += 1
        return self._tickets
