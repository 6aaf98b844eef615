"""Watching a log from outside: every checkpoint must extend the last one that was seen."""

from .monitor import ALARMS, Monitor, Sighting
from .served import ServedReport, verify_served
from .sources import DirectorySource, LogSource, UrlSource, is_exported, open_source

__all__ = [
    "ALARMS", "DirectorySource", "LogSource", "Monitor", "ServedReport", "Sighting", "UrlSource",
    "is_exported", "open_source", "verify_served",
]  # fmt: skip
