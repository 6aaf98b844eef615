"""`glasshatch migrate`: an older data directory brought to this version, or left exactly as it was.

Everything is looked at before anything is changed, so a directory with one piece of a newer version
stays whole. What changes is copied first and recorded before it comes into force; a crash at any
moment leaves each piece old or new, and the same command finishes.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import msgspec

from ..clock import SystemClock
from ..control import ControlStore, Migration, migrate, pending_migration
from ..errors import Conflict, VerificationError
from ..events import Outcome
from ..keys import Keyring, open_master_key
from ..ledger import Ledger, LedgerReader
from ..masking import Redactor
from .config import LoadedConfig, load_config
from .home import Home, HomeLock
from .inspect import HomeReport, Progress, public_keys, verify_home
from .local import local_operator
from .opening import config_of, load_engine, make_tokens, open_keyring
from .recorder import EventMaker, Recorder


class Piece(msgspec.Struct, frozen=True):
    """One versioned part of a data directory: the version it had, and the one it has now."""

    what: str
    file: str
    found: str
    version: str
    copy: str = ""
    """Where the older state lies; empty if nothing had to change."""

    @property
    def changed(self) -> bool:
        """Whether it was upgraded."""
        return bool(self.copy)


class Migrated(msgspec.Struct, frozen=True):
    """What `migrate_home` found and did, and the verification afterwards."""

    pieces: tuple[Piece, ...]
    report: HomeReport


def migrate_home(directory: Path, progress: Progress | None = None) -> Migrated:
    """Upgrade every piece of a directory that no server holds, then verify all of it.

    Raises:
        ConfigError: No data directory, or a piece of a newer version; names the file and both versions.
        Conflict: A server holds the directory.
        VerificationError: A piece is damaged; if it was so before, nothing was changed.
        Unavailable: The disk failed or is full; each piece is old or new, whole.
    """
    loaded = load_config(config_of(directory.absolute()))
    home = Home(loaded.data)
    layout = Piece("layout", str(home.format_file), str(home.check()), str(home.version))
    keyring = open_keyring(loaded)
    if keyring.pending:
        raise Conflict(
            "a change of keys was interrupted and is not finished",
            hint="start the server once with the version that began it, stop it, and give the command again",
        )
    lock = _lock(home)
    try:
        pieces = [_configuration(loaded), layout, *_keyrings(loaded, home), *_ledgers(home, keyring)]
        control = pending_migration(home.control_db)
        if control.copy is not None:
            migrate(
                home.control_db,
                lambda pending: _record(loaded, home, keyring, pending),
                tenant=keyring.tenant, mac_key=keyring.control_mac_key, random=os.urandom,
            )  # fmt: skip
        pieces.append(_control(home, control))
        _open_control(home, keyring)
        return Migrated(tuple(pieces), _verify(loaded, home, keyring, progress))
    finally:
        lock.release()


def _lock(home: Home) -> HomeLock:
    try:
        return home.lock()
    except Conflict as error:
        raise Conflict(error.message, hint="stop that server, then give the same command again") from None


def _configuration(loaded: LoadedConfig) -> Piece:
    version = str(loaded.config.version)
    return Piece("configuration", str(loaded.file), version, version)


def _keyrings(loaded: LoadedConfig, home: Home) -> list[Piece]:
    master = open_master_key(loaded.reference(loaded.config.keys.master))
    found = {file: str(Keyring.open(file, master).format) for file in sorted(home.keys.glob("*.json"))}
    return [Piece("keyring", str(file), version, version) for file, version in found.items()]


def _ledgers(home: Home, keyring: Keyring) -> list[Piece]:
    """The ledgers, whose formats are checked file by file; this version knows one format and changes none."""
    pieces = []
    for folder in (home.ledger_of(name) for name in home.ledger_names()):
        with LedgerReader(folder, keyring.ledger(folder.name)) as reader:
            pieces.append(Piece("ledger", str(folder), str(reader.format), str(reader.format)))
    return pieces


def _control(home: Home, done: Migration) -> Piece:
    copy = str(done.copy) if done.copy else ""
    return Piece("control store", str(home.control_db), done.found, done.revision, copy)


def _record(loaded: LoadedConfig, home: Home, keyring: Keyring, pending: Migration) -> None:
    """Make the upgrade part of the record before it comes into force."""
    clock, tenant = SystemClock(), loaded.config.tenant
    with closing(Ledger.open(home.ledger, keyring, clock)) as ledger:
        recorder = Recorder(ledger, Redactor(load_engine(loaded), make_tokens(keyring)))
        event = EventMaker(clock, tenant=tenant, instance=str(os.getpid())).make(
            "server.migrated",
            actor=local_operator(tenant).as_actor(),
            outcome=Outcome(status="success"),
            attrs={
                "piece": "control store",
                "found": f"schema {pending.found}",
                "version": f"schema {pending.revision}",
                "copy": pending.copy.name if pending.copy else "",
            },
        )
        recorder.record(event)


def _open_control(home: Home, keyring: Keyring) -> None:
    """Verify every row and that they are exactly the rows that were committed."""
    ControlStore.open(
        home.control_db, tenant=keyring.tenant, mac_key=keyring.control_mac_key, random=os.urandom
    ).close()


def _verify(loaded: LoadedConfig, home: Home, keyring: Keyring, progress: Progress | None) -> HomeReport:
    keys = public_keys(keyring)
    there = [keys[name] for name in home.ledger_names() if name in keys]
    report = verify_home(home.directory, there, loaded.reference(loaded.config.keys.master), progress)
    if not report.ok and not report.unfinished:
        first = report.problems[0]
        raise VerificationError(
            f"{first.what}, and {len(report.problems) - 1} more",
            where=str(home.ledger.parent / first.file),
            expected=first.expected,
            found=first.found,
            hint="run glasshatch verify for the whole picture, then restore from a backup",
        )
    return report
