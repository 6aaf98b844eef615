"""Keys: a master key that never leaves its place, and per tenant a keyring wrapped under it."""

from .envelope import CIPHER, KEY_BYTES, OVERHEAD_BYTES, Envelope
from .keyring import KINDS, KeyFacts, Keyring, Kind
from .ledgerkeys import DEFAULT_LEDGER, LedgerKeys, OneLedger
from .masters import MASTERS, MasterKey, MasterKind, create_master_key_file, open_master_key
from .rotation import activate_key, prepare_key, retire_key, rewrapped

__all__ = [
    "CIPHER",
    "DEFAULT_LEDGER",
    "KEY_BYTES",
    "KINDS",
    "MASTERS",
    "OVERHEAD_BYTES",
    "Envelope",
    "KeyFacts",
    "Keyring",
    "Kind",
    "LedgerKeys",
    "MasterKey",
    "MasterKind",
    "OneLedger",
    "activate_key",
    "create_master_key_file",
    "open_master_key",
    "prepare_key",
    "retire_key",
    "rewrapped",
]
