"""Where a command finds its desk: a running server, or a data directory that no server holds."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ..api.client import Client
from ..errors import ConfigError
from .logins import find_login

EVENT_HELP = "An event id, its ledger index, or NAME/INDEX in another ledger than the default one."
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="GLASSHATCH_DATA",
        help="A data directory; its server is used if one runs.",
    ),
]
ServerOption = Annotated[
    str,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="GLASSHATCH_SERVER",
        help="A server: unix:PATH, http://… or https://…",
    ),
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        envvar="GLASSHATCH_TOKEN_FILE",
        help="A file (mode 0600) with your token; GLASSHATCH_TOKEN works too.",
    ),
]


ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        envvar="GLASSHATCH_REASON",
        help="Why you look, where the access policy asks for it; recorded.",
    ),
]


class Bound:
    """A desk with its caller filled in, so that a local desk is called like a remote one."""

    def __init__(self, desk: object, caller: object) -> None:
        self._desk = desk
        self._caller = caller

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(getattr(self._desk, name), self._caller)


@contextmanager
def open_desk(data: Path | None, server: str, token_file: Path | None, reason: str = "") -> Iterator[Any]:
    """The desk a command talks to.

    With a server running on `data`, that server is asked, under the caller's token. Without one,
    the directory is opened here, under the operating-system user, who must hold its keys.

    Raises:
        ConfigError: Neither option is given, or both, or no token is at hand. An option that was typed is
            not in conflict with a variable that was exported for another command.
    """
    if data and server:
        data, server = _typed(data, server)
    if bool(data) == bool(server):
        raise ConfigError("give one of --data DIR and --server URL", hint="or set GLASSHATCH_SERVER")
    if server or (data is not None and is_live(data)):
        address = server or _socket_of(data)
        yield Client(address, read_token(token_file, address), reason=reason)
        return
    assert data is not None
    # Only here: they need the server's dependencies.
    from ..app.local import open_local
    from ..identity import with_reason

    with open_local(data) as (desk, caller):
        yield Bound(desk, with_reason(caller, reason))


def address_of(data: Path | None, server: str) -> str:
    """The server that is meant, as `Client` takes it; a directory's own socket always has the same name.

    Raises:
        ConfigError: None is named, or two are, or none runs on the directory.
    """
    if data and server:
        data, server = _typed(data, server)
    if bool(data) == bool(server):
        raise ConfigError("give one of --data DIR and --server URL", hint="or set GLASSHATCH_SERVER")
    if data is not None and not is_live(data):
        raise ConfigError("no server runs on this directory", file=str(data), hint="glasshatch serve")
    return server.rstrip("/") or _socket_of(data)


def _socket_of(data: Path | None) -> str:
    assert data is not None
    return f"unix:{data.resolve() / 'run' / 'glasshatch.sock'}"


def _typed(data: Path, server: str) -> tuple[Path | None, str]:
    """Without the one of two that only the environment gives; both, if both come from the same place."""
    data_exported = os.environ.get("GLASSHATCH_DATA") == str(data)
    server_exported = os.environ.get("GLASSHATCH_SERVER") == server
    if data_exported == server_exported:
        return data, server
    return (None, server) if data_exported else (data, "")


def is_live(data: Path) -> bool:
    """Whether a server holds this directory: the kernel knows, by the lock on its file."""
    import fcntl

    try:
        descriptor = os.open(data / "run" / "server.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_token(file: Path | None, server: str = "") -> str:
    """The caller's token, from a file, the environment, or the last `login` at this server; never from the
    command line."""
    if file is None:
        token = os.environ.get("GLASSHATCH_TOKEN", "").strip()
        if not token and server and (login := find_login(server.rstrip("/"))) is not None:
            token = login.token
        if not token:
            raise ConfigError(
                "no token is at hand", hint="sign in: glasshatch login; or give --token-file FILE"
            )
        return token
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise ConfigError("can be read by others", file=str(file), hint=f"chmod 600 {file}")
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=str(file)) from None
