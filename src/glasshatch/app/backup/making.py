"""Making a backup of a data directory, with its server running or without one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ... import __version__
from ...api.values import BackupForm
from ...control import copy_database
from ...errors import ConfigError, Conflict, GlasshatchError, Unavailable, VerificationError
from ...keys import open_master_key
from ...ledger import LedgerCut, Published, open_checkpoint
from ..breakglass.book import BOOK
from ..breakglass.opening import BOOK_FOLDER, HEAD
from ..config import LoadedConfig, load_config
from ..home import LEDGER, Home
from ..inspect import HomeReport, verify_home
from ..opening import config_of
from .copying import Copier
from .forgetting import CONTROL, forget_erased, renew_vault
from .moments import (
    LOCK,
    MANIFEST,
    PARTIAL,
    VERSION,
    BackupFile,
    Moment,
    encode_moment,
    moments,
    read_moment,
    sync,
    sync_tree,
)
from .retaining import prune_moments

Progress = Callable[[int, int], None]
_LEFT_OUT = frozenset({"run", "cache", "derived", "ledgers"})
_SMALL_BYTES = 64 << 20


class MadeBackup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a backup did; `copied` bytes were written, the rest was there from the one before.

    `size` is the default ledger's, `ledgers` has those of the others.
    """

    moment: str
    size: int
    files: int
    bytes: int
    copied: int
    entries_compared: bool
    """Whether the master key was at hand, so that every entry was decrypted and compared."""
    master_key: bool
    ledgers: dict[str, int] = {}
    forgotten: int = 0
    """From how many earlier moments keys of erased subjects were taken out."""
    pruned: int = 0
    """From how many earlier moments pruned entries were taken out."""
    dropped: int = 0
    """How many earlier moments went, because their logs held pruned entries."""


def make_backup(
    directory: Path, place: Path, desk: Any, *, master_key: bool = False, progress: Progress | None = None
) -> MadeBackup:
    """Add a moment to the backup in `place`; when this returns it is verified, recorded and durable.

    Killed at any time, the moments before are as they were, and this one is not there.

    Args:
        desk: A running server's, or that of the directory opened here; its caller is an administrator.
        master_key: Include the master key, which opens everything.

    Raises:
        ConfigError: `place` lies in the directory, or the directory is none of ours.
        Conflict: Another backup to `place` runs.
        VerificationError: What was copied does not verify, or does not continue the moment before.
        Unavailable: The disk failed or is full.
    """
    loaded = load_config(config_of(directory.absolute()))
    home = Home(loaded.data)
    home.check()
    if home.directory.resolve() != directory.resolve():
        raise ConfigError("names another data directory", file=str(loaded.file), key="server.data")
    if place.resolve().is_relative_to(home.directory.resolve()):
        raise ConfigError("lies in the data directory", file=str(place), hint="back up to another disk")
    try:
        with _locked(place), _nothing_half_made(place / PARTIAL):
            return _Making(loaded, home, place, desk, master_key).run(progress)
    except OSError as error:
        raise Unavailable(
            f"the backup failed: {error.strerror or type(error).__name__}",
            hint="the moments before are as they were; check space and permissions, then give it again",
        ) from None


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    strange = [path.name for path in place.iterdir() if path.name not in (LOCK, PARTIAL)]
    if any(not (place / name / MANIFEST).is_file() for name in strange):
        raise Conflict(f"{place} holds something else", hint="give an empty directory, or one with backups")
    descriptor = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Conflict(f"another backup to {place} runs", hint="wait until it ends") from None
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _nothing_half_made(partial: Path) -> Iterator[None]:
    """What a killed backup left goes first; what one that fails leaves goes at once, with its space."""
    if partial.exists():
        shutil.rmtree(partial)
    try:
        yield
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


