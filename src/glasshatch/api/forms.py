"""What all forms have in common."""

from __future__ import annotations

import msgspec


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller sends; an unknown member is refused."""
