"""The client's half of the traffic: every message is understood and decided before it may go on.

What cannot be understood is refused. Nothing reaches the database before its decision, and no
execution before its record is durable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from ....errors import PeerError
from ...core import Close, Pause, Resume
from . import refusals
from .catalogue_queries import QUERIES
from .deciding import Deciding
from .exchange import Exchange, Expect, Item, Names, Portal, Prepared
from .running import Run, bound_values, finish
from .session import Session
from .spelling import spelled
from .wire import message, parse_bind, parse_execute, parse_named, parse_parse, parse_query

CLIENT_TAGS = frozenset(b"QPBDECHSXFdcfp")
_KEPT_TEXT = 16_384
_COPY_TAGS = frozenset(b"dcf")
_FLUSH = message(b"H")
# It must fail for certain, do nothing, and tell whoever reads the server's log why.
FAILING_QUERY = message(b"Q", b"!glasshatch refused a statement here\0")
_CHANGES_READING = frozenset({"set", "do", "call", "unknown", "execute"})


class Asking:
    """Takes the client's messages in order; owns the current exchange, statements and portals."""

    def __init__(self, session: Session, waits: Callable[[str], bool]) -> None:
        self.session = session
        self.exchange: Exchange | None = None
        self.deciding = Deciding(session, waits)
        self.holding = self.deciding.holding
        self.prepared: Names[Prepared] = Names()
        self.portals: Names[Portal] = Names()
        self.draining = False
        self.left = False
        """The client has said goodbye."""
        # A portal of this name cannot exist: no client ever sees it. Running it fails and does nothing else.
        name = b"glasshatch-refused-a-statement-" + session.random(8).hex().encode("ascii")
        self._failing_execute = message(b"E", name + b"\0\0\0\0\0")
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._inbox_bytes = 0
        self._paused = False
        self._handlers: dict[int, Callable[[bytes], None]] = {
            0x50: self._parse,
            0x42: self._bind,
            0x44: self._describe,
            0x45: self._execute,
            0x43: self._close,
            0x48: self._flush,
            0x53: self._sync,
        }

    @property
    def rests(self) -> bool:
        """Whether nothing is under way and nothing waits: neither here nor at policy."""
        return self.exchange is None and not (self._inbox or self.left or self.session.asking)

    def arrive(self, tag: int, raw: bytes) -> None:
        """A message came; it waits its turn."""
        self._inbox.append((tag, raw))
        self._inbox_bytes += len(raw)

    def work(self) -> None:
        """Take as many messages as may be taken, send what may be sent, and hold the client to its bound."""
        self._take_all()
        self.release()
        # A refusal may have ended the exchange without the database, so that the next may begin.
        while self._inbox and self.exchange is None and not self.session.asking and not self.left:
            self._take_all()
            self.release()
        self._hold_to_bound()

    def read_catalogue(self) -> None:
        """Ask the database for its tables, on the gateway's own account."""
        exchange = self.exchange = Exchange(simple=True)
        exchange.catalogue_begun = self.session.shelf.begin()
        exchange.pending.append(Expect("catalogue"))
        exchange.forwarded = True
        self.session.outbox.upstream(message(b"Q", ";".join(QUERIES).encode("ascii") + b"\0"))

    def release(self) -> None:
        """Send what is ready, in order, up to the first that is not."""
        exchange = self.exchange
        while exchange is not None and (item := exchange.next_ready()):
            if item.refusal:
                self._refuse(exchange, item)
            else:
                self._send(exchange, item)
            exchange = self.exchange

    # -- taking ---------------------------------------------------------------------------------

    def _take_all(self) -> None:
        while self._inbox and not self.session.asking and not self.left:
            tag, raw = self._inbox[0]
            if not self._may_take(tag):
                break
            self._inbox.popleft()
            self._inbox_bytes -= len(raw)
            self._take(tag, raw)

    def _may_take(self, tag: int) -> bool:
        exchange = self.exchange
        if exchange is None:
            return not self._catalogue_first()
        if tag in _COPY_TAGS and exchange.copying_in:
            return True
        if exchange.simple or exchange.synced:
            return exchange.copying_in and tag in b"HS"
        if tag in b"QF" and not exchange.skipping and (exchange.pending or exchange.waiting):
            return self._flush_first(exchange)
        if tag == 0x42 and not exchange.skipping and self._prepares_first(exchange):
            return False
        return tag not in _COPY_TAGS or not exchange.expects_copy_in()

    def _flush_first(self, exchange: Exchange) -> bool:
        """A simple query right behind an extended batch: its answers must come before the query goes."""
        if not exchange.flushed:
            exchange.flushed = True
            exchange.add(Item(_FLUSH, None, flush=True))
        return False

    def _prepares_first(self, exchange: Exchange) -> bool:
        """Before a Bind waits for a review the database has its text prepared: a typo bothers no reviewer."""
        waited = [one for one in self.prepared.under_way if one.under_review]
        if any(not one.flushed for one in waited):
            exchange.add(Item(_FLUSH, None, flush=True))
        for one in waited:
            one.flushed = True
        return bool(waited)

    def _catalogue_first(self) -> bool:
        session = self.session
        # Inside a transaction the gateway asks nothing of its own: it could change what the client sees.
        if session.tx != b"I" or not session.shelf.wants_reading(session.clock.monotonic_ns()):
            return False
        self.read_catalogue()
        return True

    def _take(self, tag: int, raw: bytes) -> None:
        exchange = self.exchange
        if tag == 0x58:
            self._terminate(raw)
        elif tag in _COPY_TAGS:
            self._copy(tag, raw)
        elif tag == 0x70:
            raise PeerError("a password where none was asked for")
        elif exchange is not None and exchange.copying_in:
            return  # the database ignores Flush and Sync while it reads a copy
        elif tag in (0x51, 0x46):
            if exchange is not None and exchange.skipping:
                return
            self._query(raw) if tag == 0x51 else self._function_call(raw)
        elif tag == 0x48 and exchange is None:
            return  # nothing is under way that could be flushed
        else:
            if exchange is None:
                self.exchange = exchange = Exchange(simple=False)
            if not exchange.skipping or tag == 0x53:
                self._handlers[tag](raw[5:])

    def _terminate(self, raw: bytes) -> None:
        self.left = True
        self.session.outbox.upstream(raw)
        self.session.outbox.add(Close())

    def _copy(self, tag: int, raw: bytes) -> None:
        exchange = self.exchange
        if exchange is None or not exchange.copying_in:
            return  # PostgreSQL drops stray copy data too: it is what follows a copy that failed
        run = exchange.pending[0].run if exchange.pending else None
        if tag == 0x64 and run is not None:
            run.copied_bytes += len(raw) - 5
        else:
            exchange.copying_in = False
        self.session.outbox.upstream(raw)

    def _query(self, raw: bytes) -> None:
        exchange = self._begin_simple()
        exchange.skipping = exchange.synced = True
        text = self._decoded(parse_query(raw[5:]))
        item = Item(raw, Expect("query"), ready=False)
        exchange.add(item)
        if text is None:
            self.deciding.fail(exchange, item, refusals.NOT_UTF8)
            return
        question = self.session.question(text)
        self.deciding.consider(
            exchange, item, question, lambda run: self.deciding.record(exchange, item, run, "simple", None)
        )

    def _begin_simple(self) -> Exchange:
        before = self.exchange
        exchange = self.exchange = Exchange(simple=True)
        # Without a Sync in between, both are one transaction: a refusal must undo the first part too.
        exchange.forwarded = before is not None and before.forwarded
        return exchange

    def _function_call(self, raw: bytes) -> None:
        exchange = self._begin_simple()
        item = Item(raw, Expect("query"), ready=False)
        exchange.add(item)
        self.deciding.fail(exchange, item, refusals.FUNCTION_CALL)

    def _parse(self, body: bytes) -> None:
        exchange = self._extended()
        parse = parse_parse(body)
        text = self._decoded(parse.text)
        item = Item(message(b"P", body), Expect("parse"), ready=False)
        exchange.add(item)
        if text is None:
            self.deciding.fail(exchange, item, refusals.NOT_UTF8)
            return
        question = self.session.question(text)
        if exchange.tainted and not question.plain_text:
            self.deciding.fail(exchange, item, refusals.AFTER_SETTING)
            return
        if parse.name and len(self.prepared) >= self.session.limits.prepared:
            self.deciding.fail(exchange, item, refusals.TOO_MANY)
            return

        def allowed(run: Run) -> None:
            prepared = Prepared(parse.name, question, parse.parameter_types)
            prepared.allowed = run
            if prepared.under_review and len(text) <= _KEPT_TEXT:
                prepared.text = text
            item.expect = Expect("parse", prepared=prepared, touches_masked=bool(run.masked))
            self.prepared.begin(prepared)
            exchange.make_ready(item)

        self.deciding.consider(exchange, item, question, allowed)

    def _bind(self, body: bytes) -> None:
        exchange = self._extended()
        bind = parse_bind(body)
        prepared = self.prepared.find(bind.statement)
        item = Item(message(b"B", body), None)
        if prepared is None:
            self._refuse_unknown(exchange, item, refusals.UNKNOWN_STATEMENT)
            return
        bound = bound_values(self.session, bind, prepared.parameter_types)
        waits = prepared.under_review
        # The values go with the bytes; the portal keeps only their redacted form and the formats.
        formats = msgspec.structs.replace(bind, values=())
        portal = Portal(bind.portal, prepared, bound, formats.result_format, bind.result_formats)
        touches = bool(self.session.masked(prepared.question.statement))
        item.expect = Expect("bind", portal=portal, touches_masked=touches)
        self.portals.begin(portal)
        item.ready = not waits
        exchange.add(item)
        if waits:
            portal.typed = spelled(prepared.text, bind, prepared.parameter_types)
            # It is planned with its values, which may run code: so it is held before the database has them.
            question = prepared.question
            self.deciding.consider(exchange, item, question, lambda run: exchange.make_ready(item))

    def _describe(self, body: bytes) -> None:
        """Also of what SQL made (a cursor): its shape is no secret, and it cannot be run this way."""
        exchange = self._extended()
        kind, name = parse_named(body, "Describe")
        item = Item(message(b"D", body), None)
        if kind == b"S":
            prepared = self.prepared.find(name)
            item.expect = Expect("describe", prepared=prepared)
            if prepared is not None:
                exchange.described.add(prepared)
        else:
            portal = self.portals.find(name)
            item.expect = Expect("describe", portal=portal)
            if portal is not None:
                exchange.described.add(portal)
        exchange.add(item)

    def _execute(self, body: bytes) -> None:
        exchange = self._extended()
        name, _ = parse_execute(body)
        portal = self.portals.find(name)
        item = Item(message(b"E", body), Expect("execute", portal=portal), ready=False)
        if portal is None:
            self._refuse_unknown(exchange, item, refusals.UNKNOWN_PORTAL)
            return
        self._describe_unseen(exchange, portal)
        exchange.add(item)
        if portal.suspended is not None:
            self.deciding.resume(exchange, item, portal.suspended)
            return
        question = portal.prepared.question
        if (
            not _CHANGES_READING.isdisjoint(question.statement.verbs)
            or "set_config" in question.statement.shape.lower()
        ):
            exchange.tainted = True
        self.deciding.consider(
            exchange,
            item,
            question,
            lambda run: self.deciding.record(exchange, item, run, "extended", portal.bound),
        )

    def _describe_unseen(self, exchange: Exchange, portal: Portal) -> None:
        """A client may run what it never had described; the gateway must know the shape of every row."""
        prepared = portal.prepared
        if (
            portal.shape is None
            and prepared.shape is None
            and exchange.described.isdisjoint({portal, prepared})
        ):
            exchange.described.add(portal)
            exchange.add(
                Item(
                    message(b"D", b"P" + portal.name + b"\0"), Expect("describe", portal=portal, hidden=True)
                )
            )

    def _close(self, body: bytes) -> None:
        exchange = self._extended()
        kind, name = parse_named(body, "Close")
        exchange.add(Item(message(b"C", body), Expect("close", named=(kind, name))))

    def _flush(self, body: bytes) -> None:
        self._extended().add(Item(message(b"H", body), None, flush=True))

    def _sync(self, body: bytes) -> None:
        exchange = self._extended()
        exchange.skipping = False
        exchange.synced = True
        exchange.add(Item(message(b"S", body), Expect("sync")))

    # -- refusing and sending -------------------------------------------------------------------

    def _refuse_unknown(self, exchange: Exchange, item: Item, refusal: bytes) -> None:
        item.ready = False
        exchange.add(item)
        self.deciding.fail(exchange, item, refusal)

    def _refuse(self, exchange: Exchange, item: Item) -> None:
        """Say no, so that both sides agree on the transaction afterwards.

        If the database knows nothing of this exchange and no transaction is open, it need not hear of
        it. Otherwise it gets a text that cannot run in the place of the refused one: it then fails the
        transaction, or the implicit one of the batch, as it would for any error.
        """
        session = self.session
        for run in exchange.drop_until_sync():
            finish(session, run, not_sent="not sent: an earlier statement of its batch was refused")
        if exchange.forwarded or session.tx == b"T":
            exchange.forwarded = True
            exchange.pending.append(Expect("query" if exchange.simple else "refusal", refusal=item.refusal))
            session.outbox.upstream(FAILING_QUERY if exchange.simple else self._failing_execute)
            return
        session.outbox.client(item.refusal)
        if exchange.simple:
            self._answer_ready()

    def _send(self, exchange: Exchange, item: Item) -> None:
        if item.expect is not None and item.expect.kind == "sync" and not exchange.forwarded:
            self._answer_ready()
            return
        if item.expect is not None:
            exchange.pending.append(item.expect)
        exchange.forwarded = True
        self.session.outbox.upstream(item.data)

    def _answer_ready(self) -> None:
        """End an exchange of which the database has seen nothing."""
        self.session.outbox.client(message(b"Z", self.session.tx))
        self.exchange = None
        self.prepared.settle()
        self.portals.settle()

    def _extended(self) -> Exchange:
        if self.exchange is None:
            raise RuntimeError("no exchange for an extended message")
        return self.exchange

    def _decoded(self, text: bytes) -> str | None:
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def _hold_to_bound(self) -> None:
        waiting = self._inbox_bytes + (self.exchange.waiting_bytes if self.exchange else 0)
        if not self._paused and waiting > self.session.limits.queued_bytes:
            self._paused = True
            self.session.outbox.aside(Pause())
        elif self._paused and waiting <= self.session.limits.queued_bytes // 2:
            self._paused = False
            self.session.outbox.aside(Resume())
