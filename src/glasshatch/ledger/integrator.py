"""The integrator: behind the acknowledgement, it grows the tree, signs checkpoints and seals packs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..clock import Clock
from ..errors import GlasshatchError, Unavailable
from .files import unavailable
from .halt import Halt
from .history import History
from .levels import Levels
from .log import Checkpoint, Edge, sign_checkpoint
from .options import LedgerOptions
from .sealing import Sealer
from .store import Store
from .wal import Wal
from .writer import Group

_IDLE_SECONDS = 0.25


class Integrator:
    """Owns the tree's edge, the levels, the history and the packs; one thread."""

    def __init__(
        self,
        *,
        edge: Edge,
        checkpoint: Checkpoint,
        levels: Levels,
        history: History,
        sealer: Sealer,
        store: Store,
        wal: Wal,
        signing_keys: Sequence[Ed25519PrivateKey],
        clock: Clock,
        options: LedgerOptions,
        halt: Halt,
    ) -> None:
        """signing_keys: those that may sign now, the one in force first."""
        self.published = checkpoint
        self.signing_keys = tuple(signing_keys)
        self._edge = edge
        self._levels = levels
        self._history = history
        self._sealer = sealer
        self._store = store
        self._wal = wal
        self._clock = clock
        self._options = options
        self._halt = halt
        self._signed_at = clock.monotonic_ns()
        self._changed = threading.Condition()
        self._signing = threading.Lock()
        self._waiting: deque[Group] = deque()
        self._behind_bytes = 0
        self._wanted = 0
        self._closing = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="ledger-integrator", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take(self, group: Group) -> None:
        """Hear of a durable group; called by the writer, in order, before the group is acknowledged.

        Waits while the tree and the packs are too far behind, so that what waits for them is bounded.
        """
        self._store.add_frame(group.segment, group.frame)
        with self._changed:
            while self._behind_bytes > self._options.max_behind_bytes and self._works():
                self._changed.wait()
            self._behind_bytes += len(group.bundle)
        self._waiting.append(group)

    def checkpoint_at(self, size: int) -> Checkpoint:
        """Wait for a published checkpoint of at least `size`, signing one now if there is none."""
        with self._changed:
            self._wanted = max(self._wanted, size)
            self._changed.notify_all()
            while self.published.size < size and self._works():
                self._changed.wait()
        if self.published.size < size:
            self._halt.check()
            raise Unavailable("the ledger is closed", hint="start the server again")
        return self.published

    @contextmanager
    def unsigned(self) -> Iterator[None]:
        """While this is held nothing is signed, so `published` stays and `signing_keys` may be changed."""
        with self._signing:
            yield

    def close(self) -> None:
        """Integrate and sign everything durable, then end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _works(self) -> bool:
        return self._halt.error is None and not self._ended

    def _run(self) -> None:
        try:
            # A start finds in the log what had not filled a pack yet, and after a crash perhaps more.
            while self._sealer.catch_up(self._edge.size):
                self._seal()
            while not self._step():
                pass
        except OSError as error:
            self._halt.stop(unavailable(error, "write the tree and its checkpoint"))
        except GlasshatchError as error:
            self._halt.stop(error)
        except BaseException:
            self._halt.stop(Unavailable("the ledger stopped: internal error in its integrator"))
            raise
        finally:
            self._sealer.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _step(self) -> bool:
        """One round; true when all is done and the ledger closes."""
        with self._changed:
            # A short sleep instead of a wake-up per group: it keeps this thread out of the writer's way.
            if not self._closing and self._wanted <= self.published.size:
                self._changed.wait(self._options.gather_seconds if self._waiting else _IDLE_SECONDS)
            closing, wanted = self._closing, self._wanted
        for group in self._take_waiting():
            self._integrate(group)
        self._publish_if_due(closing or wanted > self.published.size)
        return closing and not self._waiting

    def _integrate(self, group: Group) -> None:
        self._levels.append(self._edge.extend(group.hashes))
        self._sealer.take(group.frame.first, group.bundle, group.lengths)
        while self._sealer.due:
            self._seal()
        with self._changed:
            self._behind_bytes -= len(group.bundle)
            self._changed.notify_all()

    def _take_waiting(self) -> list[Group]:
        # The writer only appends, so what is there now is ours to take.
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _publish_if_due(self, wanted: bool) -> None:
        now = self._clock.monotonic_ns()
        late = now - self._signed_at >= self._options.checkpoint_interval_ns
        if self._edge.size > self.published.size and (wanted or late):
            self._signed_at = now
            self._publish()

    def _publish(self) -> None:
        # Hashes first: a checkpoint must never be on disk without the hashes that prove it.
        # A crash before the note leaves hashes beyond the checkpoint, which the next start cuts off.
        self._levels.flush()
        with self._signing:
            origin, size, root = self.published.origin, self._edge.size, self._edge.root()
            checkpoint = sign_checkpoint(origin, size, root, *self.signing_keys)
            self._history.publish(checkpoint.note)
            with self._changed:
                self.published = checkpoint
                self._changed.notify_all()

    def _seal(self) -> None:
        """Move the oldest entries into a pack, then free their part of the log."""
        pack = self._sealer.seal_next()
        if self.published.size < pack.stop:
            # The log's leaf hashes are the only durable ones until a checkpoint covers them.
            self._publish()
        retired = self._wal.retire(self._store.packed)
        self._store.forget(retired)
        self._wal.reuse(retired)


def space_keeper(wal: Wal, halt: Halt, closing: threading.Event) -> Callable[[], None]:
    """The body of the thread that keeps a spare segment ready."""

    def run() -> None:
        while not closing.is_set():
            if wal.space_wanted.wait(0.2) and not closing.is_set() and halt.error is None:
                try:
                    wal.prepare()
                except OSError:
                    # Not fatal yet: there may be space again when the writer needs it; if not, it stops.
                    wal.space_wanted.clear()

    return run
