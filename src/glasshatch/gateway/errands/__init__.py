"""Errands of the gateway's own at a resource: a preview of a change, a reviewed change run for its
asker, and one row read again in clear.

Each uses a connection of its own, under the resource's account; blocking, so never on the loop.
"""

from ..connectors.postgres.catalogue import Catalogue
from .catalogue import house_rule_of, read_catalogue
from .clear import ClearColumn, ClearRow, read_clear
from .images import PLAIN, Bounds, Image, ImagedRow, key_of
from .preview import Preview, TableRows, not_previewed, preview
from .reversing import outline, reversal, unchanged_since
from .running import LIMITS, Done, Wish, run_reversal, run_statement
from .shape import Column, TableShape
from .upstream import Answer, Upstream

__all__ = [
    "LIMITS",
    "PLAIN",
    "Answer",
    "Bounds",
    "Catalogue",
    "ClearColumn",
    "ClearRow",
    "Column",
    "Done",
    "Image",
    "ImagedRow",
    "Preview",
    "TableRows",
    "TableShape",
    "Upstream",
    "Wish",
    "house_rule_of",
    "key_of",
    "not_previewed",
    "outline",
    "preview",
    "read_catalogue",
    "read_clear",
    "reversal",
    "run_reversal",
    "run_statement",
    "unchanged_since",
]
