"""The search engine behind the ledger: derived, rebuildable, never the truth."""

from .index import Index
from .place import Place
from .schema import ddl
from .shortening import KEPT, restored

__all__ = ["KEPT", "Index", "Place", "ddl", "restored"]
