"""The search engine behind the ledger: derived, rebuildable, never the truth."""

from .index import Index

__all__ = ["Index"]
