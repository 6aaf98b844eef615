"""Events too large for an entry: the whole bytes go beside the ledger, and the entry is what fits of them.

It all happens after redaction, so neither of the two ever holds anything that an entry may not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ..errors import TooLarge
from ..events import MAX_ENTRY_BYTES, Event, Link, encode, encode_whole
from ..ledger import BLOB_REL, MAX_BLOB_BYTES, Large

CUT: Final = "[CUT]"
"""Stands where something of the whole event was left out."""
CLAIMED_REL: Final = "claimed_blob"
"""What a link that only we may write becomes, where an event brings one along."""

_CLAIM = f'"rel":"{BLOB_REL}"'.encode()
"""How such a link stands in an event; texts may hold it too, and cost no more than a second look."""

_KEPT = frozenset(
    {"id", "time", "action", "source", "tenant", "schema", "observed_time", "severity", "actor", "session_id",
     "request_id", "trace_id", "span_id", "redaction", "resource", "decision"}
)  # fmt: skip
"""Who did what, when, to which thing: kept as it is. Access to the record is decided by it."""
_STEPS = ((4_096, 64), (1_024, 32), (256, 16), (64, 8), (16, 4))
"""How long a text may be, and how many parts a list may have: the first step with which it fits is taken."""
_EARLY_LABELS = ("dedup",)
_DEPTH = 64


def fitted(event: Event) -> bytes | Large:
    """The entry of a redacted event, with its whole bytes if it is the short form of more.

    Raises:
        TooLarge: It is larger than a blob may be, or even its short form does not fit.
    """
    event = _without_claims(event)
    whole = encode_whole(event)
    if len(whole) <= MAX_ENTRY_BYTES:
        return whole
    if len(whole) > MAX_BLOB_BYTES:
        raise TooLarge(
            f"event {event.id} ({event.action}) has {len(whole)} bytes, the limit is {MAX_BLOB_BYTES}",
            hint="record it in parts; nothing of it was stored",
        )
    digest = hashlib.sha256(whole).hexdigest()
    return Large(encode(_short_form(event, digest, len(whole))), whole, digest)


def is_entry(whole: bytes) -> bool:
    """Whether the canonical bytes of an event may be its entry: they fit, and claim nothing as below."""
    return len(whole) <= MAX_ENTRY_BYTES and _CLAIM not in whole


def without_bulk(event: Event) -> Event:
    """The same fact without what can be of any length, for one that even a blob could not hold."""
    event, statement = _without_claims(event), event.statement
    if statement is not None:
        statement = msgspec.structs.replace(statement, text="[TOO LARGE]", shape="")
    attrs = {"truncated": "text, attrs and native exceeded what can be kept"}
    return msgspec.structs.replace(event, statement=statement, native=None, attrs=attrs)


def _without_claims(event: Event) -> Event:
    """An event whose links say nothing that only the ledger's own short forms may say."""
    if not any(link.rel == BLOB_REL for link in event.links):
        return event
    links = tuple(Link(rel=CLAIMED_REL, id=link.id) if link.rel == BLOB_REL else link for link in event.links)
    return msgspec.structs.replace(event, links=links)


def _short_form(event: Event, digest: str, size: int) -> Event:
    """What of the event fits an entry, with a link to the whole; raises `TooLarge` if too little does."""
    members = msgspec.to_builtins(event)
    for longest, most in _STEPS:
        short = {
            name: value if name in _KEPT else _cut(value, longest, most) for name, value in members.items()
        }
        if event.statement is not None:
            short["statement"]["hash"] = event.statement.hash
        short["attrs"] = {**short.get("attrs", {}), "truncated": f"the whole event has {size} bytes"}
        short["links"] = [*short.get("links", ()), {"rel": BLOB_REL, "id": digest}]
        made = msgspec.convert(short, Event)
        if len(encode_whole(made)) <= MAX_ENTRY_BYTES:
            return made
    raise TooLarge(
        f"event {event.id} ({event.action}) has {size} bytes, and too many of them name who and what",
        hint="shorten the names of actor and resource",
    )


def _cut(value: Any, longest: int, most: int, depth: int = 0) -> Any:
    """The beginning of each text and list; of an object those of its members that are small come first."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest] + CUT
    if isinstance(value, (list, tuple)):
        kept = [_cut(item, longest, most, depth + 1) for item in value[:most]]
        return kept if len(value) <= most or not _texts(value) else [*kept, CUT]
    if isinstance(value, dict):
        return _cut_members(value, longest, most, depth)
    return value


def _cut_members(value: dict[str, Any], longest: int, most: int, depth: int) -> Any:
    if depth > _DEPTH:
        return CUT
    names = [name for name in value if len(name) <= longest]
    if len(names) > 2 * most:
        names = sorted(names, key=lambda name: (name not in _EARLY_LABELS, _weight(value[name])))[: 2 * most]
    kept = set(names)
    return {name: _cut(item, longest, most, depth + 1) for name, item in value.items() if name in kept}


def _weight(value: Any) -> int:
    """About how much of an entry a value takes; containers come last."""
    return len(value) if isinstance(value, str) else 1 << 30 if isinstance(value, (dict, list, tuple)) else 0


def _texts(value: Sequence[Any]) -> bool:
    return all(isinstance(item, str) for item in value)