class _Making:
    """One run; the steps are in the order that keeps it consistent."""

    def __init__(self, loaded: LoadedConfig, home: Home, place: Path, desk: Any, master_key: bool) -> None:
        self._loaded = loaded
        self._home = home
        self._place = place
        self._desk = desk
        self._with_master = master_key
        self._master = loaded.reference(loaded.config.keys.master)
        self._partial = place / PARTIAL
        before = moments(place)
        self._before = before[-1] if before else None
        self._copier = Copier(
            self._partial, self._before, read_moment(self._before) if self._before else None
        )

    def run(self, progress: Progress | None) -> MadeBackup:
        self._partial.mkdir(mode=0o700)
        keys = self._keyrings()
        # The control store first: whatever it holds was recorded before, so the ledgers below have it too.
        copy_database(self._home.control_db, self._partial / CONTROL)
        files = self._configuration()
        begun = self._desk.begin_backup()
        # The default ledger first: one whose creation it records was there when this began, or is found out.
        least = {LEDGER: begun.note, **begun.ledgers}
        with contextlib.ExitStack() as stack:
            cuts = {name: self._cut(stack, name, note) for name, note in least.items()}
            if self._keyrings() != keys:
                # What was copied before and after may be under different keys.
                raise Unavailable("a key was changed while the backup ran", hint="give the command again")
            self._check_all_there(cuts)
            renew_vault(self._home.control_db, self._partial / CONTROL)
            files.append(self._copier.taken(CONTROL))
            for name, cut in cuts.items():
                self._check_continues(name, cut)
                files += self._copier.ledger(cut, f"ledgers/{name}", progress)
            moment = self._moment(cuts, files)
        report = self._verify(cuts, progress)
        return self._commit(moment, report)

    def _cut(self, stack: contextlib.ExitStack, name: str, note: str) -> LedgerCut:
        cut = LedgerCut(self._home.ledger_of(name), int(note.split("\n")[1]))
        stack.callback(cut.close)
        return cut

    def _keyrings(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(self._home.keys.glob("*.json"))}

    def _configuration(self) -> list[BackupFile]:
        """Configuration, keyrings, certificates, policies, rules, cursors of exports: whatever is neither
        ledger nor derived. A cursor is read before the ledgers are cut, and so is never ahead of them."""
        found = self._break_glass()
        for path in self._candidates():
            relative = path.relative_to(self._home.directory)
            if relative.parts[0] == BOOK_FOLDER and path.suffix in (".new", ""):
                continue
            if relative.parts[0] == self._home.exports.name and path.suffix != ".json":
                continue  # a cursor that is being written, and is gone in a moment
            if relative.as_posix() in (f"keys/{HEAD}", f"keys/{HEAD}.new"):
                continue
            if relative.name.startswith("control.db") or not path.is_file():
                continue
            if relative.name.endswith(".tmp") or (self._is_master(path) and not self._with_master):
                continue
            if relative.parts[0] == "keys" and path.suffix != ".json" and not self._is_master(path):
                continue  # a master key of before, maybe: only keyrings are wrapped
            if path.stat().st_size > _SMALL_BYTES:
                raise ConfigError("is too large for a file of the configuration", file=str(path))
            found.append(self._copier.small(relative.as_posix(), path.read_bytes()))
        return found

    def _break_glass(self) -> list[BackupFile]:
        """The break-glass book and its head, as they fit together: a sheet may be used in this very moment.

        The book is written first, its head second; so the head is read first, and is never ahead of the book.
        A book that was begun after the look for its head is not there yet.
        """
        head = _bytes_of(self._home.keys / HEAD)
        book = _bytes_of(self._home.directory / BOOK_FOLDER / BOOK)
        elsewhere = bool(self._loaded.config.break_glass.anchor)
        if book is None or not (head or elsewhere):
            return []
        found = [self._copier.small(f"{BOOK_FOLDER}/{BOOK}", book)]
        return found + ([self._copier.small(f"keys/{HEAD}", head)] if head else [])

    def _candidates(self) -> list[Path]:
        """Not one step into what is left out: the index removes folders while they are listed."""
        tops = [path for path in self._home.directory.iterdir() if path.name not in _LEFT_OUT]
        return sorted([*tops, *(path for top in tops if top.is_dir() for path in top.rglob("*"))])

    def _is_master(self, path: Path) -> bool:
        kind, _, place = self._master.partition(":")
        return kind == "file" and path.resolve() == Path(place).resolve()

    def _check_all_there(self, cuts: dict[str, LedgerCut]) -> None:
        """No ledger of the moment before is gone."""
        before = read_moment(self._before).checkpoints() if self._before is not None else {}
        for name in before:
            if name not in cuts:
                raise VerificationError(
                    "the ledger is in the moment before, and is missing",
                    where=str(self._home.ledger_of(name)),
                    hint="keep everything as it is and find out how",
                )

    def _check_continues(self, name: str, cut: LedgerCut) -> None:
        """The ledger still holds the tree of the moment before: nobody rolled it back or rewrote it."""
        note = read_moment(self._before).checkpoints().get(name) if self._before is not None else None
        if note is None:
            return
        folder, before = self._home.ledger_of(name), open_checkpoint(note.encode(), cut.keys)
        if before.size > cut.checkpoint.size or (
            before.size and Published(folder).root(before.size) != before.root
        ):
            raise VerificationError(
                "the ledger does not continue the backup before: it was rolled back or is another one",
                where=str(folder), expected=f"the tree of size {before.size} of the moment before",
                found=f"another, of size {cut.checkpoint.size}",
                hint="keep both as they are and find out how; another destination begins anew",
            )  # fmt: skip

    def _moment(self, cuts: dict[str, LedgerCut], files: list[BackupFile]) -> Moment:
        cut = cuts[LEDGER]
        notes = {name: one.checkpoint.note.decode() for name, one in cuts.items() if name != LEDGER}
        moment = Moment(
            version=VERSION if notes else 1, ledgers=notes, made=str(time.time_ns()), program=__version__,
            tenant=self._loaded.config.tenant,
            origin=cut.key.name, size=cut.checkpoint.size, checkpoint=cut.checkpoint.note.decode(),
            master_key=self._with_master, files=tuple(files),
        )  # fmt: skip
        self._copier.write(MANIFEST, encode_moment(moment))
        return moment

    def _verify(self, cuts: dict[str, LedgerCut], progress: Progress | None) -> HomeReport:
        keys = [str(cut.key) for cut in cuts.values()]
        report = verify_home(self._partial, keys, self._readable_master(), progress)
        report.require()
        return report

    def _readable_master(self) -> str:
        """The master key's reference if whoever makes the backup may read it."""
        try:
            open_master_key(self._master)
        except GlasshatchError:
            return ""
        return self._master

    def _commit(self, moment: Moment, report: HomeReport) -> MadeBackup:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(int(moment.made) // 10**9))
        name = f"{moment.size:015d}-{stamp}"
        made = MadeBackup(
            moment=str(self._place / name), size=moment.size, files=len(moment.files),
            bytes=sum(file.bytes for file in moment.files), copied=self._copier.copied,
            entries_compared=report.entries_compared, master_key=self._with_master,
            ledgers={name: int(note.split("\n")[1]) for name, note in moment.ledgers.items()},
        )  # fmt: skip
        sync_tree(self._partial)
        self._desk.backup_made(BackupForm(
            moment=name, size=made.size, files=made.files, bytes=made.bytes, copied=made.copied,
            master_key=made.master_key, ledgers=made.ledgers,
        ))  # fmt: skip
        # Until this rename there is no such moment; after it, it is whole.
        self._partial.rename(self._place / name)
        sync(self._place)
        forgotten = forget_erased(self._place, self._place / name)
        folders = [f"ledgers/{ledger}" for ledger in (LEDGER, *moment.ledgers)]
        pruned, dropped = prune_moments(self._place, self._place / name, folders)
        return msgspec.structs.replace(made, forgotten=forgotten, pruned=pruned, dropped=dropped)
