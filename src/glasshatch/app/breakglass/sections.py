"""Break-glass as the configuration says it."""

from __future__ import annotations

import msgspec


class BreakGlassSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the head of the break-glass book lies, apart from the book.

    anchor: a file, best on another disk than the data directory, so that who deletes the one leaves the
    other; by default `keys/break-glass.head` in the data directory.
    """

    anchor: str = ""
