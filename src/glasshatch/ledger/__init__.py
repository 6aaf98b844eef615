"""The record: an append-only, signed Merkle log in a directory, its proofs and its verifier."""

from .ledger import Ledger
from .log import Checkpoint, Proof, ProvenEntry, VerifierKey, open_checkpoint
from .options import LedgerOptions
from .reader import LedgerReader
from .verify import Problem, VerifyReport, verify_directory, verify_proof

__all__ = [
    "Checkpoint",
    "Ledger",
    "LedgerOptions",
    "LedgerReader",
    "Problem",
    "Proof",
    "ProvenEntry",
    "VerifierKey",
    "VerifyReport",
    "open_checkpoint",
    "verify_directory",
    "verify_proof",
]
