"""One look at a log, compared with the last one; what was seen is durable before it is said."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from ...errors import ConfigError, Unavailable, VerificationError
from ..files import Files, write_new
from ..log import (
    Checkpoint,
    CosignerKey,
    Succession,
    VerifierKey,
    check_consistency,
    consistency_proof,
    decode_keys,
    encode_keys,
    open_checkpoint,
    parse_note,
    require_cosignatures,
    root,
)
from ..log.layout import CHECKPOINT_FILE, KEYS_FILE
from ..published import WITNESSED_FILE
from .sources import FetchedTree, LogSource

Finding = Literal[
    "first", "unchanged", "grown", "rekeyed", "rollback", "fork", "broken", "signature", "key", "unwitnessed"
]
ALARMS = frozenset({"rollback", "fork", "broken", "signature", "key", "unwitnessed"})
"""Findings that mean: what the log shows now does not follow from what it showed before."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found. `size` is what the log shows now, `seen` what was seen before."""

    finding: Finding
    origin: str
    size: int
    seen: int
    says: str
    witnesses: tuple[str, ...] = ()
    evidence: str = ""

    @property
    def alarm(self) -> bool:
        return self.finding in ALARMS


class _Found(Exception):
    def __init__(self, finding: Finding, says: str, size: int = 0, note: bytes = b"") -> None:
        super().__init__(says)
        self.finding = finding
        self.says = says
        self.size = size
        self.note = note


