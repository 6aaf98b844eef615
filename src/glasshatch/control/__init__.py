"""The small relational state: identities, tokens, requests, grants, the vault; each row authenticated."""

from .copying import copy_database
from .erasures import Erasure
from .holds import Hold
from .store import ControlStore, Migration, migrate, pending_migration
from .vault import Known, SealedValue, SubjectKey, Vault

__all__ = [
    "ControlStore", "Erasure", "Hold", "Known", "Migration", "SealedValue", "SubjectKey", "Vault",
    "copy_database", "migrate", "pending_migration",
]  # fmt: skip
