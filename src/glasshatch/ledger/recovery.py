"""Opening a ledger for writing after any kind of end: mends what a crash leaves, and nothing else."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..errors import ConfigError, Conflict
from ..keys import LedgerKeys
from .blobs import Blobs
from .files import Files, write_new
from .history import History
from .levels import Levels
from .log import Edge, Succession, VerifierKey, verifier
from .log.hashing import HASH_BYTES
from .log.layout import (
    DIRECTORIES,
    KEY_FILE,
    LOCK_FILE,
    NOTES_PER_FILE,
    TEMPORARY_SUFFIX,
    notes_name,
    segment_name,
)
from .options import LedgerOptions
from .pruned import check_pruned
from .pruner import remove_packs
from .segments import Segment, open_to_read
from .store import Store
from .survey import (
    Survey,
    SurveyedSegment,
    check_against_levels,
    expected_widths,
    load_edge,
    survey,
)
from .wal import Wal

_LOCK_WAITS = (0.01, 0.05, 0.0)


class Recovered(msgspec.Struct, frozen=True):
    """A directory that is whole again, and its open parts."""

    survey: Survey
    edge: Edge
    levels: Levels
    history: History
    wal: Wal
    store: Store
    blobs: Blobs


def lock_directory(directory: Path) -> int:
    """Take the directory for one writer; the descriptor holds the lock until it is closed.

    Raises:
        Conflict: Another process (or another `Ledger` of this one) has it.
    """
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"cannot take the ledger's lock: {error.strerror}",
            file=str(directory / LOCK_FILE),
            hint="check the directory's owner and that its disk is writable",
        ) from None
    for wait in _LOCK_WAITS:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError:
            # A verifier that asks whether the directory is live holds it for a moment.
            time.sleep(wait)
    os.close(descriptor)
    raise Conflict(
        f"the ledger in {directory} is open in another process",
        hint="stop that server first, or send the command to it",
    )


def verifier_key(keys: LedgerKeys) -> VerifierKey:
    """The public half of the key that signs this ledger's checkpoints."""
    return verifier(keys.origin, keys.signing_key)


def allowed_signers(keys: LedgerKeys, succession: Succession) -> tuple[Ed25519PrivateKey, ...]:
    """The private keys that may sign the next checkpoint, the newest first: the succession has the word."""
    return signers_of(succession, keys.signing_keys)


def signers_of(succession: Succession, private: Sequence[Ed25519PrivateKey]) -> tuple[Ed25519PrivateKey, ...]:
    """Those of the private keys, in their order, that the succession has in service."""
    serving = {period.key for period in succession.periods if period.retired < 0}
    return tuple(key for key in private if verifier(succession.name, key) in serving)


def recover(directory: Path, keys: LedgerKeys, options: LedgerOptions) -> Recovered:
    """Bring the directory to a state that continues; the caller holds the lock.

    Everything is looked at before anything is changed: if this raises, the directory is as it was.
    """
    found = survey(directory, verifier_key(keys))
    levels = Levels(directory, None)
    levels.resume(expected_widths(found.checkpoint))
    edge = load_edge(directory, found.checkpoint, levels)
    check_pruned(found.pruned_proof, found.checkpoint.size, found.keys, levels)
    store, wal_segments, tail = _open_log(directory, keys, found, levels, edge)
    levels.close()

    _remove_leftovers(directory, options.files)
    if found.key_behind:
        write_new(options.files, directory / KEY_FILE, f"{found.key}\n".encode())
    remove_packs(directory, list(found.leftovers), options.files)
    history = _mend_history(directory, found, options.files)
    _mend_tail(directory, found, options.files)
    writable = Levels(directory, options.files)
    writable.resume(expected_widths(found.checkpoint))
    for added in tail:
        writable.append(added)
    wal = Wal(directory, keys.data_key, options, os.urandom)
    frames = [frame for segment in found.segments for frame in segment.scan.frames[-1:]]
    written = [s for s in wal_segments if s.last]
    spare = [s for s in wal_segments if not s.last]
    wal.resume(written, found.size, frames[-1].crc if frames else 0, spare)
    blobs = Blobs(directory, keys.data_key, options.files)
    blobs.resume(found.size, found.pruned.minimum)
    return Recovered(found, edge, writable, history, wal, store, blobs)


def _open_log(
    directory: Path, keys: LedgerKeys, found: Survey, levels: Levels, edge: Edge
) -> tuple[Store, list[Segment], list[list[bytes]]]:
    """Open the segments, check their leaf hashes against the tree, and grow the edge by what is newer."""
    store = Store(keys.envelope, found.pruned)
    for pack in found.packs:
        store.add_pack(pack)
    segments, tail = [], []
    for surveyed in found.segments:
        segment = open_segment(directory, surveyed, keys, to_write=True)
        segments.append(segment)
        for frame in surveyed.scan.frames:
            store.add_frame(segment, frame)
            hashes = os.pread(segment.descriptor, frame.count * HASH_BYTES, frame.hashes_at)
            check_against_levels(surveyed, frame, hashes, levels)
            new = frame.first + frame.count - edge.size
            if new > 0:
                tail.append(edge.extend(hashes[-new * HASH_BYTES :]))
    return store, segments, tail


def open_segment(
    directory: Path, surveyed: SurveyedSegment, keys: LedgerKeys, *, to_write: bool = False
) -> Segment:
    """Open a surveyed segment behind its last good frame."""
    path = directory / surveyed.name
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC) if to_write else open_to_read(path)
    segment = Segment(path, descriptor, surveyed.header, keys.envelope(surveyed.header.key_id))
    segment.offset = surveyed.scan.end
    if surveyed.scan.frames:
        segment.last = surveyed.scan.frames[-1].first + surveyed.scan.frames[-1].count
    return segment


def _remove_leftovers(directory: Path, files: Files) -> None:
    """Temporary files are never part of the record: their rename did not happen."""
    for place in (directory, *(directory / name for name in DIRECTORIES)):
        for path in place.glob("*" + TEMPORARY_SUFFIX):
            files.unlink(path)


def _mend_history(directory: Path, found: Survey, files: Files) -> History:
    history = History(directory, files)
    history.resume(found.notes.count, found.notes.end)
    if found.notes.torn:
        number = (found.notes.count - 1) // NOTES_PER_FILE
        descriptor = files.open(directory / notes_name(number))
        files.truncate(descriptor, found.notes.end)
        files.fdatasync(descriptor)
        files.close(descriptor)
    if not found.notes.served:
        # Signed before the crash, so it binds us: nothing smaller or different may be signed after it.
        history.serve(found.checkpoint.note)
    return history


def _mend_tail(directory: Path, found: Survey, files: Files) -> None:
    """Zero a torn tail, and write the newest segment again.

    Again, because a sync that failed before the crash may have left its pages marked clean: they would be
    read as good now and be gone after a power loss. Rewritten, they are dirty, and synced for certain.
    """
    written = [s for s in found.segments if s.scan.frames or s.scan.dirty_at >= 0]
    if not written:
        return
    newest = written[-1]
    path = directory / segment_name(newest.header.number)
    data = path.read_bytes()[: newest.scan.end].ljust(newest.header.extent, b"\0")
    descriptor = files.open(path)
    try:
        files.pwrite(descriptor, data, 0)
        files.fdatasync(descriptor)
    finally:
        files.close(descriptor)