class Monitor:
    """Watches one log under one public key; its memory is one small file that only ever moves forward.

    A log that changes its key shows the succession; what was seen of that lies beside the file, and only
    grows. Every change is a finding of its own.
    """

    def __init__(
        self,
        source: LogSource,
        key: VerifierKey,
        state: Path,
        witnesses: Sequence[CosignerKey] = (),
        quorum: int = 0,
        files: Files | None = None,
    ) -> None:
        """witnesses: whose cosignatures a new checkpoint must carry; `quorum` of them, 0 for all."""
        self._source = source
        self._key = key
        self._state = state
        self._keys_file = state.with_name(f"{state.name}.keys")
        self._keys = Succession.alone(key)
        self._witnesses = witnesses
        self._quorum = quorum
        self._files = files or Files()

    def look(self) -> Sighting:
        """Fetch the checkpoint and compare it; remembers it if it follows from what was seen.

        Raises:
            Unavailable: The log or the state file cannot be reached: nothing is known.
            VerificationError: The state file is not what this monitor wrote.
        """
        sighting = self._look()
        if sighting.finding == "broken":
            # A tile may have gone between our reading the checkpoint and asking for it: look once more.
            sighting = self._look()
        return sighting

    def _look(self) -> Sighting:
        self._keys = self._known_keys()
        seen = self._seen()
        size = seen.size if seen else 0
        try:
            checkpoint, witnesses, keys = self._current()
            self._check(checkpoint, seen)
        except _Found as found:
            return Sighting(
                finding=found.finding, origin=self._key.name, size=found.size, seen=size, says=found.says,
                evidence=self._keep(found.note),
            )  # fmt: skip
        finding, says = _growth(checkpoint, seen)
        # The keys first: with them alone the checkpoint that was seen before still opens.
        if keys != self._keys:
            self._write(self._keys_file, encode_keys(keys))
            if change := _change(self._keys, keys):
                finding, says = "rekeyed", f"{change}; {says}"
        if seen is None or checkpoint.size != seen.size:
            self._write(self._state, checkpoint.note)
        return Sighting(
            finding=finding, origin=self._key.name, size=checkpoint.size, seen=size, says=says,
            witnesses=witnesses,
        )  # fmt: skip

    def _current(self) -> tuple[Checkpoint, tuple[str, ...], Succession]:
        note = self._source.fetch(CHECKPOINT_FILE)
        if note is None:
            raise Unavailable("the log has no checkpoint", hint="is this a log's address?")
        # Read after the checkpoint: whatever signed that is then in it.
        keys = self._shown_keys()
        checkpoint = self._open(note, keys)
        if not self._witnesses:
            return checkpoint, (), keys
        for candidate in (note, self._source.fetch(WITNESSED_FILE)):
            if candidate is None:
                continue
            checkpoint = self._open(candidate, keys)
            try:
                found = require_cosignatures(candidate, self._witnesses, self._quorum)
                return checkpoint, tuple(one.key.name for one in found), keys
            except VerificationError as error:
                problem = error.message
        raise _Found("unwitnessed", problem, checkpoint.size, note)

    def _shown_keys(self) -> Succession:
        """The keys that the log shows: those known before, and maybe newer ones that they vouch for."""
        shown = self._source.fetch(KEYS_FILE)
        if shown is None:
            return self._keys
        try:
            keys = decode_keys(shown, self._key)
        except VerificationError as error:
            raise _Found(
                "key", f"the log shows keys that yours does not vouch for: {error.message}"
            ) from None
        if not keys.extends(self._keys):
            raise _Found("key", "the log shows another succession of its keys than before")
        return keys

    def _known_keys(self) -> Succession:
        try:
            return decode_keys(self._keys_file.read_bytes(), self._key)
        except FileNotFoundError:
            return self._keys
        except (OSError, VerificationError) as error:
            raise VerificationError(
                f"the keys that were seen cannot be read: {error}",
                where=str(self._keys_file),
                hint="give the key it was made with, or another state file",
            ) from None

    def _open(self, note: bytes, keys: Succession) -> Checkpoint:
        try:
            return open_checkpoint(note, keys)
        except VerificationError as error:
            raise _Found(self._why(note), error.message, note=note) from None

    def _why(self, note: bytes) -> Finding:
        """Whether a note that does not open under the key is signed in this log's name by another key."""
        try:
            signatures = parse_note(note).signatures
        except VerificationError:
            return "signature"
        mine = [one for one in signatures if one.name == self._key.name]
        known = [key.key_id for key in self._keys.keys]
        return "key" if all(one.key_id not in known for one in mine) else "signature"

    def _check(self, now: Checkpoint, seen: Checkpoint | None) -> None:
        if seen is not None and now.size < seen.size:
            says = f"the log showed {seen.size} entries before and shows {now.size} now"
            raise _Found("rollback", says, now.size, now.note)
        if seen is not None and now.size == seen.size and now.root != seen.root:
            says = f"the log shows another tree of size {now.size} than before"
            raise _Found("fork", says, now.size, now.note)
        tree = FetchedTree(self._source, now.size)
        try:
            if root(now.size, tree.read) != now.root:
                raise VerificationError("the tiles do not give the root of the checkpoint")
            if seen is not None and 0 < seen.size < now.size:
                self._extends(seen, now, tree)
        except VerificationError as error:
            raise _Found("broken", str(error), now.size, now.note) from None

    def _extends(self, seen: Checkpoint, now: Checkpoint, tree: FetchedTree) -> None:
        try:
            proof = consistency_proof(seen.size, now.size, tree.read)
            check_consistency(seen.size, now.size, seen.root, now.root, proof)
        except VerificationError as error:
            # The tiles give the new root, so it is the new tree that does not hold the old one.
            says = (
                f"the tree of size {now.size} does not extend the one of size {seen.size} ({error.message})"
            )
            raise _Found("fork", says, now.size, now.note) from None

    def _seen(self) -> Checkpoint | None:
        try:
            note = self._state.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", file=str(self._state)) from None
        try:
            return open_checkpoint(note, self._keys)
        except VerificationError as error:
            raise VerificationError(
                f"the state is not a checkpoint of this log: {error.message}",
                where=str(self._state),
                hint="give the key it was made with, or another state file",
            ) from None

    def _keep(self, note: bytes) -> str:
        """Put what does not follow beside the state: with what was seen, it is the proof."""
        if not note:
            return ""
        name = f"{self._state.name}.evidence-{hashlib.sha256(note).hexdigest()[:16]}"
        path = self._state.with_name(name)
        if not path.exists():
            self._write(path, note)
        return str(path)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            write_new(self._files, path, data)
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error.strerror}", hint="check the disk") from None


def _change(before: Succession, now: Succession) -> str:
    new = now.keys[now.keys.index(before.newest) + 1 :]
    known = [one.key for one in before.periods if one.retired < 0]
    retired = [one.key for one in now.periods if one.retired >= 0 and one.key in known]
    says = [f"THE LOG HAS A NEW KEY, which the one before vouches for: {key}" for key in new]
    says += [f"THE LOG RETIRED THE KEY {key}" for key in retired]
    return "; ".join(says)


def _growth(now: Checkpoint, seen: Checkpoint | None) -> tuple[Finding, str]:
    if seen is None:
        return "first", f"first look: {now.size} entries; from here on nothing can be taken back unseen"
    if now.size == seen.size:
        return "unchanged", f"{now.size} entries, as before"
    return "grown", f"{now.size} entries, {now.size - seen.size} more, extending what was seen"
