"""Tokens of sign-ins on this machine: one file in the user's configuration folder, for nobody else to
read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..errors import ConfigError

_VERSION = 1


class Login(msgspec.Struct, frozen=True):
    """A sign-in at one server; its representation hides the token."""

    token: str
    actor: str
    expires: str

    def __repr__(self) -> str:
        return f"Login({self.actor!r})"


class _Kept(msgspec.Struct, frozen=True):
    version: int = _VERSION
    logins: dict[str, Login] = {}


def logins_file() -> Path:
    """Where they are kept: `glasshatch/logins.json` in `XDG_CONFIG_HOME`, or in `~/.config`."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "glasshatch" / "logins.json"


def find_login(server: str) -> Login | None:
    """The sign-in at this server.

    Raises:
        ConfigError: The file can be read by others, or is damaged.
    """
    return _read(logins_file()).logins.get(server)


def keep_login(server: str, login: Login | None) -> None:
    """Remember a sign-in, or forget it.

    Raises:
        ConfigError: The file cannot be written, can be read by others, or is damaged.
    """
    file = logins_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(file):
            logins = dict(_read(file).logins)
            logins.pop(server, None)
            if login is not None:
                logins[server] = login
            _write(file, msgspec.json.format(msgspec.json.encode(_Kept(logins=logins))) + b"\n")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(file)) from None


def _read(file: Path) -> _Kept:
    try:
        mode, data = file.stat().st_mode, file.read_bytes()
    except FileNotFoundError:
        return _Kept()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError("can be read by others", file=str(file), hint=f"chmod 600 {file}")
    try:
        kept = msgspec.json.decode(data, type=_Kept)
    except msgspec.DecodeError:
        raise ConfigError("is damaged", file=str(file), hint="remove it and sign in again") from None
    if kept.version > _VERSION:
        raise ConfigError("was written by a newer version", file=str(file), hint="upgrade glasshatch")
    return kept


def _write(file: Path, data: bytes) -> None:
    # A crash leaves the old file or the new one; the token is never in a file that others may read.
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Two commands at once do not lose each other's sign-in."""
    descriptor = os.open(file.with_name("logins.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
