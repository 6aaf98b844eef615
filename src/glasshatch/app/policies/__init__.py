"""Policies at work: explained, kept up to date in a running server, replayed over the record."""

from .explaining import Judge, local_judge, policy_of, touched
from .live import LivePolicy
from .replaying import Replay

__all__ = ["Judge", "LivePolicy", "Replay", "local_judge", "policy_of", "touched"]
