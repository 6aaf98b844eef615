"""Backups: a data directory as of one checkpoint, taken while its server runs, and put back."""

from .making import MadeBackup, make_backup
from .moments import find_moment
from .restoring import Restored, restore_home

__all__ = ["MadeBackup", "Restored", "find_moment", "make_backup", "restore_home"]
