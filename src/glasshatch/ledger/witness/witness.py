"""A witness (C2SP tlog-witness): cosigns a log's checkpoint only if it extends the last one it cosigned."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ...clock import Clock
from ...errors import VerificationError
from ..log import Checkpoint, CosignerKey, VerifierKey, open_checkpoint
from ..log.cosignatures import cosign
from ..log.notes import parse_note
from ..log.witnessing import SIZE_TYPE, AddCheckpoint, Refusal, judge, origin_of
from .memory import WitnessMemory


class Answer(msgspec.Struct, frozen=True):
    """What goes back over HTTP."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


class Witness:
    """Answers `add-checkpoint`; from any thread.

    It never cosigns two trees that are not one, nor a smaller one after a larger one, whenever it is
    killed: what it answers is on the disk first. After a failing disk it cosigns nothing until it is
    started again, because nobody knows what the disk then holds.
    """

    def __init__(
        self,
        name: str,
        key: Ed25519PrivateKey,
        logs: Mapping[str, Sequence[VerifierKey]],
        memory: WitnessMemory,
        clock: Clock,
    ) -> None:
        """logs: the public keys that are trusted, by origin."""
        self.key = CosignerKey(name, key.public_key().public_bytes_raw())
        self._private = key
        self._logs = logs
        self._memory = memory
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = False

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge one request and remember what was cosigned before it is answered."""
        try:
            request = AddCheckpoint.decode(body)
        except VerificationError as error:
            return _refused(Refusal(400, error.message))
        # One at a time: between the look at what was seen and its replacement nobody else may answer.
        with self._lock:
            if self._failed:
                return _failing()
            try:
                return self._answer(request)
            except (OSError, VerificationError):
                self._failed = True
                return _failing()

    def _answer(self, request: AddCheckpoint) -> Answer:
        judged = judge(request, self._logs, self._last(request))
        if isinstance(judged, Refusal):
            if judged.evidence:
                self._memory.keep_evidence(judged.evidence, request.note)
            return _refused(judged)
        # A crash before this is durable answers nothing; after it, the log asks again and is answered anew.
        self._memory.keep(judged.origin, request.note)
        text = parse_note(request.note).text
        seconds = self._clock.now_ns() // 1_000_000_000
        return Answer(200, cosign(text, self.key.name, self._private, seconds))

    def _last(self, request: AddCheckpoint) -> Checkpoint | None:
        """The checkpoint cosigned last; raises `VerificationError` if the memory holds something else."""
        try:
            origin = origin_of(request.note)
        except VerificationError:
            return None  # judged as what it is: no note
        trusted = self._logs.get(origin, ())
        note = self._memory.last(origin) if trusted else None
        if note is None:
            return None
        for key in trusted:
            try:
                return open_checkpoint(note, key)
            except VerificationError:
                continue
        raise VerificationError("what was cosigned last is not signed by a trusted key", where=origin)


def _refused(refusal: Refusal) -> Answer:
    if refusal.size is not None:
        return Answer(refusal.status, b"%d\n" % refusal.size, SIZE_TYPE)
    return Answer(refusal.status, f"{refusal.says}\n".encode())


def _failing() -> Answer:
    return Answer(
        500, b"the witness's memory failed; it cosigns nothing until it is mended and started again\n"
    )
