"""Keys: a master key that never leaves its place, and per tenant a keyring wrapped under it."""

from .envelope import CIPHER, KEY_BYTES, OVERHEAD_BYTES, Envelope
from .keyring import Keyring
from .ledgerkeys import DEFAULT_LEDGER, LedgerKeys, OneLedger
from .master import MasterKey, create_master_key_file, open_master_key

__all__ = [
    "CIPHER",
    "DEFAULT_LEDGER",
    "KEY_BYTES",
    "OVERHEAD_BYTES",
    "Envelope",
    "Keyring",
    "LedgerKeys",
    "MasterKey",
    "OneLedger",
    "create_master_key_file",
    "open_master_key",
]
