"""Names in free text: a language model in a process of its own, asked before an event is recorded."""

from .finder import NameFinder
from .opening import check_names, open_names

__all__ = ["NameFinder", "check_names", "open_names"]
