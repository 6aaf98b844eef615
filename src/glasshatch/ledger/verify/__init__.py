"""Offline verification, for anybody: a directory with the public key, a proof file with nothing else."""

from ..log import ProvenEntry, verify_proof
from .directory import verify_directory
from .disclosure import Disclosed, Disclosure, is_disclosure, verify_disclosure
from .report import Problem, VerifyReport

__all__ = [
    "Disclosed", "Disclosure", "Problem", "ProvenEntry", "VerifyReport",
    "is_disclosure", "verify_directory", "verify_disclosure", "verify_proof",
]  # fmt: skip
