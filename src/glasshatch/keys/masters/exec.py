"""`exec:/path`: a program that wraps and unwraps, so that the master key never comes into our memory.

The program is run once for each call, without arguments and without our environment beyond `PATH` and `HOME`.
It gets one JSON object on its standard input and writes one to its standard output:

    {"do": "id"}                                          ->  {"id": "…"}
    {"do": "wrap", "key": BASE64, "context": BASE64}      ->  {"wrapped": BASE64}
    {"do": "unwrap", "wrapped": BASE64, "context": BASE64} ->  {"key": BASE64}

Exit code 0 with the answer; 3 if what it was given does not unwrap; anything else, or no answer in ten
seconds, counts as out of reach. Its standard error is shown to nobody: it might hold what nobody may see.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import msgspec

from ...errors import ConfigError, Unavailable, VerificationError
from .port import MasterKey, MasterKind

TIMEOUT_SECONDS = 10.0
REFUSED_CODE = 3
_MAX_ANSWER_BYTES = 64 << 10
_ID = re.compile(r"[A-Za-z0-9._:/@-]{1,200}")


class ExecMasterKey:
    """A master key behind a program of the operator's."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self.id = self._ask({"do": "id"}, "id")
        if not _ID.fullmatch(self.id):
            raise ConfigError(
                "names no acceptable id of its master key", file=str(program),
                hint="letters, digits and . _ : / @ -, at most 200",
            )  # fmt: skip

    def __repr__(self) -> str:
        return f"ExecMasterKey(id={self.id!r})"

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return self._bytes({"do": "wrap", "key": _text(key), "context": _text(context)}, "wrapped")

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return self._bytes({"do": "unwrap", "wrapped": _text(wrapped), "context": _text(context)}, "key")

    def _bytes(self, request: dict[str, str], member: str) -> bytes:
        try:
            return base64.b64decode(self._ask(request, member), validate=True)
        except (binascii.Error, ValueError):
            raise self._unavailable("gives no base64") from None

    def _ask(self, request: dict[str, str], member: str) -> str:
        """One run of the program. Keys pass through pipes only, never arguments, environment or files."""
        try:
            code, answer = _run(self._program, msgspec.json.encode(request) + b"\n")
        except subprocess.TimeoutExpired:
            raise self._unavailable(f"did not answer in {TIMEOUT_SECONDS:.0f} s") from None
        except OSError as error:
            raise self._unavailable(f"cannot be run: {error.strerror}") from None
        if code == REFUSED_CODE:
            raise VerificationError(
                f"the program of the master key does not unwrap a key ({request['do']})",
                where=str(self._program),
                hint="give the master key the keyring was made with, or restore the keyring from a backup",
            )
        if code:
            raise self._unavailable(f"ended with {code}")
        return self._member(answer, member)

    def _member(self, answer: bytes, member: str) -> str:
        try:
            found = msgspec.json.decode(answer[:_MAX_ANSWER_BYTES], type=dict[str, str])[member]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
            raise self._unavailable(f"answers without {member!r}") from None
        return found

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(
            f"the program of the master key {what}: {self._program}",
            hint="run it by hand; docs/operate/keys.md says what it gets and what it must answer",
        )


def _open(place: str) -> MasterKey:
    program = Path(place)
    try:
        mode = program.stat().st_mode
    except OSError as error:
        raise ConfigError(f"cannot be run: {error.strerror}", file=place, key="keys.master") from None
    if not program.is_absolute() or not stat.S_ISREG(mode) or not os.access(program, os.X_OK):
        raise ConfigError("is no program with an absolute path", file=place, key="keys.master")
    if mode & 0o022:
        # Whoever may write it gets every key that it is given.
        raise ConfigError("can be changed by others", file=place, hint=f"chmod go-w {place}")
    return ExecMasterKey(program)


def _run(program: Path, request: bytes) -> tuple[int, bytes]:
    """Its exit code and answer; raises `TimeoutExpired`, and then neither it nor its children are left."""
    with subprocess.Popen(
        [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=_environment(), cwd="/", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            answer, _ = process.communicate(request, TIMEOUT_SECONDS)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, answer


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


MASTER = MasterKind("exec:/path/to/program", _open)
