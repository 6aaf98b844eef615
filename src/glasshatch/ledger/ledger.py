"""The ledger: what it acknowledged is never lost, never changed, never reordered, and can be proven."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..clock import Clock
from ..errors import ConfigError, GlasshatchError, Unavailable, VerificationError
from ..events import Done, Receipt
from ..keys import LedgerKeys
from .blobs import Large, read_whole
from .creation import create_directory
from .files import unavailable, write_new
from .halt import Halt
from .integrator import Integrator, space_keeper
from .log import Checkpoint, Proof, Pruning, Succession, VerifierKey, open_checkpoint, root
from .log.layout import KEY_FILE, SUCCESSION_FILE
from .options import LedgerOptions
from .pruner import Pruner, RecordPruning
from .recheck import Recheck
from .recovery import allowed_signers, lock_directory, recover, signers_of
from .sealing import Sealer
from .store import Pack
from .writer import Item, Writer


class Ledger:
    """One append-only log in one directory, opened by one writer."""

    def __init__(self, directory: Path, keys: LedgerKeys, clock: Clock, options: LedgerOptions) -> None:
        """Use `create` or `open`."""
        self.directory = directory
        self._lock_descriptor = lock_directory(directory)
        try:
            parts = recover(directory, keys, options)
        except OSError as error:
            os.close(self._lock_descriptor)
            raise unavailable(error, "recover") from None
        except BaseException:
            os.close(self._lock_descriptor)
            raise
        self._parts = parts
        self._halt = Halt()
        self._closed = False
        self._closing = threading.Event()
        self.keys: Succession = parts.survey.keys
        self._sealer = Sealer(directory, keys.data_key, options, os.urandom, parts.store)
        self._integrator = Integrator(
            edge=parts.edge,
            checkpoint=parts.survey.checkpoint,
            levels=parts.levels,
            history=parts.history,
            sealer=self._sealer,
            store=parts.store,
            wal=parts.wal,
            signing_keys=allowed_signers(keys, parts.survey.keys),
            clock=clock,
            options=options,
            halt=self._halt,
        )
        self._clock = clock
        self._files = options.files
        self._writer = Writer(
            wal=parts.wal,
            blobs=parts.blobs,
            size=parts.survey.size,
            clock=clock,
            options=options,
            halt=self._halt,
            on_group=self._integrator.take,
        )
        self._space = threading.Thread(
            target=space_keeper(parts.wal, self._halt, self._closing), name="ledger-space", daemon=True
        )
        self._recheck = Recheck(
            parts.store, parts.levels, parts.survey.checkpoint,
            clock=clock, halt=self._halt, closing=self._closing,
        )  # fmt: skip
        self._pruner = Pruner(directory, options.files, parts, lambda: self.size, self.prove)
        self._start()
        try:
            self._pruner.finish()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(
        cls, directory: Path, keys: LedgerKeys, clock: Clock, options: LedgerOptions | None = None
    ) -> Ledger:
        """Make a new empty ledger, signed at size 0, and open it.

        Raises:
            Conflict: The directory exists.
        """
        options = options or LedgerOptions()
        create_directory(directory, keys, options)
        return cls(directory, keys, clock, options)

    @classmethod
    def open(
        cls, directory: Path, keys: LedgerKeys, clock: Clock, options: LedgerOptions | None = None
    ) -> Ledger:
        """Open a ledger for writing, mending what a crash left.

        Raises:
            ConfigError: There is none, or it has a newer format.
            Conflict: Another process has it open.
            VerificationError: It is damaged beyond what a crash can do; nothing was changed.
            Unavailable: The disk failed or is full; opening it again later may succeed.
        """
        if not directory.is_dir():
            raise ConfigError(
                "there is no ledger here", file=str(directory), hint="glasshatch init makes one"
            )
        return cls(directory, keys, clock, options or LedgerOptions())

    @property
    def key(self) -> VerifierKey:
        """The public key in force."""
        return self.keys.newest

    def recheck(self) -> Recheck:
        """Begin to look again, calmly, at all that was there at the opening; a mismatch halts the ledger.

        Called once by a server; a command that opens the ledger for a moment does without.
        """
        self._recheck.start()
        return self._recheck

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._writer.size

    @property
    def minimum(self) -> int:
        """The index from which on entries are kept; 0 if nothing was pruned."""
        return self.pruned.minimum

    @property
    def error(self) -> GlasshatchError | None:
        """Why the ledger halted; None while it works."""
        return self._halt.error

    def submit(self, entry: bytes | Large, done: Done | None = None) -> None:
        """Queue an entry; never blocks, from any thread.

        `done` is called exactly once: from the writer's thread with a `Receipt` once the entry survives
        power loss, in the order of submission; or with the error because of which it was not
        acknowledged (a refusal of `submit` itself calls it at once, from the caller's thread).
        The payload of a `Large` one is durable before its entry is.
        """
        self._writer.submit(entry, done)

    def submit_all(self, items: Sequence[Item]) -> None:
        """Queue many entries, in this order and with nothing between them; each is answered as by `submit`.

        They share as few groups, and so as few syncs, as their size allows.
        """
        self._writer.submit_all(items)

    def submit_together(self, entries: Sequence[bytes], done: Done) -> bool:
        """Queue many entries as by `submit_all`, with one answer: the receipt of the last one, once all are
        durable, of which the others stand right before it; or the error because of which not all are.

        False, and nothing is queued, if there is none, or one is too large to be an entry.
        """
        return self._writer.submit_together(entries, done)

    def append(self, entry: bytes | Large) -> Receipt:
        """Submit one entry and wait until it is durable.

        Raises:
            GlasshatchError: It was not acknowledged.
        """
        answered = threading.Event()
        answer: list[Receipt | GlasshatchError] = []

        def done(result: Receipt | GlasshatchError) -> None:
            answer.append(result)
            answered.set()

        self.submit(entry, done)
        answered.wait()
        if isinstance(answer[0], GlasshatchError):
            raise answer[0]
        return answer[0]

    def read(self, index: int) -> bytes:
        """One durable entry.

        Raises:
            ConfigError: There is no such entry, or it was pruned.
            VerificationError: Its stored bytes are damaged.
        """
        self._check_index(index)
        return self._parts.store.read(index)

    def whole(self, index: int) -> bytes:
        """The whole bytes of which an entry is the short form; of most entries, themselves.

        Raises:
            ConfigError: There is no such entry, or it was pruned.
            VerificationError: What is stored is not what was written; nothing of it is handed out.
        """
        entry = self.read(index)
        return read_whole(self.directory, index, entry, self._parts.store.envelope)

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """The durable entries from `start` up to `stop` (default: those durable now), with their index."""
        size = self.size
        return self._parts.store.scan(max(0, start), size if stop is None else min(stop, size))

    def checkpoint(self, fresh: bool = False) -> bytes:
        """The newest published checkpoint, a signed note; `fresh` signs what is durable now."""
        return self._checkpoint(self.size if fresh else 0).note

    def prove(self, index: int, witnessed: bytes = b"") -> Proof:
        """A proof that entry `index` is in the log, under a checkpoint that covers it.

        Args:
            witnessed: A published checkpoint of this log with cosignatures; used if it covers the entry.
        """
        self._check_index(index)
        entry = self._parts.store.read(index)
        checkpoint = self._covering(witnessed, index) or self._checkpoint(index + 1)
        hashes = self._parts.levels.inclusion_proof(index, checkpoint.size)
        return Proof(index, entry, hashes, checkpoint.note)

    def use_data_key(self, keys: LedgerKeys) -> None:
        """Seal the next segment, pack and blob under the newest data key; older ones stay readable.

        Raises:
            Unavailable: The disk failed.
        """
        self._parts.store.envelope = keys.envelope
        self._sealer.data_key = self._parts.blobs.data_key = keys.data_key
        try:
            self._parts.wal.use(keys.data_key)
        except OSError as error:
            raise unavailable(error, "take a new data key") from None

    def succeed_key(
        self, new: Ed25519PrivateKey, record: Callable[[bytes], None], *, at_once: bool = False
    ) -> Succession:
        """Sign every later checkpoint with `new`, and beside it with the older keys until they retire.

        Args:
            record: Is given the statement, which the old and the new key signed, and makes it durable in
                the record; if it raises, nothing is changed.
            at_once: Retire all older keys in the same moment.

        Raises:
            Unavailable: The disk failed; opening the ledger again finds the old keys or the new ones, whole.
        """
        with self._integrator.unsigned():
            size, now_ns = self._integrator.published.size, self._clock.now_ns()
            keys = self.keys.succeeded(self._integrator.signing_keys[0], new, size, now_ns)
            if at_once:
                keys = _without_older(keys, new, size, now_ns)
            return self._change_keys(keys, record, (new, *self._integrator.signing_keys))

    def retire_key(self, key: VerifierKey, record: Callable[[bytes], None]) -> Succession:
        """Sign no later checkpoint with this older key any more; arguments and errors as `succeed_key`."""
        with self._integrator.unsigned():
            newest = self._integrator.signing_keys[0]
            keys = self.keys.retired(key, newest, self._integrator.published.size, self._clock.now_ns())
            return self._change_keys(keys, record, self._integrator.signing_keys)

    def _change_keys(
        self, keys: Succession, record: Callable[[bytes], None], private: Sequence[Ed25519PrivateKey]
    ) -> Succession:
        record(keys.statements[len(self.keys.statements) :])
        try:
            # A crash before this leaves the old keys in force; after it, the next start signs by the new
            write_new(self._files, self.directory / SUCCESSION_FILE, keys.statements)
            write_new(self._files, self.directory / KEY_FILE, f"{keys.newest}\n".encode())
        except OSError as error:
            raise self._halt.stop(unavailable(error, "change the signing key")) from None
        self.keys, self._integrator.signing_keys = keys, signers_of(keys, private)
        return keys

    def prunable(self) -> list[Pack]:
        """The packs that could go, oldest first: those of which nothing lies in the log as well."""
        return self._parts.store.settled_packs()

    def prune(self, minimum: int, record: RecordPruning) -> Pruning:
        """Let the entries below `minimum`, where a prunable pack ends, go; every hash stays.

        `record` must append the event `ledger.pruned` with the links it is given to this ledger. The event
        is under a signed checkpoint before the first pack goes; a pruning that a crash interrupts after its
        event is durable is finished at the next opening.

        Raises:
            ConfigError: No pack that may go ends there.
            Unavailable: The disk failed; what was recorded is finished later.
        """
        return self._pruner.prune(minimum, record)

    @property
    def pruned(self) -> Pruning:
        """What was pruned, and which entry says so."""
        return self._parts.store.pruned

    def renew_pruning(self, record: RecordPruning) -> Pruning:
        """Have this log say itself what its directory says: after an older state of it was restored.

        The entry that recorded the pruning was in what is lost; `record` as for `prune`.
        """
        return self._pruner.renew(record)

    def close(self) -> None:
        """Commit what is queued, sign it, and release the directory. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._integrator.close()
        self._closing.set()
        self._recheck.join()
        self._parts.wal.space_wanted.set()
        self._space.join()
        self._parts.wal.close()
        self._parts.levels.close()
        self._parts.history.close()
        os.close(self._lock_descriptor)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _start(self) -> None:
        self._parts.wal.space_wanted.set()
        self._writer.start()
        self._integrator.start()
        self._space.start()

    def _covering(self, note: bytes, index: int) -> Checkpoint | None:
        """The checkpoint in a note if our key signed it and it covers the entry.

        Raises:
            VerificationError: Our key signed it, and it is of another tree.
        """
        try:
            checkpoint = open_checkpoint(note, self.keys)
        except VerificationError:
            return None  # none yet, or of a key before this one: the receipt is then without a witness
        if not index < checkpoint.size <= self._integrator.published.size:
            return None
        if root(checkpoint.size, self._parts.levels.read) != checkpoint.root:
            raise VerificationError(
                "the witnessed checkpoint is not of this ledger", hint="run glasshatch verify"
            )
        return checkpoint

    def _checkpoint(self, size: int) -> Checkpoint:
        published = self._integrator.published
        return published if published.size >= size else self._integrator.checkpoint_at(size)

    def _check_index(self, index: int) -> None:
        if self._closed:
            raise Unavailable("the ledger is closed", hint="open it again")
        if not 0 <= index < self.size:
            raise ConfigError(f"there is no entry {index}", hint=f"the ledger has {self.size} entries")


def _without_older(keys: Succession, newest: Ed25519PrivateKey, size: int, now_ns: int) -> Succession:
    for period in keys.periods[:-1]:
        if period.retired < 0:
            keys = keys.retired(period.key, newest, size, now_ns)
    return keys
