"""PostgreSQL: clients speak protocol 3.0 to the gateway, which speaks it to the database."""

from __future__ import annotations

from collections.abc import Callable

from ....events import Client, Ids
from ...core import Connector, Conversation, House
from .answers import error_message
from .conversation import PostgresConversation
from .shelf import Shelf


class PostgresConnector:
    """Makes PostgreSQL conversations. Sessions of one resource share what is known of its tables."""

    name = "postgres"

    def open(self, house: House) -> Callable[[Client], Conversation]:
        """One shelf per resource for the server's lifetime."""
        shelves = {name: Shelf(house.limits.catalogue_ns, house.siblings) for name in house.resources}
        ids = Ids(house.random)
        return lambda client: PostgresConversation(house, shelves, client, ids)

    def too_many(self) -> bytes:
        """What a client is told when there is no room for it."""
        return error_message(
            "53300", "the gateway has too many sessions", hint="Close some.", severity="FATAL"
        )


CONNECTOR: Connector = PostgresConnector()

__all__ = ["CONNECTOR", "PostgresConnector", "PostgresConversation"]
