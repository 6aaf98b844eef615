"""Sealed values: kept before their leaves, opened for who may, destroyed for good."""

from .keeping import VaultKeeper
from .recovering import ERASED, KEY_LINK, SIZES, recover
from .sealing import SealedBatch, Sealer

__all__ = ["ERASED", "KEY_LINK", "SIZES", "SealedBatch", "Sealer", "VaultKeeper", "recover"]
