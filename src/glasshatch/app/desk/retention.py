"""Pruning at the desk: for administrators, within the policy of the configuration, and recorded."""

from __future__ import annotations

from ...api.retention import Pruned, PruneForm
from ...errors import ConfigError
from ...identity import Identity
from ..house import House
from ..retention import Retention

_LEAST_REASON = 3


class RetentionPart:
    """The desk's `RetentionDesk` port.

    Administrators may: they can take nothing away that the policy keeps, which stands in a file that the
    API cannot write, and every pruning is an entry that stays.
    """

    def __init__(self, house: House) -> None:
        self._pruning_house = house
        self._retention = Retention(house)

    def prune(self, caller: Identity, form: PruneForm) -> Pruned:
        """One step; the caller asks again while there is more."""
        self._pruning_house.require(caller, "ledger.prune")
        if form.before and not (form.before.isascii() and form.before.isdigit() and len(form.before) < 20):
            raise ConfigError("is no time in nanoseconds", key="before")
        if not form.dry_run and len(form.reason.strip()) < _LEAST_REASON:
            raise ConfigError("is needed, and is recorded", key="reason", hint="say why these entries go")
        return self._retention.prune(
            form.ledger, before=form.before, reason=form.reason, actor=caller.as_actor(), dry_run=form.dry_run
        )
