"""Asking a witness for its cosignature (C2SP tlog-witness), and telling what a refusal means."""

from __future__ import annotations

from ...errors import PeerError, Unavailable, VerificationError
from ..log import Checkpoint, CosignerKey
from ..log.cosignatures import check_cosignatures
from ..log.text import decode_decimal
from ..log.witnessing import SIZE_TYPE, AddCheckpoint
from ..published import Published
from ..transport import Exchanged, exchange, parse_address

_TRIES = 3


class WitnessRefused(VerificationError):
    """A witness that can be reached does not cosign. `kind`: rollback, fork, unknown or misuse."""

    def __init__(self, kind: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind


class WitnessClient:
    """One witness, by its address and its public key. Not to be shared between threads."""

    def __init__(self, url: str, key: CosignerKey, *, setting: str = "witnesses.url") -> None:
        """Raises `ConfigError` naming `setting` if the address is none."""
        self.key = key
        self._address = parse_address(url, key=setting)
        self._known = 0

    def submit(self, published: Published, checkpoint: Checkpoint) -> bytes:
        """The witness's signature line for this checkpoint, checked.

        Raises:
            WitnessRefused: It saw a larger or another tree, or does not know this log.
            Unavailable: It cannot be reached or has trouble of its own: try again later.
            PeerError: It does not speak the protocol.
        """
        for _ in range(_TRIES):
            old = min(self._known, checkpoint.size)
            request = AddCheckpoint(old, published.consistency(old, checkpoint.size), checkpoint.note)
            answer = exchange(self._address, "POST", "add-checkpoint", request.encode())
            if answer.status == 200:
                line = self._cosignature(checkpoint, answer.body)
                self._known = checkpoint.size
                return line
            self._known = self._told(answer, old, checkpoint)
        raise Unavailable(f"witness {self.key.name} does not settle on a size", hint="try again later")

    def _cosignature(self, checkpoint: Checkpoint, body: bytes) -> bytes:
        try:
            found = check_cosignatures(checkpoint.note + body, [self.key])
        except VerificationError as error:
            raise PeerError(f"witness {self.key.name}: {error.message}") from None
        if not found:
            raise PeerError(
                f"witness {self.key.name} signs with another key",
                hint="ask its operator for the public key, and put it into the configuration",
            )
        return found[0].line

    def _told(self, answer: Exchanged, old: int, checkpoint: Checkpoint) -> int:
        """The size that the witness knows, if that was what was wrong; raises what else it was."""
        name = self.key.name
        if answer.status == 409 and answer.content_type == SIZE_TYPE:
            size = self._size(answer.body)
            if size > checkpoint.size:
                raise WitnessRefused(
                    "rollback",
                    f"witness {name} cosigned size {size} of this log, which now has {checkpoint.size}",
                    hint="the ledger was rolled back: find out how, and restore the newest backup",
                )
            if size != old:
                return size
            if size < checkpoint.size:
                raise PeerError(f"witness {name} refuses the very size it asks for")
        if answer.status in (409, 422):
            raise WitnessRefused(
                "fork",
                f"witness {name} saw another tree of this log: the new one does not extend it",
                hint="the record was rewritten or two servers sign as one log; keep everything as it is",
            )
        if answer.status in (403, 404):
            raise WitnessRefused(
                "unknown",
                f"witness {name} does not trust this log's key ({answer.status})",
                hint="give its operator the ledger's public key (glasshatch witness trust)",
            )
        if answer.status == 400:
            raise WitnessRefused("misuse", f"witness {name} does not understand the request")
        raise Unavailable(f"witness {name} answered {answer.status}", hint="look at the witness")

    def _size(self, body: bytes) -> int:
        try:
            return decode_decimal(body.decode("ascii").removesuffix("\n"), "the witness's size")
        except (UnicodeDecodeError, VerificationError):
            raise PeerError(f"witness {self.key.name} names no size") from None
