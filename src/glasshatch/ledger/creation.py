"""A new ledger appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..errors import Conflict, Unavailable
from ..keys import LedgerKeys
from .files import unavailable
from .history import History
from .log import EMPTY_ROOT, sign_checkpoint
from .log.layout import DIRECTORIES, FORMAT, FORMAT_FILE, FORMAT_TEXT, KEY_FILE, LOCK_FILE
from .options import LedgerOptions
from .recovery import verifier_key
from .wal import Wal


def create_directory(directory: Path, keys: LedgerKeys, options: LedgerOptions) -> None:
    """Make an empty ledger with its public key, a first segment and a checkpoint of size 0.

    Raises:
        Conflict: The directory exists; it is left as it was.
        Unavailable: The disk failed or is full.
    """
    if directory.exists():
        raise Conflict(f"{directory} exists already", hint="open it, or choose another name")
    building = directory.with_name(f".{directory.name}.new")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(building, ignore_errors=True)
        _fill(building, keys, options)
        # Until this rename there is no ledger; after it, there is a whole one.
        options.files.rename(building, directory)
        options.files.sync_directory(directory.parent)
    except OSError as error:
        raise Unavailable(
            unavailable(error, "create the ledger").message, hint="check the path, its owner and the disk"
        ) from None


def _fill(building: Path, keys: LedgerKeys, options: LedgerOptions) -> None:
    files = options.files
    building.mkdir(mode=0o700)
    for name in DIRECTORIES:
        (building / name).mkdir(mode=0o700)
    small = {
        FORMAT_FILE: FORMAT_TEXT % FORMAT,
        KEY_FILE: f"{verifier_key(keys)}\n".encode(),
        LOCK_FILE: b"",
    }
    for name, data in small.items():
        descriptor = files.create(building / name)
        files.pwrite(descriptor, data, 0)
        files.fsync(descriptor)
        files.close(descriptor)
    wal = Wal(building, keys.data_key, options, os.urandom)
    wal.prepare()
    wal.close()
    history = History(building, files)
    history.publish(sign_checkpoint(keys.origin, 0, EMPTY_ROOT, keys.signing_key).note)
    history.close()
    files.sync_directory(building)
