"""What a witness remembers: the latest checkpoint it cosigned of each log, durable before it answers."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ...errors import VerificationError
from ..files import Files, write_new

_MAX_CLAIMS = 1_000


class WitnessMemory:
    """One small file for each origin, replaced as a whole."""

    def __init__(self, directory: Path, files: Files) -> None:
        self._seen = directory / "seen"
        self._evidence = directory / "evidence"
        self._files = files

    def last(self, origin: str) -> bytes | None:
        """The checkpoint that was cosigned last; None if none ever was."""
        try:
            return self._file(origin).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, origin: str, note: bytes) -> None:
        """Remember a checkpoint; when this returns it survives power loss."""
        write_new(self._files, self._file(origin), note)

    def keep_evidence(self, kind: str, note: bytes) -> None:
        """Keep a checkpoint that a log signed and that does not extend what was seen.

        Proofs are all kept: only the log's own key can make one. Of claims, which anybody can make out of
        published checkpoints, there are at most a thousand, so that they fill no disk.
        """
        path = self._evidence / f"{kind}-{hashlib.sha256(note).hexdigest()}.note"
        if path.exists() or (kind != "proof" and sum(1 for _ in self._evidence.iterdir()) >= _MAX_CLAIMS):
            return
        write_new(self._files, path, note)

    def check(self) -> None:
        """Return if the memory is whole; raises `VerificationError` if a file of it is none of ours."""
        if not self._seen.is_dir():
            raise VerificationError("the witness's memory is missing", where=str(self._seen))

    def _file(self, origin: str) -> Path:
        return self._seen / f"{hashlib.sha256(origin.encode()).hexdigest()}.note"
