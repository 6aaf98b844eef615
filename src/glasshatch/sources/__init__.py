"""The feeds: events of other systems, parsed, redacted and recorded. A kind of source is a folder here."""

from __future__ import annotations

import importlib
import pkgutil

from .bodies import MAX_BODY_BYTES, decode_body
from .examples import try_examples
from .feeds import Feeds
from .files import BEGIN, Lines, Place, read_lines
from .following import Followed, LogFollower
from .forms import Form, Options, json_form, whole_lines
from .intake import PARAMETERS, Intake
from .items import MAX_ITEM_BYTES, Item, Piece
from .mapping import load_mapping
from .parsed import Arrival, Gap, Memory, Parsed, Rejected, Setup, SourceKind, time_ns
from .positions import LogPosition, Position, Positions, mark_of, state_directory
from .receiving import Counts, Door, Listening, Receive, Receiver, Way, cannot_listen, server_context
from .remembering import Memories
from .result import IntakeResult
from .seen import Seen
from .standing import FeedStanding

__all__ = [
    "BEGIN",
    "MAX_BODY_BYTES",
    "MAX_ITEM_BYTES",
    "PARAMETERS",
    "SOURCES",
    "Arrival",
    "Counts",
    "Door",
    "FeedStanding",
    "Feeds",
    "Followed",
    "Form",
    "Gap",
    "Intake",
    "IntakeResult",
    "Item",
    "Lines",
    "Listening",
    "LogFollower",
    "LogPosition",
    "Memories",
    "Memory",
    "Options",
    "Parsed",
    "Piece",
    "Place",
    "Position",
    "Positions",
    "Receive",
    "Receiver",
    "Rejected",
    "Seen",
    "Setup",
    "SourceKind",
    "Way",
    "cannot_listen",
    "decode_body",
    "json_form",
    "load_mapping",
    "mark_of",
    "read_lines",
    "server_context",
    "state_directory",
    "time_ns",
    "try_examples",
    "whole_lines",
]  # fmt: skip

_folders = (module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
_found = (importlib.import_module(f"{__name__}.{name}").SOURCE for name in _folders)
SOURCES: dict[str, SourceKind] = {source.name: source for source in _found}
"""Every kind of source, by name: each folder of this room exposes its own as `SOURCE`."""
