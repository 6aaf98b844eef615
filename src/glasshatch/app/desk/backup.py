"""Backups at the desk: a point to copy up to, and the record of what was copied."""

from __future__ import annotations

import msgspec

from ...api.values import BackupForm, CheckpointText
from ...events import DEFAULT_LEDGER, Outcome
from ...identity import Identity
from ..house import House


class BackupPart:
    """The desk's `BackupDesk` port; for administrators, who also need the rights to read the files."""

    def __init__(self, house: House) -> None:
        self._house = house

    def begin_backup(self, caller: Identity) -> CheckpointText:
        """A fresh checkpoint of each ledger, on the disk with all that it covers."""
        self._house.require(caller, "backup.make")
        # A ledger in the making is there as a whole or not at all.
        with self._house.changing_keys:
            notes = {
                name: ledger.checkpoint(fresh=True).decode() for name, ledger in self._house.ledgers.items()
            }
        return CheckpointText(notes.pop(DEFAULT_LEDGER), notes)

    def backup_made(self, caller: Identity, form: BackupForm) -> None:
        """Record a backup; if it cannot be recorded, there is none."""
        self._house.require(caller, "backup.make")
        told = {name: str(value) for name, value in msgspec.structs.asdict(form).items() if value != {}}
        if form.ledgers:
            told["ledgers"] = ", ".join(f"{name}: {size}" for name, size in form.ledgers.items())
        self._house.note(
            "backup.made", actor=caller.as_actor(), outcome=Outcome(status="success"), attrs=told
        )
