"""A data directory opened without a server, under its lock, by whoever holds its keys."""

from __future__ import annotations

import getpass
import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..api.incident_values import IncidentForm, IncidentView
from ..clock import SystemClock
from ..identity import Identity
from ..ledger import LedgerReader
from ..ledger.log import blob_of
from .access import ADMIN, APPROVER, AUDITOR
from .config import load_config
from .create import create_home
from .desk.main import FrontDesk
from .home import Home
from .house import House
from .opening import config_of, open_keyring


class LocalDesk(FrontDesk):
    """The front's desk over a directory, and the use of the record once it is asked for.

    Index and detection are heavy to load, and a command that approves a request needs neither.
    """

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._use: object | None = None
        self._stack = ExitStack()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._use is None:
            from .localuse import LocalUse

            self._use = LocalUse(self._house, self._stack)
        return getattr(self._use, name)

    def create_incident(self, caller: Identity, form: IncidentForm) -> IncidentView:
        """Open one; only what an alert tells takes detection."""
        if not form.alert:
            return super().create_incident(caller, form)
        made: IncidentView = self.__getattr__("begin_incident")(caller, form)
        return made

    def close(self) -> None:
        """Let index and detection go."""
        self._stack.close()


def create_unless_there(directory: Path) -> bool:
    """Make a data directory where there is nothing yet; says whether it did."""
    if directory.exists() and any(directory.iterdir()):
        return False
    create_home(directory)
    return True


@contextmanager
def open_local(directory: Path) -> Iterator[tuple[LocalDesk, Identity]]:
    """The desk of a directory that no server holds, and who stands at it.

    Whoever can read the master key can read everything anyway; the record says that it was done
    locally, and by which account of the machine.

    Raises:
        ConfigError: No data directory, or its keys are not this user's.
        Conflict: A server came up in the meantime.
    """
    loaded = load_config(config_of(directory.absolute()))
    house = House(loaded, SystemClock(), brief=True)
    desk = LocalDesk(house)
    try:
        yield desk, local_operator(house.tenant)
    finally:
        desk.close()
        house.close()


def open_plaintext(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Everything in a stopped directory's ledgers in clear, in parts of some thousand entries."""
    loaded = load_config(config_of(directory.absolute()))
    keyring = open_keyring(loaded)
    for name in Home(loaded.data).ledger_names():
        reader = LedgerReader(Home(loaded.data).ledger_of(name), keyring.ledger(name))
        for number, part in enumerate(_batched(_all_of(reader), 5_000)):
            yield f"ledgers/{name} part {number}", b"\n".join(part)


def local_operator(tenant: str) -> Identity:
    """The account that runs this command, as an identity of its own namespace."""
    return Identity(
        id=f"os:{os.getuid()}",
        tenant=tenant,
        type="human",
        name=f"{getpass.getuser()} (local)",
        roles=(ADMIN, APPROVER, AUDITOR),
    )


def _all_of(reader: LedgerReader) -> Iterator[bytes]:
    """Each entry, and behind a short form all that was recorded."""
    for index, entry in reader.scan():
        yield entry
        if blob_of(entry):
            yield reader.whole(index)


def _batched(entries: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    while part := list(itertools.islice(entries, size)):
        yield part
