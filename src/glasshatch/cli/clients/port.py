"""What a local client is, and how a secret is handed to one."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from ...api.reach_values import WayIn


class Prepared(msgspec.Struct, frozen=True):
    """A command ready to run: its arguments hold no secret, and its environment none either."""

    command: Sequence[str]
    environment: dict[str, str]
    descriptors: tuple[int, ...] = ()
    """Open files that the command inherits; nothing of them is on a disk."""


class LocalClient(msgspec.Struct, frozen=True):
    """The client of one kind of resource.

    program: what is run. cure: how one gets it. prepare: makes the command for a way in; what it puts into
    the stack is removed when the client has ended. url: the address for a tool with a form of its own; it
    holds the token.
    """

    program: str
    cure: str
    prepare: Callable[[WayIn, Sequence[str], ExitStack], Prepared]
    url: Callable[[WayIn], str]


def private_file(name: str, text: str, stack: ExitStack) -> tuple[str, tuple[int, ...]]:
    """A place where only this user's processes can read a text: its path, and the descriptor to pass on.

    Why not the environment: every program that the client starts inherits it, crash reports print it, and
    libpq would offer a PGPASSWORD to any other server that one connects to from inside the client. Where the
    system has files in memory (Linux) there is no file that could be left behind, however the client ends.
    Elsewhere it is a file of mode 0600 in a folder of mode 0700, removed with the stack.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create(name, 0)
        os.fchmod(descriptor, stat.S_IRUSR | stat.S_IWUSR)
        os.write(descriptor, text.encode())
        os.set_inheritable(descriptor, True)
        stack.callback(os.close, descriptor)
        return f"/proc/self/fd/{descriptor}", (descriptor,)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glasshatch-")))
    file = folder / name
    made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(made, "w", encoding="utf-8") as out:
        out.write(text)
    return str(file), ()
