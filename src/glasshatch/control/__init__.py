"""The small relational state: identities, tokens, requests, reviews and grants, each row authenticated."""

from .copying import copy_database
from .store import ControlStore, Migration, migrate, pending_migration

__all__ = ["ControlStore", "Migration", "copy_database", "migrate", "pending_migration"]
