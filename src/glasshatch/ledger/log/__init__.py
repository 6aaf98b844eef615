"""The log as mathematics and bytes: RFC 6962 trees, signed notes, checkpoints, proofs, file formats. Pure."""

from .checkpoints import Checkpoint, open_checkpoint, sign_checkpoint, split_notes
from .hashing import EMPTY_ROOT, HASH_BYTES, leaf_hash, leaf_hashes, node_hash, perfect_root
from .inclusion import check_consistency, check_inclusion
from .notes import Note, Signature, VerifierKey, open_note, parse_note, sign_note
from .proof_files import Proof, ProvenEntry, verify_proof
from .tiles import BUNDLE_ENTRIES, decode_bundle, encode_bundle, tile_path
from .tree import (
    TILE_BYTES,
    TILE_WIDTH,
    Edge,
    KnownRoots,
    ReadHashes,
    consistency_proof,
    inclusion_proof,
    level_widths,
    root,
)

__all__ = [
    "BUNDLE_ENTRIES",
    "EMPTY_ROOT",
    "HASH_BYTES",
    "TILE_BYTES",
    "TILE_WIDTH",
    "Checkpoint",
    "Edge",
    "KnownRoots",
    "Note",
    "Proof",
    "ProvenEntry",
    "ReadHashes",
    "Signature",
    "VerifierKey",
    "check_consistency",
    "check_inclusion",
    "consistency_proof",
    "decode_bundle",
    "encode_bundle",
    "inclusion_proof",
    "leaf_hash",
    "leaf_hashes",
    "level_widths",
    "node_hash",
    "open_checkpoint",
    "open_note",
    "parse_note",
    "perfect_root",
    "root",
    "sign_checkpoint",
    "sign_note",
    "split_notes",
    "tile_path",
    "verify_proof",
]
