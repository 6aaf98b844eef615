"""The published parts of a data directory's ledgers, by name."""

from __future__ import annotations

from ..ledger import Published
from .home import Home


class PublishedLogs:
    """Finds a ledger's published part; one that was made since is found too."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def find(self, name: str) -> Published | None:
        """The part that anybody may see, or None if there is no such ledger."""
        return self.of(name) if name in self._home.ledger_names() else None

    def of(self, name: str) -> Published:
        """The published part of a ledger that is there."""
        return Published(self._home.ledger_of(name), self._home.witnessed_of(name))
