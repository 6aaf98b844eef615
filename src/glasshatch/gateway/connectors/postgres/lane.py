"""The short way of one session, for statements of which all is known; everything else goes the long one.

It does what the long way would do, in fewer steps, and leaves the same record. Policy is asked for every
statement, limits count it, and nothing is sent before its record is durable. Whatever is not foreseen ends
the short way in the middle: `settle` puts the statement where the long way would have it, which goes on.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ....events import Access, Data, Draft, Form
from ....masking import run_of
from ....policy import Breach, Decision
from ...core import Authority
from .answers import command_rows
from .asking import Asking
from .bounding import Bounding
from .exchange import Exchange, Expect, Item, Portal, Prepared
from .questions import Question
from .running import Run, bound_values
from .session import Session
from .ways import Way
from .wire import Bind, parse_bind

_ROW = 0x44
_FLUSHED = b"Z\0\0\0\5"
_EXECUTE_SYNC = b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\4"
_DESCRIBE = b"D\0\0\0\6P\0"
_COMMANDS = 256
_LONGEST_TEXT = 4_096
"""A longer text is not remembered, so it would be understood twice: here, and again on the long way."""


class Flight:
    """One statement on its way."""

    __slots__ = (
        "access", "begun_ns", "bind", "bound", "data", "decision", "draft", "prepared", "run_id", "sent",
        "ticket", "way",
    )  # fmt: skip

    def __init__(
        self,
        way: Way,
        data: bytes,
        decision: Decision,
        access: Access | None,
        run_id: str,
        begun_ns: int,
        prepared: Prepared | None,
        bind: Bind | None,
        bound: list[str] | None,
    ) -> None:
        self.way = way
        self.data = data
        self.decision = decision
        self.access = access
        self.run_id = run_id
        self.begun_ns = begun_ns
        self.prepared = prepared
        self.bind = bind
        self.bound = bound
        self.sent = False
        self.ticket = -1
        self.draft: Draft | None = None


class Lane:
    """Takes whole statements and whole answers; at most one statement is on its way.

    Args:
        authority: Decides at once; without one nothing goes this way.
    """

    def __init__(
        self, session: Session, asking: Asking, bounding: Bounding, authority: Authority | None
    ) -> None:
        self.flight: Flight | None = None
        self._session = session
        self._asking = asking
        self._bounding = bounding
        self._authority = authority
        self._commands: dict[bytes, tuple[str, int]] = {}

    # -- the client's half ----------------------------------------------------------------------

    def ask(self, data: bytes) -> bool:
        """Take what the client sent, if it is one whole statement of a known kind and nothing else runs."""
        authority, session = self._authority, self._session
        if authority is None or not self._asking.rests or self._bounding.cutting:
            return False
        now_ns = session.clock.monotonic_ns()
        if session.changed_tables or not session.shelf.holds(now_ns):
            return False
        allowance = session.allowance
        if allowance is not None and allowance.counts_rows:
            return False
        first = data[:1]
        if first == b"Q":
            return self._query(authority, data, now_ns)
        return first == b"B" and self._batch(authority, data, now_ns)

    def _query(self, authority: Authority, data: bytes, now_ns: int) -> bool:
        session = self._session
        end = len(data)
        if (
            int.from_bytes(data[1:5], "big") + 1 != end
            or data.find(0, 5) != end - 1
            or end > min(_LONGEST_TEXT, session.limits.statement_bytes)
        ):
            return False
        try:
            text = data[5:-1].decode()
        except UnicodeDecodeError:
            return False
        known = session.shelf.known.plainly(session.redactor, text)
        if known is None:
            question = session.question(text)
            if question.kin is None or question.trace.trace_id:
                return False
            known = question.kin, question.recorded.text
        way = known[0].ways.get(session.who)
        if way is None or not way.holds(session):
            return False
        session.lifetime.active_ns = now_ns
        self._go(authority, way, data, now_ns, known[1], None, None)
        return True

    def _batch(self, authority: Authority, data: bytes, now_ns: int) -> bool:
        """Bind, perhaps Describe, Execute and Sync, of the unnamed portal over a prepared statement."""
        if not data.endswith(_EXECUTE_SYNC):
            return False
        length = int.from_bytes(data[1:5], "big")
        end = 1 + length
        described = data[end:-15]
        if described and described != _DESCRIBE:
            return False
        if (
            length < 4
            or end + len(described) + 15 != len(data)
            or len(data) > self._session.limits.queued_bytes
        ):
            return False
        bind = parse_bind(data[5:end])
        prepared = self._asking.prepared.find(bind.statement)
        if prepared is None or bind.portal:
            return False
        key = (bind.result_formats, bool(described), bool(bind.values))
        way = prepared.ways.get(key)
        if way is None or not way.holds(self._session):
            return False
        self._session.lifetime.active_ns = now_ns
        self._go(authority, way, data, now_ns, prepared.question.recorded.text, prepared, bind)
        return True

    def _go(
        self,
        authority: Authority,
        way: Way,
        data: bytes,
        now_ns: int,
        text: str,
        prepared: Prepared | None,
        bind: Bind | None,
    ) -> None:
        """Count it, decide it, record it; and send it once it is recorded."""
        session = self._session
        actor, facts = session.actor, session.resource.facts
        if actor is None:
            raise RuntimeError("a statement before authentication")
        bound: list[str] | None = None
        if bind is not None and prepared is not None:
            bound = bound_values(session, bind, prepared.parameter_types)
        allowance = session.allowance
        breach = allowance.statement(now_ns) if allowance is not None and way.counted else None
        if breach is not None:
            self._over(way, data, prepared, bind, bound, breach)
            return
        decision = authority.decide(actor, facts, way.statement, way.masked)
        session.rest_on(decision.grant_id)
        access = authority.access(decision.grant_id) if decision.grant_id else None
        if not way.fits(decision, access):
            self._otherwise(way, data, prepared, bind, bound, decision, access)
            return
        flight = Flight(way, data, decision, access, session.record.new_id(), now_ns, prepared, bind, bound)
        own = (flight.run_id, decision.id, text)
        draft = session.record.draft(way.run, (*own, bound) if bound else own)
        self.flight = flight
        if session.may_run_ahead:
            session.submit_ahead(draft)
            self._send(flight)
        else:
            flight.draft = draft
            flight.ticket = session.submit_waited(draft, self._recorded)

    def _recorded(self, error: str) -> None:
        flight = self.flight
        if flight is None:
            raise RuntimeError("a record of nothing on its way")
        if error:
            self._long_way(flight)(error)
            return
        self._session.recording_works()
        self._send(flight)

    def _send(self, flight: Flight) -> None:
        flight.sent = True
        self._session.outbox.upstream(flight.data)

    # -- the database's half --------------------------------------------------------------------

    def answer(self, data: bytes) -> bool:
        """Take what the database sent, if it is the whole answer to the statement and as foreseen."""
        flight = self.flight
        if flight is None or not flight.sent:
            return False
        way = flight.way
        opening = way.opening
        if not data.startswith(opening) or not data.startswith(_FLUSHED, len(data) - 6):
            return False
        start = len(opening)
        end, count = start, 0
        if way.planned is not None:
            end, count = run_of(data, start, _ROW, self._session.limits.message_bytes)
        done = self._commands.get(data[end:-6]) or self._command(data[end:-6])
        if done is None:
            return False
        # Without a row nothing is planned in the extended protocol, and so nothing said of it.
        exposes = way.planned is not None and (count > 0 or flight.prepared is None)
        form = way.ends.get((done[0], exposes))
        if form is None:
            return False
        self._finish(flight, form, done[1], data, (start, end, count) if exposes else None)
        return True

    def _command(self, raw: bytes) -> tuple[str, int] | None:
        """What a CommandComplete says; None if these bytes are not exactly that."""
        if (
            raw[:1] != b"C"
            or int.from_bytes(raw[1:5], "big") + 1 != len(raw)
            or raw.find(0, 5) != len(raw) - 1
        ):
            return None
        if len(self._commands) >= _COMMANDS:
            self._commands.clear()
        done = self._commands[raw] = command_rows(raw[5:])
        return done

    def _finish(
        self, flight: Flight, form: Form, affected: int, data: bytes, rows: tuple[int, int, int] | None
    ) -> None:
        session, way = self._session, flight.way
        now_ns = session.clock.monotonic_ns()
        values: tuple[object, ...] = (flight.run_id, (now_ns - flight.begun_ns) // 1000, affected)
        if rows is not None:
            data, exposed = self._shown(way, data, *rows)
            values = (*values, exposed)
        self.flight = None
        session.submit(session.record.draft(form, values))
        session.tx = data[-1:]
        session.lifetime.active_ns = now_ns
        portals = self._asking.portals
        if session.tx == b"I":
            if len(portals):
                portals.clear()
        elif flight.prepared is not None and flight.bind is not None:
            portals.confirm(_portal(flight.prepared, flight.bind, flight.bound))
        session.outbox.client(data)

    def _shown(self, way: Way, data: bytes, start: int, end: int, count: int) -> tuple[bytes, Data]:
        """The answer as the client may see it, and what it exposes."""
        purpose = way.decision.purpose
        if way.untouched or not count:
            return data, Data(rows=count, bytes=end - start, purpose=purpose)
        plan = way.plan(self._session)
        shown = plan.rewrite(data, start, end)
        exposed = plan.exposure()
        if purpose:
            exposed = msgspec.structs.replace(exposed, purpose=purpose)
        return b"".join((data[:start], shown, data[end:])), exposed

    # -- back to the long way -------------------------------------------------------------------

    def settle(self) -> None:
        """Put what is on its way where the long way would have it."""
        flight = self.flight
        if flight is not None:
            recorded = self._long_way(flight)
            if not flight.sent:
                self._session.rewait(flight.ticket, recorded)

    def _long_way(self, flight: Flight) -> Callable[[str], None]:
        """The same; gives what is to follow once its record has an answer."""
        self.flight = None
        way = flight.way
        question = self._question(flight.data, flight.prepared)
        run = Run(question, way.masked, flight.decision, flight.access, flight.run_id, flight.begun_ns)
        exchange, item = self._exchange(
            flight.data, flight.prepared, flight.bind, flight.bound, way.masked, sent=flight.sent
        )
        if item.expect is not None:
            item.expect.run = run
            item.expect.touches_masked = bool(run.masked)
        if flight.draft is None:
            return lambda error: None
        return self._asking.deciding.when_recorded(exchange, item, run, flight.draft)

    def _over(
        self,
        way: Way,
        data: bytes,
        prepared: Prepared | None,
        bind: Bind | None,
        bound: list[str] | None,
        breach: Breach,
    ) -> None:
        """It is counted and over a bound: the long way says so."""
        exchange, item = self._exchange(data, prepared, bind, bound, way.masked)
        question = self._question(data, prepared)
        self._asking.deciding.overdrawn(exchange, item, question, way.masked, breach)

    def _otherwise(
        self,
        way: Way,
        data: bytes,
        prepared: Prepared | None,
        bind: Bind | None,
        bound: list[str] | None,
        decision: Decision,
        access: Access | None,
    ) -> None:
        """Policy decided otherwise than before: the long way goes on from there."""
        exchange, item = self._exchange(data, prepared, bind, bound, way.masked)
        question, deciding = self._question(data, prepared), self._asking.deciding
        protocol = "simple" if prepared is None else "extended"
        deciding.answered(
            exchange, item, question, way.masked, decision, access,
            lambda run: deciding.record(exchange, item, run, protocol, bound),
        )  # fmt: skip

    def _question(self, data: bytes, prepared: Prepared | None) -> Question:
        return prepared.question if prepared is not None else self._session.question(data[5:-1].decode())

    def _exchange(
        self,
        data: bytes,
        prepared: Prepared | None,
        bind: Bind | None,
        bound: list[str] | None,
        masked: tuple[str, ...],
        *,
        sent: bool = False,
    ) -> tuple[Exchange, Item]:
        """The exchange that the long way would have made of these bytes, and the item that runs them."""
        asking = self._asking
        if prepared is None or bind is None:
            exchange = asking.exchange = Exchange(simple=True)
            exchange.skipping = True
            runs = Item(data, Expect("query", touches_masked=bool(masked)), ready=sent)
            items = [runs]
        else:
            exchange = asking.exchange = Exchange(simple=False)
            portal = _portal(prepared, bind, bound)
            asking.portals.begin(portal)
            end = 1 + int.from_bytes(data[1:5], "big")
            items = [Item(data[:end], Expect("bind", portal=portal, touches_masked=bool(masked)))]
            if len(data) > end + len(_EXECUTE_SYNC):
                exchange.described.add(portal)
                items.append(Item(_DESCRIBE, Expect("describe", portal=portal)))
            runs = Item(_EXECUTE_SYNC[:-5], Expect("execute", portal=portal), ready=sent)
            items += [runs, Item(_EXECUTE_SYNC[-5:], Expect("sync"))]
        exchange.synced = True
        exchange.forwarded = sent
        for item in items:
            if not sent:
                exchange.add(item)
            elif item.expect is not None:
                exchange.pending.append(item.expect)
        return exchange, runs


def _portal(prepared: Prepared, bind: Bind, bound: list[str] | None) -> Portal:
    kept = msgspec.structs.replace(bind, values=())
    return Portal(bind.portal, prepared, bound or [], kept.result_format, bind.result_formats)
