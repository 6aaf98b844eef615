"""Keys that were destroyed go from a backup too: with the next moment, and when an older one is restored.

A moment's copy of the control store is made before its ledger is cut, and what was sealed in between would
be missing: so the vault's rows are copied again behind the cut. They authenticate themselves.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ...control import ControlStore, Erasure
from ...errors import GlasshatchError
from ...keys import Keyring, open_master_key
from ..home import Home
from .moments import MANIFEST, BackupFile, Moment, moments, read_moment, sync

CONTROL = "control.db"


def renew_vault(source: Path, copy: Path) -> None:
    """Bring the vault in a copy of the control store level with the store."""
    before = dict(_keys(copy))
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as new:
        new.execute("PRAGMA journal_mode = DELETE")
        new.execute("PRAGMA secure_delete = ON")
        new.execute("ATTACH DATABASE ? AS store", (str(source),))
        new.execute("BEGIN")
        # A key that was destroyed meanwhile is destroyed here, with what lay under it.
        new.execute("INSERT OR REPLACE INTO main.subject_keys SELECT * FROM store.subject_keys")
        new.execute("INSERT OR IGNORE INTO main.sealed_values SELECT * FROM store.sealed_values")
        gone = [id for (id,) in new.execute("SELECT id FROM main.subject_keys WHERE wrapped = ''")]
        new.executemany("DELETE FROM main.sealed_values WHERE key_id = ?", [(id,) for id in gone])
        new.execute("COMMIT")
        new.execute("DETACH DATABASE store")
        _rewrite_if_left(new, copy, [before.get(id, "") for id in gone])
    sync(copy)


def forget_erased(place: Path, newest: Path) -> int:
    """Take keys that the newest moment knows to be destroyed out of the others; from how many.

    Killed in between, each moment can be restored, and the next backup goes on.
    """
    erased = {id for id, wrapped in _keys(newest / CONTROL) if not wrapped}
    return sum(_forget(older, erased) for older in moments(place) if older != newest and erased)


def known_erasures(places: Sequence[Path], master: str) -> list[Erasure]:
    """The erasures that other moments, or data directories, know to be carried out."""
    found: dict[str, Erasure] = {}
    for place in places:
        with contextlib.suppress(GlasshatchError, OSError, sqlite3.Error):
            # What is damaged or of others says nothing about this one.
            found |= {one.id: one for one in _erasures(place, master) if one.done_ns > 0}
    return [found[id] for id in sorted(found)]


def _erasures(place: Path, master: str) -> list[Erasure]:
    (file,) = Home(place).keys.glob("*.json")
    keyring = Keyring.open(file, open_master_key(master))
    with _private_copy(place / CONTROL, place) as copy:
        store = ControlStore.open(
            copy, tenant=keyring.tenant, mac_key=keyring.control_mac_key, random=os.urandom
        )
        with contextlib.closing(store):
            return store.erasures.list()


def _forget(older: Path, erased: set[str]) -> bool:
    wrapped = {id: key for id, key in _keys(older / CONTROL) if key and id in erased}
    if not wrapped:
        return False
    moment, size = read_moment(older), (older / CONTROL).stat().st_size
    with _private_copy(older / CONTROL, older) as copy:
        _delete(copy, wrapped)
        # The list first, without a digest of this file, whose size stays: either one can be restored.
        os.truncate(copy, size)
        sync(copy)
        _list(older, moment, BackupFile(CONTROL, size, size))
        copy.rename(older / CONTROL)
        sync(older)
    return True


def _delete(copy: Path, wrapped: dict[str, str]) -> None:
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = DELETE")
        store.execute("PRAGMA secure_delete = ON")
        for id in wrapped:
            store.execute("DELETE FROM sealed_values WHERE key_id = ?", (id,))
            store.execute("DELETE FROM subject_keys WHERE id = ?", (id,))
        _rewrite_if_left(store, copy, list(wrapped.values()))


def _rewrite_if_left(store: sqlite3.Connection, file: Path, keys: Sequence[str]) -> None:
    """Deleted cells are zeroed; what moved when a page was split may have left a copy."""
    data = file.read_bytes() if any(keys) else b""
    if any(key and key.encode() in data for key in keys):
        store.execute("VACUUM")


def _list(older: Path, moment: Moment, control: BackupFile) -> None:
    files = tuple(control if file.path == CONTROL else file for file in moment.files)
    new = older / f".{MANIFEST}.new"
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(moment, files=files)), indent=1)
            + b"\n"
        )
        file.flush()
        os.fsync(file.fileno())
    new.rename(older / MANIFEST)
    sync(older)


def _keys(control: Path) -> list[tuple[str, str]]:
    """Ids and wrapped keys in a copy that nobody writes to; none in one from before there was a vault."""
    with contextlib.closing(sqlite3.connect(f"file:{control}?immutable=1", uri=True)) as store:
        try:
            return store.execute("SELECT id, wrapped FROM subject_keys").fetchall()
        except sqlite3.OperationalError:
            return []


@contextlib.contextmanager
def _private_copy(source: Path, folder: Path) -> Iterator[Path]:
    """A copy beside a control store, for its owner only, that is gone afterwards."""
    copy = folder / f".{CONTROL}.new"
    names = [copy.with_name(copy.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]
    try:
        for name in names:
            name.unlink(missing_ok=True)
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        shutil.copyfile(source, copy)
        wal = source.with_name(source.name + "-wal")
        if wal.exists():
            # Of a data directory whose server did not stop: what lies in the log belongs to it.
            shutil.copyfile(wal, names[1])
        yield copy
    finally:
        for name in names:
            name.unlink(missing_ok=True)
