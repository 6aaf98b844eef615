"""A witness's directory: its key, the logs it trusts, what it has seen; held by one process.

DIR/format    version of this layout      DIR/logs       public keys of logs, one a line
DIR/key       its private key (0600)      DIR/seen/      the last checkpoint cosigned of each log
DIR/key.vkey  its public key              DIR/evidence/  requests that show a log misbehaving
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections import defaultdict
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ...clock import Clock
from ...errors import ConfigError, Conflict, Unavailable, VerificationError
from ..files import Files, write_new
from ..log import CosignerKey, VerifierKey
from ..log.notes import check_key_name
from ..log.text import decode64, encode64
from .memory import WitnessMemory
from .witness import Witness

_FORMAT = b"glasshatch witness\nformat 1\n"
_FOLDERS = ("seen", "evidence")


def create_witness(directory: Path, name: str, files: Files | None = None) -> CosignerKey:
    """Make a witness's directory with a fresh key; returns the public one, which is to be published.

    Raises:
        Conflict: There is something already.
        ConfigError: The name cannot be a key's name.
        Unavailable: The disk failed or is full.
    """
    files = files or Files()
    try:
        check_key_name(name)
    except VerificationError as error:
        raise ConfigError(error.message, key="--name", hint="as in witness.example.com/w1") from None
    try:
        if directory.exists() and any(directory.iterdir()):
            raise Conflict(f"{directory} is not empty", hint="give a new directory; nothing was written")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in _FOLDERS:
            (directory / folder).mkdir(mode=0o700)
        private = Ed25519PrivateKey.generate()
        public = CosignerKey(name, private.public_key().public_bytes_raw())
        write_new(files, directory / "key", f"{encode64(private.private_bytes_raw())}\n".encode())
        write_new(files, directory / "key.vkey", f"{public}\n".encode())
        write_new(files, directory / "logs", b"")
        write_new(files, directory / "format", _FORMAT)
    except OSError as error:
        raise Unavailable(f"the witness cannot be made: {error.strerror}", hint="check the disk") from None
    return public


class WitnessFolder:
    """An existing witness's directory."""

    def __init__(self, directory: Path, files: Files | None = None) -> None:
        """Raises `ConfigError` if it is no witness's directory."""
        self.directory = directory
        self._files = files or Files()
        self._lock = -1
        if self._read("format") != _FORMAT:
            raise ConfigError(
                "has a layout that this program does not know", file=str(directory), hint="upgrade glasshatch"
            )

    def key(self) -> CosignerKey:
        """The witness's public key."""
        return CosignerKey.parse(self._read("key.vkey").decode("utf-8", "replace").strip())

    def logs(self) -> dict[str, tuple[VerifierKey, ...]]:
        """The trusted public keys by origin; raises `ConfigError` for a line that is none."""
        found: dict[str, tuple[VerifierKey, ...]] = defaultdict(tuple)
        for number, line in enumerate(self._read("logs").decode("utf-8", "replace").splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                try:
                    key = VerifierKey.parse(line.strip())
                except VerificationError as error:
                    raise ConfigError(
                        error.message, file=str(self.directory / "logs"), key=f"line {number}"
                    ) from None
                found[key.name] += (key,)
        return dict(found)

    def trust(self, key: VerifierKey) -> bool:
        """Add a log's public key; false if it was there. A running witness takes it in at its next start."""
        if key in self.logs().get(key.name, ()):
            return False
        write_new(self._files, self.directory / "logs", self._read("logs") + f"{key}\n".encode())
        return True

    def open(self, clock: Clock) -> Witness:
        """The witness, held by this process until it ends.

        Raises:
            Conflict: Another process holds it.
            VerificationError: Its keys do not fit, or its memory is missing.
        """
        self._hold()
        private, public = self._private(), self.key()
        if private.public_key().public_bytes_raw() != public.public:
            raise VerificationError(
                "the witness's private and public key do not fit", where=str(self.directory)
            )
        memory = WitnessMemory(self.directory, self._files)
        memory.check()
        return Witness(public.name, private, self.logs(), memory, clock)

    def close(self) -> None:
        """Let another process have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _hold(self) -> None:
        self._lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            # Two processes with two views of what was seen could cosign two trees.
            raise Conflict(
                f"{self.directory} is open in another process", hint="stop that witness first"
            ) from None

    def _private(self) -> Ed25519PrivateKey:
        path = self.directory / "key"
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError("can be read by others", file=str(path), hint=f"chmod 600 {path}")
        seed = decode64(self._read("key").decode("ascii", "replace").strip(), "the witness's private key")
        return Ed25519PrivateKey.from_private_bytes(seed)

    def _read(self, name: str) -> bytes:
        try:
            return (self.directory / name).read_bytes()
        except OSError:
            raise ConfigError(
                "is no witness's directory",
                file=str(self.directory),
                hint="glasshatch witness init DIR makes one",
            ) from None
