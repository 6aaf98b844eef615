"""What is missing from the record: sessions without an end, statements without an outcome, lost numbers."""

from .following import Hole, OpenSession, SessionBook
from .keeping import GapKeeper
from .telling import Teller

__all__ = ["GapKeeper", "Hole", "OpenSession", "SessionBook", "Teller"]
