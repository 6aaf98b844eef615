"""Asking the record: query language, search, timeline, statistics."""
