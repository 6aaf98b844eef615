"""Taking events of other systems in, at the desk."""

from __future__ import annotations

from ...api.values import IntakeResult
from ...errors import Unavailable
from ...identity import Identity
from ..house import House


class IntakePart:
    """The desk's way in for feeds."""

    def __init__(self, house: House) -> None:
        self._house = house

    def ingest(
        self, caller: Identity, source: str, name: str, body: bytes, encoding: str = ""
    ) -> IntakeResult:
        """Take a delivery; every item of it is durable, as an event or quarantined, when this returns."""
        raise Unavailable("intake is not wired yet")
