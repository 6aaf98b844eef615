"""OCSF: one JSON object an event, of the class that says most of it."""

from __future__ import annotations

import msgspec

from ...parcel import Item
from .mapping import OCSF_VERSION, mapped

__all__ = ["FORM", "OCSF_VERSION", "Ocsf"]

_encode = msgspec.json.Encoder().encode


class Ocsf:
    """Open Cybersecurity Schema Framework, version `OCSF_VERSION`."""

    name = "ocsf"
    suffix = ".ocsf.jsonl"
    media_type = "application/json"

    def line(self, item: Item) -> bytes:
        """One event."""
        return _encode(mapped(item))

    def file(self, items: tuple[Item, ...]) -> bytes:
        """One event a line."""
        return b"".join([_encode(mapped(item)) + b"\n" for item in items])


FORM = Ocsf()
