"""All parts of the desk in one."""

from __future__ import annotations

from ..house import House
from .access import AccessPart
from .people import PeoplePart
from .record import RecordPart


class ServerDesk(RecordPart, AccessPart, PeoplePart):
    """Fills the API's `Desk` port over an open house."""

    def __init__(self, house: House, *, listening: str = "") -> None:
        RecordPart.__init__(self, house, listening=listening)
        AccessPart.__init__(self, house)
        PeoplePart.__init__(self, house)
