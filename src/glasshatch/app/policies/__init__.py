"""Policies at work: explained, kept up to date in a running server, replayed over the record."""

from .explaining import Judge, local_judge, sources_of
from .lines import AskLine, read_asks

__all__ = ["AskLine", "Judge", "local_judge", "read_asks", "sources_of"]
