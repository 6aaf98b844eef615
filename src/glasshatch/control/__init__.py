"""The small relational state: identities, tokens, requests, grants, the vault; each row authenticated."""

from .certificates import Certificates, IssuedCertificate, KeptAuthority
from .copying import copy_database
from .credentials import Credentials, CredentialStore
from .erasures import Erasure
from .groups import DirectoryGroup, Groups, Step
from .holds import Hold
from .links import Links, ProviderLink
from .reveals import KeptReveal, RevealColumn, Reveals, RevealState, require_unspent
from .statements import KeptStatement, StatementState, require_runnable
from .store import ControlStore, Migration, migrate, pending_migration
from .vault import Known, SealedValue, SubjectKey, Vault

__all__ = [
    "Certificates", "ControlStore", "CredentialStore", "Credentials", "DirectoryGroup", "Erasure", "Groups",
    "Hold", "IssuedCertificate", "KeptAuthority", "KeptReveal", "KeptStatement", "Known", "Links",
    "Migration", "ProviderLink", "RevealColumn", "RevealState", "Reveals", "SealedValue", "StatementState",
    "Step", "SubjectKey", "Vault", "copy_database", "migrate", "pending_migration", "require_runnable",
    "require_unspent",
]  # fmt: skip
