"""The small files: format, public key, lock, and the whole history of signed checkpoints."""

from __future__ import annotations

from pathlib import Path

from ...errors import ConfigError, VerificationError
from ..log import Checkpoint, Succession, VerifierKey, open_checkpoint, parse_note, split_notes
from ..log.layout import (
    CHECKPOINT_FILE,
    FORMAT_FILE,
    KEY_FILE,
    LOCK_FILE,
    NOTES_PER_FILE,
    SUCCESSION_FILE,
    check_format,
    notes_name,
)
from .report import Findings


def check_format_file(directory: Path, findings: Findings) -> None:
    try:
        check_format(_read(directory, FORMAT_FILE))
        if _read(directory, LOCK_FILE):
            findings.add(LOCK_FILE, 0, "the lock file must be empty")
    except (VerificationError, ConfigError) as error:
        findings.take(FORMAT_FILE, 0, error)


def check_keys(directory: Path, given: VerifierKey | None, findings: Findings) -> Succession | None:
    """The keys to check signatures with: believed because of the given one, else of the directory's own.

    If the succession does not hold, the trusted key stands alone, and what others signed is a finding.
    """
    stored = _stored_key(directory, findings)
    trusted = given or stored
    if trusted is None:
        return None
    try:
        keys = Succession.read(_read_optional(directory, SUCCESSION_FILE), trusted)
    except VerificationError as error:
        findings.take(SUCCESSION_FILE, 0, error)
        keys = Succession.alone(trusted)
    if stored is not None and stored not in keys.keys:
        findings.add(KEY_FILE, 0, "the ledger carries another public key", expected=trusted, found=stored)
    elif stored is not None and stored != keys.newest:
        what = "the key file names a key before the newest"
        findings.add(KEY_FILE, 0, what, expected=keys.newest, found=stored, kind="unfinished")
    return keys


def _stored_key(directory: Path, findings: Findings) -> VerifierKey | None:
    try:
        data = _read(directory, KEY_FILE)
        stored = VerifierKey.parse(data.decode().removesuffix("\n"))
        if data != f"{stored}\n".encode():
            raise VerificationError("the key file has another form", expected=str(stored))
        return stored
    except UnicodeDecodeError:
        findings.add(KEY_FILE, 0, "the key file is not UTF-8")
    except VerificationError as error:
        findings.take(KEY_FILE, 0, error)
    return None


def check_history(
    directory: Path, numbers: list[int], key: Succession, findings: Findings
) -> list[Checkpoint]:
    """Every published checkpoint that is sound, oldest first."""
    history: list[Checkpoint] = []
    kept: list[bytes] = []
    for number in numbers:
        name = notes_name(number)
        data = _read(directory, name)
        notes, end = split_notes(data)
        last = number == numbers[-1]
        if not notes:
            findings.add(name, 0, "holds no note", kind="unfinished" if last and number else "damage")
        if end < len(data):
            findings.add(name, end, "ends in the middle of a note", kind="unfinished" if last else "damage")
        if not last and len(notes) != NOTES_PER_FILE:
            findings.add(name, end, "has another number of notes", expected=NOTES_PER_FILE, found=len(notes))
        _check_notes(name, notes, key, history, findings)
        kept = (kept + notes)[-2:]
    served = _read(directory, CHECKPOINT_FILE)
    if findings.live:
        # Read last, it may only be newer than the history; being signed by the key must do.
        open_checkpoint(served, key)
    elif not kept or served != kept[-1]:
        # Signed but not yet served is what a crash leaves; anything else was put there.
        crash = len(kept) == 2 and served == kept[0]
        what = "is not the newest note of the history"
        findings.add(CHECKPOINT_FILE, 0, what, kind="unfinished" if crash else "damage")
    return history


def _check_notes(
    name: str, notes: list[bytes], key: Succession, history: list[Checkpoint], findings: Findings
) -> None:
    offset = 0
    for note in notes:
        try:
            checkpoint = open_checkpoint(note, key)
            if not key.knows(parse_note(note)):
                raise VerificationError("the note carries an unknown signature")
            _check_order(checkpoint, history)
            history.append(checkpoint)
        except VerificationError as error:
            findings.take(name, offset, error)
        offset += len(note)


def _check_order(checkpoint: Checkpoint, history: list[Checkpoint]) -> None:
    if not history and checkpoint.size != 0:
        raise VerificationError("the history does not start at size 0", found=str(checkpoint.size))
    if history and checkpoint.size <= history[-1].size:
        raise VerificationError(
            "the tree did not grow since the note before",
            expected=f"more than {history[-1].size}",
            found=str(checkpoint.size),
        )


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise VerificationError(f"cannot be read: {error.strerror}", where=name) from None


def _read_optional(directory: Path, name: str) -> bytes:
    return _read(directory, name) if (directory / name).exists() else b""
