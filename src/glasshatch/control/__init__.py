"""The small relational state: identities, tokens, requests, grants, the vault; each row authenticated."""

from .aliases import KeptAlias, small
from .certificates import Certificates, IssuedCertificate, KeptAuthority
from .copying import copy_database
from .credentials import Credentials, CredentialStore
from .erasures import Erasure
from .groups import DirectoryGroup, Groups, Step
from .holds import Hold
from .incidents import STEPS, EntryKind, IncidentEntry, KeptIncident, Question
from .links import Links, ProviderLink
from .reveals import KeptReveal, RevealColumn, Reveals, RevealState, require_unspent
from .searches import KeptSearch
from .statements import KeptStatement, StatementState, require_runnable
from .store import ControlStore, Migration, migrate, pending_migration
from .vault import Known, SealedValue, SubjectKey, Vault

__all__ = [
    "STEPS", "Certificates", "ControlStore", "CredentialStore", "Credentials", "DirectoryGroup",
    "EntryKind", "Erasure", "Groups", "Hold", "IncidentEntry", "IssuedCertificate", "KeptAlias",
    "KeptAuthority", "KeptIncident", "KeptReveal", "KeptSearch", "KeptStatement", "Known", "Links",
    "Migration",
    "ProviderLink", "Question", "RevealColumn", "RevealState", "Reveals", "SealedValue", "StatementState",
    "Step", "SubjectKey", "Vault", "copy_database", "migrate", "pending_migration", "require_runnable",
    "require_unspent", "small",
]  # fmt: skip
