"""The record: an append-only, signed Merkle log in a directory, its proofs and its verifier."""

from .anchored import check_anchors, check_since
from .blobs import Large
from .copied import log_begins, pack_number, pruned_blobs
from .cut import CutFile, LedgerCut
from .export import Exported, export_tlog
from .ledger import Ledger
from .log import (
    BLOB_REL,
    MAX_BLOB_BYTES,
    Checkpoint,
    CosignerKey,
    LogKey,
    Proof,
    ProvenEntry,
    Pruning,
    Succession,
    VerifierKey,
    open_checkpoint,
)
from .log.layout import PRUNED_FILE
from .options import LedgerOptions
from .published import Published
from .reader import LedgerReader
from .store import Pack
from .verify import Problem, VerifyReport, verify_directory, verify_proof

__all__ = [
    "BLOB_REL",
    "MAX_BLOB_BYTES",
    "PRUNED_FILE",
    "Checkpoint",
    "CosignerKey",
    "CutFile",
    "Exported",
    "Large",
    "Ledger",
    "LedgerCut",
    "LedgerOptions",
    "LedgerReader",
    "LogKey",
    "Pack",
    "Problem",
    "Proof",
    "ProvenEntry",
    "Pruning",
    "Published",
    "Succession",
    "VerifierKey",
    "VerifyReport",
    "check_anchors",
    "check_since",
    "export_tlog",
    "log_begins",
    "open_checkpoint",
    "pack_number",
    "pruned_blobs",
    "verify_directory",
    "verify_proof",
]
