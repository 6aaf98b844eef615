"""Glasshatch: the glass hatch into production. Importing this package starts nothing."""

__version__ = "0.1.0"
