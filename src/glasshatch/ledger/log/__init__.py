"""The log as mathematics and bytes: RFC 6962 trees, signed notes, checkpoints, proofs, file formats. Pure."""

from .blobs import BLOB_REL, MAX_BLOB_BYTES, blob_of
from .checkpoints import Checkpoint, LogKey, open_checkpoint, sign_checkpoint
from .cosignatures import (
    Cosignature,
    CosignerKey,
    check_cosignatures,
    cosign,
    require_cosignatures,
    with_cosignatures,
)
from .hashing import EMPTY_ROOT, HASH_BYTES, leaf_hash, leaf_hashes, node_hash, perfect_root
from .inclusion import check_consistency, check_inclusion
from .notes import Note, Signature, VerifierKey, open_note, parse_note, sign_note, split_notes
from .proof_files import Proof, ProvenEntry, verify_proof
from .pruning import NOT_PRUNED, PRUNED_ACTION, Pruning, decode_pruned, pruning_links, pruning_of
from .succession import Period, Succession, decode_keys, encode_keys, verifier
from .tiles import BUNDLE_ENTRIES, TileName, decode_bundle, encode_bundle, parse_tile_path, tile_path
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
from .witnessing import MAX_REQUEST_BYTES, AddCheckpoint, Refusal, judge, origin_of

__all__ = [
    "BLOB_REL",
    "BUNDLE_ENTRIES",
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_BLOB_BYTES",
    "MAX_REQUEST_BYTES",
    "NOT_PRUNED",
    "PRUNED_ACTION",
    "TILE_BYTES",
    "TILE_WIDTH",
    "AddCheckpoint",
    "Checkpoint",
    "Cosignature",
    "CosignerKey",
    "Edge",
    "KnownRoots",
    "LogKey",
    "Note",
    "Period",
    "Proof",
    "ProvenEntry",
    "Pruning",
    "ReadHashes",
    "Refusal",
    "Signature",
    "Succession",
    "TileName",
    "VerifierKey",
    "blob_of",
    "check_consistency",
    "check_cosignatures",
    "check_inclusion",
    "consistency_proof",
    "cosign",
    "decode_bundle",
    "decode_keys",
    "decode_pruned",
    "encode_bundle",
    "encode_keys",
    "inclusion_proof",
    "judge",
    "leaf_hash",
    "leaf_hashes",
    "level_widths",
    "node_hash",
    "open_checkpoint",
    "open_note",
    "origin_of",
    "parse_note",
    "parse_tile_path",
    "perfect_root",
    "pruning_links",
    "pruning_of",
    "require_cosignatures",
    "root",
    "sign_checkpoint",
    "sign_note",
    "split_notes",
    "tile_path",
    "verifier",
    "verify_proof",
    "with_cosignatures",
]
