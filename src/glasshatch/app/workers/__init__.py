"""Gateway processes beside the front: they serve sessions, the front keeps ledger, grants and policy.

The front tells nobody of a change; it counts. A page of memory that all of them share holds the count, and a
worker looks at it before each decision, which costs nothing; when it moved, the worker asks anew. So a grant
that was taken back, or a policy that was loaded, holds in every process from the next statement on.
"""

from .keeping import Keeper
from .page import MAX_WORKERS, Page
from .recording import FarLedger, FarRecord
from .standing import FarAuthenticator, FarEndings, FarReviews, FarStanding, FarUsage, Line, Siblings
from .values import Hello

__all__ = [
    "MAX_WORKERS",
    "FarAuthenticator",
    "FarEndings",
    "FarLedger",
    "FarRecord",
    "FarReviews",
    "FarStanding",
    "FarUsage",
    "Hello",
    "Keeper",
    "Line",
    "Page",
    "Siblings",
]
