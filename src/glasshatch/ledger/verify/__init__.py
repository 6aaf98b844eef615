"""Offline verification, for anybody: a directory with the public key, a proof file with nothing else."""

from ..log import ProvenEntry, verify_proof
from .directory import verify_directory
from .report import Problem, VerifyReport

__all__ = ["Problem", "ProvenEntry", "VerifyReport", "verify_directory", "verify_proof"]
