"""One exchange with the database: a simple query, or extended messages up to their Sync.

Only one exchange is under way at a time, so its beginning always knows the transaction's state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from .answers import ColumnShape
from .questions import Question
from .running import Run

if TYPE_CHECKING:
    from .ways import Way

Kind = Literal["parse", "bind", "describe", "execute", "close", "sync", "query", "refusal", "catalogue"]


class Prepared:
    """A prepared statement. `shape` is () for one without rows and None while it is not known."""

    def __init__(self, name: bytes, question: Question, parameter_types: tuple[int, ...]) -> None:
        self.name = name
        self.question = question
        self.parameter_types = parameter_types
        self.shape: tuple[ColumnShape, ...] | None = None
        self.allowed: Run | None = None
        """The decision that it was prepared under; no run of its own."""
        self.text = ""
        """Its text, kept only while it is under review and not too long."""
        self.flushed = False
        """The database was asked to answer for it before it is bound."""
        self.ways: dict[Hashable, Way] = {}
        """How its runs go from end to end, by how their answers are asked for."""

    @property
    def under_review(self) -> bool:
        """Whether it may be prepared only: each run waits for a review, from its Bind on."""
        return self.allowed is not None and self.allowed.decision.effect == "review"


class Portal:
    """A prepared statement with values, waiting to be run; the values themselves are not kept."""

    def __init__(
        self,
        name: bytes,
        prepared: Prepared,
        bound: list[str],
        result_format: Callable[[int], int],
        formats: tuple[int, ...] = (),
    ) -> None:
        self.name = name
        self.prepared = prepared
        self.bound = bound
        self.result_format = result_format
        self.formats = formats
        self.described: bytes | None = None
        """The database's description of its rows, if the client asked for that."""
        self.typed = ""
        """Its statement with its values, while a review of them begins."""
        self.shape: tuple[ColumnShape, ...] | None = None
        self.suspended: Run | None = None


class Expect:
    """What the database must answer next. `hidden` answers to a message that the gateway put in itself."""

    __slots__ = ("hidden", "kind", "named", "portal", "prepared", "refusal", "run", "touches_masked")

    def __init__(
        self,
        kind: Kind,
        *,
        run: Run | None = None,
        prepared: Prepared | None = None,
        portal: Portal | None = None,
        named: tuple[bytes, bytes] = (b"", b""),
        hidden: bool = False,
        refusal: bytes = b"",
        touches_masked: bool = False,
    ) -> None:
        self.kind = kind
        self.run = run
        self.prepared = prepared
        self.portal = portal
        self.named = named
        self.hidden = hidden
        self.refusal = refusal
        self.touches_masked = touches_masked


class Item:
    """Bytes that wait to be sent, in order; `ready` once everything they need is decided and durable."""

    __slots__ = ("data", "dropped", "expect", "flush", "ready", "refusal")

    @property
    def runs(self) -> bool:
        """Whether something is executed by it."""
        return self.expect is not None and self.expect.kind in ("execute", "query")

    @property
    def prepares(self) -> bool:
        """Whether it is a Parse: the database reads a text, and does nothing."""
        return self.expect is not None and self.expect.kind == "parse"

    def __init__(
        self, data: bytes, expect: Expect | None, *, ready: bool = True, flush: bool = False
    ) -> None:
        self.data = data
        self.expect = expect
        self.ready = ready
        self.flush = flush
        self.refusal = b""
        self.dropped = False


class Exchange:
    """The state of one exchange."""

    def __init__(self, *, simple: bool) -> None:
        self.simple = simple
        self.synced = False
        """The client's Sync has been taken."""
        self.skipping = False
        """Something failed: the client's messages are dropped until its Sync, as the database does."""
        self.forwarded = False
        """The database has seen something of it."""
        self.tainted = False
        """Something in it may have changed how the database reads text."""
        self.copying_in = False
        self.flushed = False
        self.waiting: deque[Item] = deque()
        self.unready = 0
        self.flushes = 0
        self.waiting_bytes = 0
        self.pending: deque[Expect] = deque()
        self.described: set[Prepared | Portal] = set()
        self.catalogue_rows: list[list[list[bytes | None]]] = []
        self.catalogue_begun = 0
        self.ended: Run | None = None
        """The run that ended last."""

    def add(self, item: Item) -> None:
        """Queue bytes behind everything before them."""
        self.waiting.append(item)
        self.waiting_bytes += len(item.data)
        self.unready += not item.ready
        self.flushes += item.flush

    def next_ready(self) -> Item | None:
        """The next item that may go; a ready one stays while a later one waits: they leave together."""
        if not self.waiting or not self.waiting[0].ready or (self.unready and not self.flushes):
            return None
        item = self.waiting.popleft()
        self.waiting_bytes -= len(item.data)
        self.flushes -= item.flush
        return item

    def make_ready(self, item: Item) -> None:
        """Everything that the item needed is there."""
        if not item.ready:
            item.ready = True
            self.unready -= not item.dropped

    def drop_until_sync(self) -> list[Run]:
        """Forget what would have followed a failure; the runs among it never happen."""
        runs: list[Run] = []
        while self.waiting and not (self.waiting[0].expect and self.waiting[0].expect.kind == "sync"):
            item = self.waiting.popleft()
            item.dropped = True
            self.waiting_bytes -= len(item.data)
            self.flushes -= item.flush
            self.unready -= not item.ready
            if item.expect and item.expect.run:
                runs.append(item.expect.run)
        return runs

    def fail_pending(self) -> list[Run]:
        """The database failed the head: it drops all else up to the Sync. The runs among it never happen."""
        runs: list[Run] = []
        while self.pending and self.pending[0].kind != "sync":
            expect = self.pending.popleft()
            if expect.run:
                runs.append(expect.run)
        return runs

    def expects_copy_in(self) -> bool:
        """Whether a COPY FROM STDIN is on its way to the database."""
        expects = [*self.pending, *(item.expect for item in self.waiting if item.expect)]
        return any(expect.run and "copy_in" in expect.run.question.statement.verbs for expect in expects)


Named = TypeVar("Named", Prepared, Portal)


class Names(Generic[Named]):
    """Named things of the extended protocol: those the database has confirmed, and those under way.

    A name under way hides the confirmed one for later messages of the same exchange. If the exchange
    fails before the confirmation, the confirmed one is back: exactly the database's own view.
    """

    def __init__(self) -> None:
        self._confirmed: dict[bytes, Named] = {}
        self._under_way: dict[bytes, Named] = {}

    def __len__(self) -> int:
        return len(self._confirmed) + len(self._under_way)

    @property
    def under_way(self) -> Collection[Named]:
        """Those that the database has not confirmed yet."""
        return self._under_way.values()

    def find(self, name: bytes) -> Named | None:
        """What a message taken now would mean by the name."""
        return self._under_way.get(name) or self._confirmed.get(name)

    def begin(self, thing: Named) -> None:
        """The message that makes it was taken."""
        self._under_way[thing.name] = thing

    def confirm(self, thing: Named) -> None:
        """The database made it."""
        self._confirmed[thing.name] = thing
        if self._under_way.get(thing.name) is thing:
            del self._under_way[thing.name]

    def close(self, name: bytes) -> None:
        """It is gone."""
        self._confirmed.pop(name, None)

    def settle(self) -> None:
        """The exchange ended: nothing is under way."""
        self._under_way.clear()

    def clear(self) -> None:
        """All are gone."""
        self._confirmed.clear()
        self._under_way.clear()
