"""Reading alerts and taking them on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..clock import Clock
from ..errors import ConfigError, Conflict
from ..events import Actor, Event
from .alerts import AlertStanding
from .notes import acknowledged_event
from .stepping import acknowledge
from .store import Store

_LIMIT = 1_000
_LEAST_PREFIX = 4


class Alerts:
    """What people do with alerts; may be called by any thread."""

    def __init__(self, store: Store, record: Callable[[Event], object], clock: Clock) -> None:
        """record: makes an event durable in the record, redacted, or raises a `GlasshatchError`."""
        self._store = store
        self._record = record
        self._clock = clock
        self._one_at_a_time = threading.Lock()

    def list(self, state: str = "", limit: int = _LIMIT) -> list[AlertStanding]:
        """The newest alerts, newest first. state: `open`, `acknowledged`, or nothing for all.

        Raises:
            ConfigError: There is no such state.
        """
        if state not in ("", "open", "acknowledged"):
            raise ConfigError("an alert is open or acknowledged", key="state")
        return self._store.alerts(state, limit)

    def find(self, id: str) -> AlertStanding:
        """The alert with this id, or the one whose id begins so.

        Raises:
            ConfigError: There is none, or more than one, or the beginning is too short to mean one.
        """
        found = self._store.alerts_by_prefix(id) if len(id) >= _LEAST_PREFIX else []
        if not found:
            raise ConfigError(
                "no alert has this id",
                key=id[:64],
                hint=f"`alerts ls` shows them; {_LEAST_PREFIX} digits or more",
            )
        if len(found) > 1:
            raise ConfigError("more than one alert begins so", key=id[:64], hint="give more digits")
        return found[0]

    def acknowledge(self, id: str, by: Actor, comment: str = "") -> AlertStanding:
        """Take an alert on. It is in the record when this returns; detection's file then follows.

        The comment is stored as the record has it, redacted, once detection has read it back.

        Raises:
            ConfigError: As `find` does.
            Conflict: Somebody has taken it on before; says who.
            Unavailable: It could not be recorded; whether it was, the next try tells.
        """
        with self._one_at_a_time:
            standing = self.find(id)
            if standing.state != "open":
                raise Conflict(f"this alert was taken on by {standing.acknowledged_by}")
            event = acknowledged_event(standing, by, comment, self._clock.now_ns())
            self._record(event)
            # A crash here leaves the alert open until detection reads the event back.
            statement, values = acknowledge(standing.id, by.name or by.id, "", event.id)
            with self._store.transaction() as connection:
                # Detection may have read it back already, with the comment: then that stays.
                connection.execute(f"{statement} AND acknowledgement = ''", values)
            return self.find(standing.id)
