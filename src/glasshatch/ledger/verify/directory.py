"""Verifying a ledger's directory offline: every byte of every file, with the public key or with both keys."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

from ...errors import ConfigError, VerificationError
from ...keys import Envelope
from ..log import NOT_PRUNED, Checkpoint, Succession, VerifierKey
from ..log.layout import CHECKPOINT_FILE, CHECKPOINTS, ENTRIES, HASHES, LOCK_FILE, WAL
from .blobs import BlobCheck
from .entries import EntryCheck, OpenEnvelope
from .heads import check_format_file, check_history, check_keys
from .inventory import Inventory, take_inventory
from .pruned import check_pruned_file
from .report import Findings, VerifyReport
from .tree import CheckedTree

_LIVE_ATTEMPTS = 8
_Tell = Callable[[int, int], None] | None


def verify_directory(
    directory: Path,
    public_key: VerifierKey | str | None = None,
    data_key: Envelope | OpenEnvelope | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VerifyReport:
    """Check everything in a ledger's directory; nothing is written.

    While a server writes to it (`report.live`), what is unfinished at the moment is not a problem.

    Without `data_key`: names, headers, CRCs, the chain of the log, leaf hashes against all levels, every
    checkpoint ever published, and that no blob is missing between two. With it, also every entry against its
    leaf, and every blob against the entry that names it.

    Args:
        public_key: The key to trust, `name+hash+base64`, any of the ledger's succession; without it the
            directory's own, which shows damage but not that somebody replaced the whole ledger.
        data_key: One data key, or a function from key id to data key (`Keyring.envelope`).
        progress: Called with bytes done and bytes in all.

    Raises:
        ConfigError: The directory does not exist, or `public_key` is malformed.
    """
    if not directory.is_dir():
        raise ConfigError("there is no ledger here", file=str(directory), hint="give the ledger's directory")
    given = _parse_key(public_key)
    for attempt in range(_LIVE_ATTEMPTS):
        live = _is_live(directory)
        try:
            report = _verify(directory, given, _lookup(data_key), progress, live=live)
        except PermissionError as error:
            raise ConfigError(
                "cannot be read", file=str(error.filename), hint="verify as the user who owns the ledger"
            ) from None
        # A live server may retire a segment between our listing it and reading it: look again.
        if report.ok or not live or attempt == _LIVE_ATTEMPTS - 1:
            break
    return report


def _verify(
    directory: Path, given: VerifierKey | None, envelope: OpenEnvelope | None, progress: _Tell, *, live: bool
) -> VerifyReport:
    findings = Findings(live=live)
    inventory = take_inventory(directory, findings)
    check_format_file(directory, findings)
    # A live server may change its key after this; the caller then finds what is newer, and looks again.
    key = check_keys(directory, given, findings)
    history = _history(directory, inventory, key, findings)
    if live:
        # Listed again after the history was read, so that every signed entry's segment is in the list.
        inventory = take_inventory(directory, Findings(live=live))
    signed = history[-1].size if history else 0
    done = 0

    def advance(amount: int) -> None:
        nonlocal done
        done += amount
        if progress is not None:
            progress(min(done, inventory.bytes), inventory.bytes)

    tree = CheckedTree(directory, len(inventory.numbers[HASHES]))
    check = EntryCheck(directory, tree, envelope, findings, advance)
    pruned = NOT_PRUNED
    try:
        tree.check(history, findings)
        pruned = check_pruned_file(directory, tree, history, key, findings)
        check.check_packs(inventory.numbers[ENTRIES], pruned)
        check.check_log(inventory.numbers[WAL], signed)
        tree.check_extent(check.durable, findings)
        extent = (pruned.minimum, signed if live else check.durable)
        BlobCheck(directory, envelope, findings, advance).check(inventory.blobs, extent, check.named)
    except OSError as error:
        # What cannot be read is not verified; the report says so instead of hiding what was found before.
        findings.add(str(error.filename or directory), 0, f"cannot be read: {error.strerror}")
    finally:
        tree.close()
    advance(inventory.bytes)
    return VerifyReport(
        directory=str(directory),
        origin=key.name if key else "",
        key=str(given or key.newest) if key else "",
        keys=tuple(map(str, key.keys)) if key else (),
        key_given=given is not None,
        live=live,
        size=signed,
        durable=check.durable,
        pruned=pruned.minimum,
        pruned_by=pruned.entry,
        checkpoints=len(history),
        entries_opened=check.opened,
        blobs=len(inventory.blobs),
        files=inventory.files,
        bytes=inventory.bytes,
        problems=tuple(findings.problems),
    )


def _history(
    directory: Path, inventory: Inventory, key: Succession | None, findings: Findings
) -> list[Checkpoint]:
    if key is None:
        findings.add(CHECKPOINT_FILE, 0, "there is no sound public key to check it with")
        return []
    try:
        return check_history(directory, inventory.numbers[CHECKPOINTS], key, findings)
    except VerificationError as error:
        findings.take(CHECKPOINT_FILE, 0, error)
        return []


def _is_live(directory: Path) -> bool:
    """Whether a writer holds the directory; a copy is never live."""
    try:
        with open(directory / LOCK_FILE, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def _parse_key(public_key: VerifierKey | str | None) -> VerifierKey | None:
    if not isinstance(public_key, str):
        return public_key
    try:
        return VerifierKey.parse(public_key.strip())
    except VerificationError as error:
        raise ConfigError(error.message, key="key", hint="a key looks like name+hash+base64") from None


def _lookup(data_key: Envelope | OpenEnvelope | None) -> OpenEnvelope | None:
    if not isinstance(data_key, Envelope):
        return data_key
    only = data_key

    def find(key_id: str) -> Envelope:
        if key_id != only.id:
            raise VerificationError("the file is sealed under another key", expected=only.id, found=key_id)
        return only

    return find
