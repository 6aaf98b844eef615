"""The record: an append-only, signed Merkle log in a directory, its proofs and its verifier."""

from .anchored import check_anchors
from .cut import CutFile, LedgerCut
from .export import Exported, export_tlog
from .ledger import Ledger
from .log import Checkpoint, CosignerKey, LogKey, Proof, ProvenEntry, Succession, VerifierKey, open_checkpoint
from .options import LedgerOptions
from .published import Published
from .reader import LedgerReader
from .verify import Problem, VerifyReport, verify_directory, verify_proof

__all__ = [
    "Checkpoint",
    "CosignerKey",
    "CutFile",
    "Exported",
    "Ledger",
    "LedgerCut",
    "LedgerOptions",
    "LedgerReader",
    "LogKey",
    "Problem",
    "Proof",
    "ProvenEntry",
    "Published",
    "Succession",
    "VerifierKey",
    "VerifyReport",
    "check_anchors",
    "export_tlog",
    "open_checkpoint",
    "verify_directory",
    "verify_proof",
]
