"""Watching a log from outside: every checkpoint must extend the last one that was seen."""

from .monitor import ALARMS, Monitor, Sighting
from .sources import DirectorySource, LogSource, UrlSource, open_source

__all__ = ["ALARMS", "DirectorySource", "LogSource", "Monitor", "Sighting", "UrlSource", "open_source"]
