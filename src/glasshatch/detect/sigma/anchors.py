"""What a record must hold so that a rule can match at all: the few rules to ask are found by it.

An anchor is a text in one field. A rule's anchors are such that a record with none of them cannot match.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .forms import All, Any_, Form, Pattern, Text
from .literals import longest_literal

Way = Literal["is", "base", "has"]
"""The whole text, its last part behind a slash or backslash, or anywhere in it."""

_MOST = 400
_SHORT = 3
_COMMON = frozenset(
    {
        "eventid", "channel", "provider_name", "verb", "eventsource", "product", "type", "company",
        "integritylevel", "logontype", "user", "status", "protocol", "initiated", "operation", "severity",
    }
)  # fmt: skip
"""Fields that hold the same in many records, so that an anchor there sorts little out."""

_EVERYDAY = frozenset(
    {
        "cmd.exe", "powershell.exe", "pwsh.exe", "reg.exe", "rundll32.exe", "svchost.exe", "explorer.exe",
        "services.exe", "conhost.exe", "wmic.exe", "net.exe", "net1.exe", "schtasks.exe", "msiexec.exe",
        "bash", "sh", "python", "curl", "sudo", "chrome.exe",
    }
)  # fmt: skip
"""Programs that run all day."""


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """A text in a field, in lower case; an empty field is every text of the record."""

    field: str
    way: Way
    text: str


def anchors_of(form: Form) -> tuple[Anchor, ...] | None:
    """The anchors of a form; None if it may match without any."""
    found = _anchors(form)
    return tuple(dict.fromkeys(found)) if found is not None and len(found) <= _MOST else None


def _anchors(form: Form) -> list[Anchor] | None:
    if isinstance(form, All):
        options = [found for item in form.items if (found := _anchors(item)) is not None]
        return min(options, key=_share) if options else None
    if isinstance(form, Any_):
        every: list[Anchor] = []
        for item in form.items:
            found = _anchors(item)
            if found is None:
                return None
            every += found
        return every
    if isinstance(form, Pattern):
        text = longest_literal(form.pattern)
        return [Anchor(form.field, "has", text)] if len(text) >= _SHORT else None
    return _of_text(form) if isinstance(form, Text) else None


def _of_text(form: Text) -> list[Anchor] | None:
    """Cased texts have the anchor of their lower-case form, which is there if they are."""
    text = form.text.lower()
    if form.operator == "is":
        return [Anchor(form.field, "is", text)] if form.field and text else None
    if form.operator == "ends" and form.field and (base := _base(text)):
        return [Anchor(form.field, "base", base)]
    if form.operator == "glob":
        text = max((part.lower() for part in form.parts if isinstance(part, str)), key=len, default="")
    return [Anchor(form.field, "has", text)] if len(text) >= _SHORT else None


def _base(text: str) -> str:
    """The last part of a path, if the text pins down where that begins."""
    at = max(text.rfind("\\"), text.rfind("/"))
    return text[at + 1 :] if at >= 0 else ""


def _share(anchors: list[Anchor]) -> float:
    """About how many records of a hundred hold one of them; a guess that only time depends on."""
    return sum(map(_guess, anchors))


def _guess(anchor: Anchor) -> float:
    if anchor.field in _COMMON:
        return 40.0
    if anchor.way == "has":
        share = 30 * 0.6 ** len(anchor.text)
        return share if anchor.field else 10 * share
    return 10.0 if anchor.text in _EVERYDAY else 0.5
