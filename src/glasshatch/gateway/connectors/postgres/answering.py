"""The database's half of the traffic: every answer is matched to what asked for it, masked, counted.

Rows whose shape is not known, and answers nobody asked for, end the session.
"""

from __future__ import annotations

from collections.abc import Callable

from ....errors import PeerError
from ....masking import RowPlan
from . import refusals
from .aftermath import note_effects
from .answers import (
    ColumnShape,
    clean_notification,
    clean_report,
    command_rows,
    error_fields,
    read_rows,
)
from .asking import Asking
from .bounding import Bounding
from .catalogue import Catalogue
from .catalogue_queries import QUERIES
from .copyout import masked_copy, shown_copies
from .exchange import Exchange, Expect, Portal
from .failing import note_failure
from .planning import answer_plan
from .running import Run, finish, may_be_raised, speaks_of_masked
from .session import Session
from .ways import learn
from .wire import Run as Messages

ROW_TAG, COPY_TAG = 0x44, 0x64
JOINED = frozenset({ROW_TAG, COPY_TAG})
"""Messages that come in great numbers, each kind taken as many at a time as there are."""

_WATCHED = {b"client_encoding": b"UTF8", b"standard_conforming_strings": b"on"}


class Answering:
    """Takes the database's messages in order and writes to the client what it may see."""

    def __init__(self, session: Session, asking: Asking) -> None:
        self.session = session
        self.asking = asking
        self.bounding = Bounding(session, asking)
        self.said_fatal = False
        """The client was already told why the connection ends."""
        self._handlers: dict[int, Callable[[bytes, bytes], None]] = {
            0x31: self._parse_complete,
            0x32: self._bind_complete,
            0x33: self._close_complete,
            0x41: self._notification,
            0x43: self._command_complete,
            0x45: self._error,
            0x47: self._copy_in,
            0x48: self._copy_out,
            0x49: self._command_complete,
            0x4E: self._notice,
            0x53: self._parameter,
            0x54: self._row_description,
            0x5A: self._ready,
            0x63: self._copy_done,
            0x6E: self._no_data,
            0x73: self._suspended,
            0x74: self._parameter_description,
        }

    def take(self, buffer: bytes, runs: list[Messages]) -> None:
        """Take messages; neighbouring rows are masked together."""
        for tag, start, end, count in runs:
            if self.bounding.cutting:
                rows = count if tag in JOINED else 0
                self.bounding.swallow(tag, buffer[start:end], rows, self._handlers.get(tag))
                continue
            if tag == ROW_TAG:
                self._rows(buffer, start, end, count)
                continue
            if tag == COPY_TAG:
                self._copies(buffer, start, end, count)
                continue
            handler = self._handlers.get(tag)
            if handler is None:
                raise PeerError("the database sent a message of a kind that has no place here")
            raw = buffer[start:end]
            handler(raw, raw[5:])

    # -- rows -----------------------------------------------------------------------------------

    def _rows(self, buffer: bytes, start: int, end: int, count: int) -> None:
        expect = self._expect("execute", "query", "catalogue")
        if expect.kind == "catalogue":
            self._exchange().catalogue_rows[-1].extend(read_rows(buffer, start, end))
            return
        run = expect.run
        if run is not None and run.plan is None and expect.portal is not None:
            run.use(self._portal_plan(run, expect.portal))
        plan = run.plan if run is not None else None
        if plan is None:
            raise PeerError("the database sent rows whose shape is not known")
        if self.session.allowance is not None and run is not None:
            before = run.shown_rows
            end = self.bounding.admit(run, buffer, start, end, count)
            count = run.shown_rows - before if run.breach is not None else count
        if plan.untouched:
            plan.passed(count, end - start)
            self.session.outbox.client(buffer[start:end])
        elif start < end:
            self.session.outbox.client(plan.rewrite(buffer, start, end))
        if run is not None and run.breach is not None:
            self.bounding.cut(run)

    def _row_description(self, raw: bytes, body: bytes) -> None:
        expect = self._expect("describe", "query", "catalogue")
        if expect.kind == "catalogue":
            self._exchange().catalogue_rows.append([])
            return
        shape = self.session.shelf.shape(body)
        if expect.kind == "describe":
            self._described(expect, shape, raw)
            return
        if expect.run is None:
            raise PeerError("the database sent rows that nobody asked for")
        formats = tuple([column.format for column in shape])
        expect.run.use(answer_plan(self.session, expect.run, shape, formats))
        expect.run.described = raw
        self.session.outbox.client(raw)

    def _described(self, expect: Expect, shape: tuple[ColumnShape, ...], raw: bytes) -> None:
        self._pop()
        if expect.prepared is not None:
            expect.prepared.shape = shape
        if expect.portal is not None:
            expect.portal.shape = shape
            expect.portal.described = None if expect.hidden else raw
        if not expect.hidden:
            self.session.outbox.client(raw)

    def _no_data(self, raw: bytes, body: bytes) -> None:
        self._described(self._expect("describe"), (), raw)

    def _portal_plan(self, run: Run, portal: Portal) -> RowPlan | None:
        shape = portal.shape if portal.shape is not None else portal.prepared.shape
        if not shape:
            return None
        formats = tuple(map(portal.result_format, range(len(shape))))
        return answer_plan(self.session, run, shape, formats)

    # -- ends -----------------------------------------------------------------------------------

    def _command_complete(self, raw: bytes, body: bytes) -> None:
        expect = self._expect("execute", "query", "catalogue")
        if expect.kind == "catalogue":
            return
        run = expect.run
        if run is not None:
            command, affected = command_rows(body) if body else ("EMPTY", 0)
            run.commands.append(command)
            run.affected += affected
            run.use(None)
            if run.hide_copy:
                run.error = "42501"
                self.session.outbox.client(refusals.BINARY_COPY)
                run.hide_copy = False
                raw = b""
        self.session.outbox.client(raw)
        if expect.kind == "execute":
            if expect.portal is not None:
                expect.portal.suspended = None
            self._pop()
            self._finish(run, expect.portal)

    def _suspended(self, raw: bytes, body: bytes) -> None:
        expect = self._expect("execute")
        if expect.portal is not None:
            expect.portal.suspended = expect.run
        self.session.outbox.client(raw)
        self._pop()
        self._finish(expect.run)

    def _finish(self, run: Run | None, portal: Portal | None = None) -> None:
        if run is None:
            return
        end = finish(self.session, run)
        if self.asking.exchange is not None:
            self.asking.exchange.ended = run
        note_effects(self.session, self.asking, run)
        if end is not None:
            learn(self.session, run, end, portal)

    def _ready(self, raw: bytes, body: bytes) -> None:
        expect = self._expect("sync", "query", "catalogue")
        exchange = self._exchange()
        session = self.session
        session.tx = body[:1]
        session.lifetime.active_ns = session.clock.monotonic_ns()
        self.asking.exchange = None
        self.asking.prepared.settle()
        self.asking.portals.settle()
        if expect.kind == "catalogue":
            self._read_catalogue(exchange)
            return
        if expect.kind == "query":
            self._finish(expect.run)
        if session.tx == b"I":
            self.asking.portals.clear()
            if session.changed_tables:
                session.changed_tables = False
                session.shelf.invalidate()
        session.outbox.client(raw)

    def _read_catalogue(self, exchange: Exchange) -> None:
        session = self.session
        if len(exchange.catalogue_rows) != len(QUERIES):
            raise PeerError("the database's catalogue could not be read")
        catalogue = Catalogue.read(exchange.catalogue_rows, session.resource.rules, session.resource.may_mask)
        session.shelf.put(catalogue, exchange.catalogue_begun, session.clock.monotonic_ns())

    def _error(self, raw: bytes, body: bytes) -> None:
        exchange = self.asking.exchange
        expect = exchange.pending[0] if exchange is not None and exchange.pending else None
        if expect is not None and expect.kind == "catalogue":
            raise PeerError("the database refused to show its catalogue")
        if expect is not None and expect.refusal:
            self.session.outbox.client(expect.refusal)
            code = "42501"
        else:
            touches = expect is None or speaks_of_masked(
                self.session, expect.run, known=expect.touches_masked
            )
            raised = expect is None or may_be_raised(self.session, expect.run)
            cleaned, code = clean_report(
                b"E", body, self.session.scan, touches_masked=touches, may_be_raised=raised
            )
            self.session.outbox.client(cleaned)
        if error_fields(body).get("V") in ("FATAL", "PANIC"):
            self.said_fatal = True
        if exchange is None:
            return
        exchange.copying_in = False
        note_failure(self.session, exchange, expect, code)
        if not exchange.simple:
            self._skip_to_sync(exchange)

    def _skip_to_sync(self, exchange: Exchange) -> None:
        runs = [*exchange.fail_pending(), *exchange.drop_until_sync()]
        for run in runs:
            finish(self.session, run, not_sent="not run: an earlier statement of its batch failed")
        if not exchange.synced:
            exchange.skipping = True
        self.asking.prepared.settle()
        self.asking.portals.settle()

    # -- copies ---------------------------------------------------------------------------------

    def _copy_in(self, raw: bytes, body: bytes) -> None:
        self._expect("execute", "query")
        exchange = self._exchange()
        exchange.copying_in = True
        if not exchange.simple and exchange.synced:
            # The database ignores the Sync that was sent before it began to copy.
            exchange.synced = False
            if len(exchange.pending) > 1 and exchange.pending[1].kind == "sync":
                del exchange.pending[1]
        self.session.outbox.client(raw)

    def _copy_out(self, raw: bytes, body: bytes) -> None:
        run = self._expect("execute", "query").run
        if run is None or len(body) < 3:
            raise PeerError("the database copies out what nobody asked for")
        form = run.question.copy
        if form is not None and (body[:1] != b"\0") == (form.format == "binary"):
            run.copying = masked_copy(self.session, run, form, int.from_bytes(body[1:3], "big"))
        elif run.masked:
            raise PeerError("the database copies out what may hold masked columns")
        run.hide_copy = run.copying is None and body[:1] != b"\0"
        if not run.hide_copy:
            self.session.outbox.client(raw)

    def _copies(self, buffer: bytes, start: int, end: int, count: int) -> None:
        run = self._expect("execute", "query").run
        if run is None:
            raise PeerError("the database copies out what nobody asked for")
        end = self.bounding.admit(run, buffer, start, end, count)
        if start < end:
            self.session.outbox.client(shown_copies(self.session, run, buffer, start, end))
        if run.breach is not None:
            self.bounding.cut(run)

    def _copy_done(self, raw: bytes, body: bytes) -> None:
        run = self._expect("execute", "query").run
        if run is not None and run.copying is not None:
            run.copying.finish()
            run.copying = None
        if run is None or not run.hide_copy:
            self.session.outbox.client(raw)

    # -- the extended protocol's confirmations --------------------------------------------------

    def _parse_complete(self, raw: bytes, body: bytes) -> None:
        expect = self._pop("parse")
        if expect.prepared is not None:
            self.asking.prepared.confirm(expect.prepared)
        self.session.outbox.client(raw)

    def _bind_complete(self, raw: bytes, body: bytes) -> None:
        expect = self._pop("bind")
        if expect.portal is not None:
            self.asking.portals.confirm(expect.portal)
        self.session.outbox.client(raw)

    def _close_complete(self, raw: bytes, body: bytes) -> None:
        kind, name = self._pop("close").named
        if kind == b"S":
            self.asking.prepared.close(name)
        else:
            self.asking.portals.close(name)
        self.session.outbox.client(raw)

    def _parameter_description(self, raw: bytes, body: bytes) -> None:
        expect = self._expect("describe")
        if expect.prepared is not None:
            types = [int.from_bytes(body[at : at + 4], "big") for at in range(2, len(body), 4)]
            expect.prepared.parameter_types = tuple(types)
        if not expect.hidden:
            self.session.outbox.client(raw)

    # -- what comes unasked ---------------------------------------------------------------------

    def _notice(self, raw: bytes, body: bytes) -> None:
        exchange = self.asking.exchange
        expect = exchange.pending[0] if exchange is not None and exchange.pending else None
        touches = expect is not None and speaks_of_masked(
            self.session, expect.run, known=expect.touches_masked
        )
        raised = expect is not None and may_be_raised(self.session, expect.run)
        cleaned, _ = clean_report(b"N", body, self.session.scan, touches_masked=touches, may_be_raised=raised)
        self.session.outbox.client(cleaned)

    def _notification(self, raw: bytes, body: bytes) -> None:
        self.session.outbox.client(clean_notification(raw, self.session.scan))

    def _parameter(self, raw: bytes, body: bytes) -> None:
        name, _, rest = body.partition(b"\0")
        if _WATCHED.get(name, rest.rstrip(b"\0")) != rest.rstrip(b"\0"):
            raise PeerError(
                "the way the database reads text was changed", hint="leave client_encoding at UTF8"
            )
        self.session.outbox.client(raw)

    # -- expectations ---------------------------------------------------------------------------

    def _exchange(self) -> Exchange:
        if self.asking.exchange is None:
            raise PeerError("the database answered what nobody asked")
        return self.asking.exchange

    def _expect(self, *kinds: str) -> Expect:
        pending = self._exchange().pending
        if not pending or pending[0].kind not in kinds:
            raise PeerError("the database's answer does not fit what was asked")
        return pending[0]

    def _pop(self, *kinds: str) -> Expect:
        if kinds:
            self._expect(*kinds)
        return self._exchange().pending.popleft()
