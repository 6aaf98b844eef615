"""Keys: a master key that never leaves its place, and per tenant a keyring wrapped under it."""

from .envelope import CIPHER, KEY_BYTES, OVERHEAD_BYTES, Envelope
from .keyring import Keyring
from .master import MasterKey, create_master_key_file, open_master_key

__all__ = [
    "CIPHER",
    "KEY_BYTES",
    "OVERHEAD_BYTES",
    "Envelope",
    "Keyring",
    "MasterKey",
    "create_master_key_file",
    "open_master_key",
]
