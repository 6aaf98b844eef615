"""Policies at work: explained, kept up to date in a running server, replayed over the record."""

from .explaining import Judge, local_judge, policy_of, sources_of
from .lines import AskLine, is_text, read_asks
from .live import LivePolicy
from .replaying import Replay

__all__ = [
    "AskLine",
    "Judge",
    "LivePolicy",
    "Replay",
    "is_text",
    "local_judge",
    "policy_of",
    "read_asks",
    "sources_of",
]
