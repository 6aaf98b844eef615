"""The small relational state: identities, tokens, requests, grants, the vault; each row authenticated."""

from .copying import copy_database
from .erasures import Erasure
from .holds import Hold
from .statements import KeptStatement, StatementState, require_runnable
from .store import ControlStore, Migration, migrate, pending_migration
from .vault import Known, SealedValue, SubjectKey, Vault

__all__ = [
    "ControlStore", "Erasure", "Hold", "KeptStatement", "Known", "Migration", "SealedValue", "StatementState",
    "SubjectKey", "Vault", "copy_database", "migrate", "pending_migration", "require_runnable",
]  # fmt: skip
