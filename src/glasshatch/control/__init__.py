"""The small relational state: identities, tokens, requests, reviews and grants, each row authenticated."""

from .store import ControlStore, Migration, migrate, pending_migration

__all__ = ["ControlStore", "Migration", "migrate", "pending_migration"]
