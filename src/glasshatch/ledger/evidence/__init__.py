"""Evidence bundles: events with their proofs in one file that anybody can read and check. Pure."""

from .archive import MAX_ARCHIVE_BYTES, read_archive, write_archive
from .checking import CheckedEvidence, check_evidence
from .contents import MADE_ACTION, MANIFEST_REL, REDACTION, SHORT_FORMS, Facts, Gap, Maker, Manifest
from .making import MAX_EVENT_BYTES, MAX_EVENTS, Draft
from .page import PAGE_VERSION, render_page
from .postmortem import (
    CheckedPostMortem,
    PinnedEvent,
    PostMortemDraft,
    PostMortemFacts,
    check_post_mortem,
    is_post_mortem,
    post_mortem_files,
)

__all__ = [
    "MADE_ACTION",
    "MANIFEST_REL",
    "MAX_ARCHIVE_BYTES",
    "MAX_EVENTS",
    "MAX_EVENT_BYTES",
    "PAGE_VERSION",
    "REDACTION",
    "SHORT_FORMS",
    "CheckedEvidence",
    "CheckedPostMortem",
    "Draft",
    "Facts",
    "Gap",
    "Maker",
    "Manifest",
    "PinnedEvent",
    "PostMortemDraft",
    "PostMortemFacts",
    "check_evidence",
    "check_post_mortem",
    "is_post_mortem",
    "post_mortem_files",
    "read_archive",
    "render_page",
    "write_archive",
]
