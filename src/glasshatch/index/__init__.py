"""The search engine behind the ledger: derived, rebuildable, never the truth."""

from .index import Index, Made, batches
from .place import Place
from .schema import FAILED, bar_sql, ddl
from .shortening import KEPT, restored

__all__ = ["FAILED", "KEPT", "Index", "Made", "Place", "bar_sql", "batches", "ddl", "restored"]
