"""The search engine behind the ledger: derived, rebuildable, never the truth."""
