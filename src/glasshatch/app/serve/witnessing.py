"""Showing every new checkpoint to witnesses and anchors, behind the record: nothing ever waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...clock import Clock
from ...errors import GlasshatchError, Unavailable
from ...events import DEFAULT_LEDGER, Outcome, Resource
from ...ledger import Checkpoint, Published
from ...ledger.anchors import Anchor
from ...ledger.log import with_cosignatures
from ...ledger.witness import WitnessClient, WitnessRefused

_FIRST_WAIT_NS = 1_000_000_000
_LONGEST_WAIT_NS = 60_000_000_000
_SILENT_NS = 300_000_000_000
"""How long a witness or an anchor may be out of reach before that is recorded."""

Note = Callable[..., None]


class _Party:
    """A witness or an anchor: when it is asked next, and what is known to be wrong with it."""

    def __init__(self, kind: str, name: str, every_ns: int) -> None:
        self.kind = kind
        self.name = name
        self.every_ns = every_ns
        self.says = "not asked yet"
        self.size = 0
        self._next_ns = 0
        self._wait_ns = _FIRST_WAIT_NS
        self._failing_since: int | None = None
        self._recorded = ""

    def due(self, now_ns: int) -> bool:
        return now_ns >= self._next_ns

    def succeeded(self, checkpoint: Checkpoint, now_ns: int) -> str:
        """Returns the action to record, if any."""
        self.size, self.says = checkpoint.size, f"holds size {checkpoint.size}"
        self._next_ns, self._wait_ns, self._failing_since = now_ns + self.every_ns, _FIRST_WAIT_NS, None
        before, self._recorded = self._recorded, ""
        return f"{self.kind}.recovered" if before else ""

    def failed(self, error: GlasshatchError, now_ns: int) -> str:
        """Returns the action to record, if any: a refusal at once and once, silence after a while."""
        self.says = error.message
        self._next_ns = now_ns + self._wait_ns
        self._wait_ns = min(self._wait_ns * 2, _LONGEST_WAIT_NS)
        self._failing_since = self._failing_since if self._failing_since is not None else now_ns
        if isinstance(error, WitnessRefused):
            action, mark = "witness.refused", f"refused {error.kind}"
        elif now_ns - self._failing_since >= _SILENT_NS:
            action = mark = f"{self.kind}.unreachable"
        else:
            return ""
        before, self._recorded = self._recorded, mark
        return action if before != mark else ""


class WitnessParty(_Party):
    def __init__(self, client: WitnessClient, every_ns: int) -> None:
        super().__init__("witness", client.key.name, every_ns)
        self.client = client


class AnchorParty(_Party):
    def __init__(self, anchor: Anchor, name: str, every_ns: int, one_at_a_time: threading.Lock) -> None:
        """`one_at_a_time` is shared by all ledgers that are kept in the same place."""
        super().__init__("anchor", name, every_ns)
        self.anchor = anchor
        self.one_at_a_time = one_at_a_time


class Witnessing:
    """One ledger's thread that looks for a new checkpoint and carries it out; a crash loses nothing."""

    def __init__(
        self,
        ledger: str,
        published: Published,
        witnesses: Sequence[WitnessParty],
        anchors: Sequence[AnchorParty],
        quorum: int,
        note: Note,
        clock: Clock,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._ledger = ledger
        self._published = published
        self._witnesses = witnesses
        self._anchors = anchors
        self._quorum = quorum or len(witnesses)
        self._note = note
        self._clock = clock
        self._failed = failed
        self._checkpoint: Checkpoint | None = None
        self._lines: dict[str, bytes] = {}
        self._witnessed = (0, 0)
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(max(1, len(witnesses)), thread_name_prefix="witness")
        self._thread = threading.Thread(target=self._run, name="witnessing", daemon=True)

    def start(self) -> None:
        """Begin, if there is anybody to show anything to."""
        if self._witnesses or self._anchors:
            self._thread.start()

    def stop(self) -> None:
        """End; an exchange under way is not waited for."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def summary(self) -> str:
        """How far the witnesses are, for people."""
        if not self._witnesses:
            return "no witness"
        size, count = self._witnessed
        agreed = f"{count} of {len(self._witnesses)} at size {size}" if count else "not yet"
        return f"{agreed}, quorum {self._quorum}"

    def parties(self) -> tuple[str, ...]:
        """What each witness and anchor last answered."""
        return tuple(f"{one.kind} {one.name}: {one.says}" for one in (*self._witnesses, *self._anchors))

    def _run(self) -> None:
        while not self._stopping.wait(0.5):
            try:
                self.round()
            except Exception as error:
                self._failed(error)
                self._stopping.wait(5)

    def round(self) -> None:
        """Show the newest checkpoint to everybody who is due and has not seen it."""
        checkpoint = self._published.checkpoint()
        if not checkpoint.size:
            return  # in the making
        if self._checkpoint is None or checkpoint.note != self._checkpoint.note:
            self._checkpoint, self._lines = checkpoint, {}
        now_ns = self._clock.monotonic_ns()
        due = [one for one in self._witnesses if one.name not in self._lines and one.due(now_ns)]
        if due:
            self._ask(due, checkpoint)
        for anchor in self._anchors:
            if anchor.size != checkpoint.size and anchor.due(now_ns):
                self._anchor(anchor, checkpoint)

    def _ask(self, due: Sequence[WitnessParty], checkpoint: Checkpoint) -> None:
        asked = [(one, self._pool.submit(one.client.submit, self._published, checkpoint)) for one in due]
        answers: list[tuple[WitnessParty, GlasshatchError | None]] = []
        for party, answer in asked:
            try:
                self._lines[party.name] = answer.result()
                answers.append((party, None))
            except GlasshatchError as error:
                answers.append((party, error))
        # Kept before anything is recorded: an event makes the tree grow, and this one is what was seen.
        self._keep(checkpoint)
        for party, problem in answers:
            self._take(party, checkpoint, problem)

    def _keep(self, checkpoint: Checkpoint) -> None:
        if len(self._lines) < max(1, self._quorum):
            return
        self._published.keep_witnessed(with_cosignatures(checkpoint.note, self._lines.values()))
        self._witnessed = (checkpoint.size, len(self._lines))

    def _anchor(self, party: AnchorParty, checkpoint: Checkpoint) -> None:
        try:
            with party.one_at_a_time:
                party.anchor.keep(with_cosignatures(checkpoint.note, self._lines.values()))
        except GlasshatchError as error:
            self._take(party, checkpoint, error)
        else:
            self._take(party, checkpoint, None)

    def _take(self, party: _Party, checkpoint: Checkpoint, problem: GlasshatchError | None) -> None:
        now_ns = self._clock.monotonic_ns()
        action = party.failed(problem, now_ns) if problem else party.succeeded(checkpoint, now_ns)
        if action:
            self._record(action, party, checkpoint, problem)

    def _record(
        self, action: str, party: _Party, checkpoint: Checkpoint, problem: GlasshatchError | None
    ) -> None:
        attrs: dict[str, Any] = {party.kind: party.name, "size": str(checkpoint.size), "says": party.says}
        if isinstance(problem, WitnessRefused):
            attrs["kind"] = problem.kind
        try:
            self._note(
                action,
                outcome=Outcome(status="failure" if problem else "success"),
                resource=Resource(type="ledger", id=f"ledger/{self._ledger}", name=self._ledger),
                attrs=attrs,
            )
        except Unavailable as error:
            self._failed(error)


class EveryLedger:
    """The witnessing of all ledgers; one that is made meanwhile is shown too."""

    def __init__(self, make: Callable[[str], Witnessing], names: Callable[[], Sequence[str]]) -> None:
        self._make = make
        self._names = names
        self._every = {name: make(name) for name in names()}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="witnessing-ledgers", daemon=True)

    def start(self) -> None:
        """Begin with those there are, and look for new ones."""
        for one in self._every.values():
            one.start()
        if self.parties():
            self._thread.start()

    def stop(self) -> None:
        """End all."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        for one in self._every.values():
            one.stop()

    def summary(self) -> str:
        """How far the witnesses are, for people."""
        every = dict(self._every)
        if len(every) == 1:
            return every[DEFAULT_LEDGER].summary()
        return "; ".join(f"{name}: {one.summary()}" for name, one in every.items())

    def parties(self) -> tuple[str, ...]:
        """What each witness and anchor last answered."""
        return tuple(
            party if name == DEFAULT_LEDGER else f"{name}: {party}"
            for name, one in dict(self._every).items()
            for party in one.parties()
        )

    def _look(self) -> None:
        while not self._stopping.wait(1):
            for name in self._names():
                if name not in self._every:
                    one = self._make(name)
                    one.start()
                    self._every |= {name: one}
