"""The feeds: events of other systems, parsed, redacted and recorded. A kind of source is a folder here."""

from __future__ import annotations

import importlib
import pkgutil

from .bodies import MAX_BODY_BYTES, decode_body
from .files import Lines, read_lines
from .intake import Intake, IntakeResult
from .items import MAX_ITEM_BYTES
from .parsed import Arrival, Parsed, Rejected, SourceKind
from .seen import Seen

__all__ = [
    "MAX_BODY_BYTES", "MAX_ITEM_BYTES", "SOURCES", "Arrival", "Intake", "IntakeResult", "Lines",
    "Parsed", "Rejected", "Seen", "SourceKind", "decode_body", "read_lines",
]  # fmt: skip

_folders = (module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
_found = (importlib.import_module(f"{__name__}.{name}").SOURCE for name in _folders)
SOURCES: dict[str, SourceKind] = {source.name: source for source in _found}
"""Every kind of source, by name: each folder of this room exposes its own as `SOURCE`."""
