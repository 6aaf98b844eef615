"""Ledgers at the desk: which there are, and making one."""

from __future__ import annotations

from ...api.values import LedgerForm, LedgerView
from ...identity import Identity
from ..house import House


class LedgerPart:
    """The desk's `LedgerDesk` port over an open house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def list_ledgers(self, caller: Identity) -> list[LedgerView]:
        """All ledgers, the default one first; holds nothing of the record's content: no read of it."""
        return [self._view(name) for name, _ in self._house.ledgers.items()]

    def create_ledger(self, caller: Identity, form: LedgerForm) -> LedgerView:
        """Make a ledger; recorded in it and in the default one when this returns."""
        self._house.require(caller, "ledger.create")
        self._house.create_ledger(form.name, form.origin, caller.as_actor())
        return self._view(form.name)

    def _view(self, name: str) -> LedgerView:
        ledger, section = self._house.ledgers.get(name), self._house.loaded.config.ledgers.get(name)
        return LedgerView(
            name=name, origin=ledger.key.name, verifier_key=str(ledger.key), size=ledger.size,
            checkpoint=ledger.checkpoint().decode(),
            streams=(*section.sources, *section.resources) if section else (),
        )  # fmt: skip
