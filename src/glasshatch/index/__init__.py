"""The search engine behind the ledger: derived, rebuildable, never the truth."""

from .index import Index, Made, batches
from .place import Place
from .schema import ddl
from .shortening import KEPT, restored

__all__ = ["KEPT", "Index", "Made", "Place", "batches", "ddl", "restored"]
