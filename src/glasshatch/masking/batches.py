"""Whole batches of events, from their bytes to the bytes that may be stored, where the compiled kernel can.

What comes out equals, byte for byte, the redacted event encoded. What the kernel does not know, and
everything in which anything goes wrong, is given back for the long way: over the event itself, in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from ..events import Event, Redaction, encode_whole
from .embedded import opened
from .engine import Engine, Finding
from .eventfields import EVENT_HINTS, NAMED, PLAIN, UNTOUCHED, key_facts
from .gathering import count_tokens
from .kernel import EVENTS, made, rewritten, splice
from .telling import PAIRS, flagged
from .tokens import UNSCANNED
from .ways import Ways

Tell = Callable[[str, str, list[Finding] | None], str]
"""What stands for a text whose key tells a type, given that and what was found in it."""
Find = Callable[[Sequence[str]], dict[int, list[Finding] | None]]


class Canonical(Protocol):
    """An event as its canonical bytes; `kind` is what they say of its source's kind."""

    @property
    def data(self) -> bytes: ...
    @property
    def kind(self) -> str: ...


VOUCHED, FOREIGN, FOREIGN_BUT_ACTOR = range(3)
"""How an event is walked: one that somebody vouches for, any other, and one whose actor stays in clear."""

_TREES = ("labels",)
"""Members of parts of an event whose own names are foreign too."""
_MOST_BYTES = 1 << 20
"""So many at once: a scan's room and time are bounded by its text, which is never longer than the events."""
_MANY = 4_096


class Batches:
    """Redacts batches for one engine. Any thread may call it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._nothing = msgspec.json.encode(Redaction(pack_hash=engine.pack_hash))
        self._redactions: dict[tuple[tuple[str, int], ...], bytes] = {}
        self._rules = None if EVENTS is None else _rules()

    @property
    def at_work(self) -> bool:
        """Whether there is a compiled kernel."""
        return self._rules is not None

    def encoded(
        self, events: Sequence[Event | Canonical], walks: Sequence[int], ways: Ways, tell: Tell, find: Find
    ) -> list[bytes | None]:
        """The bytes of each event as it may be stored; None for one that goes the long way.

        Args:
            walks: `VOUCHED`, `FOREIGN` or `FOREIGN_BUT_ACTOR` of each.
            tell: `Redactor` says what stands where a key tells a type.
            find: Scans texts that are not of ASCII alone; None of one that could not be scanned.
        """
        out: list[bytes | None] = []
        waiting: list[tuple[bytes, int]] = []
        size = 0
        for event, walk in zip(events, walks, strict=True):
            whole = _whole(event)
            if size + len(whole) > _MOST_BYTES and waiting:
                out += self._made(waiting, ways, tell, find)
                waiting, size = [], 0
            waiting.append((whole, walk))
            size += len(whole)
        return out + self._made(waiting, ways, tell, find) if waiting else out

    def _made(
        self, events: Sequence[tuple[bytes, int]], ways: Ways, tell: Tell, find: Find
    ) -> list[bytes | None]:
        try:
            return self._redacted(events, ways, tell, find)
        except Exception:
            # Whatever it was, the long way shows for which event, and closes that one alone.
            return [None] * len(events)

    def _redacted(
        self, events: Sequence[tuple[bytes, int]], ways: Ways, tell: Tell, find: Find
    ) -> list[bytes | None]:
        batch = EVENTS.Batch(self._rules, lambda text: opened(text, ways.whole))
        for whole, walk in events:
            batch.add(whole, walk if len(whole) <= _MOST_BYTES else -1)
        found = self._engine.found_joined(batch.joined, batch.starts) if len(batch) else {}
        others = find(batch.others) if batch.others else {}
        batch.rewrite(
            found,
            [others.get(place, []) for place in range(len(batch.others))],
            lambda text, group, start: _spliced(text, group, start, ways),
            lambda text, hint, group, start: tell(
                text, hint, group if start < 0 else made(Finding, group, start)
            ),
        )
        finished: list[bytes | None] = batch.finish(self._nothing, self._redaction)
        return finished

    def _redaction(self, texts: list[str]) -> bytes:
        key = tuple(count_tokens(texts).items())
        known = self._redactions.get(key)
        if known is None:
            known = msgspec.json.encode(
                Redaction(counts=dict(key), pack_hash=self._engine.pack_hash), order="sorted"
            )
            if len(self._redactions) < _MANY:
                self._redactions[key] = known
        return known


def _whole(event: Event | Canonical) -> bytes:
    """Its bytes; none of one that cannot be written, of which the long way says why."""
    if not isinstance(event, Event):
        return event.data
    try:
        return encode_whole(event)
    except Exception:
        return b""


def _spliced(text: str, group: Any, start: int, ways: Ways) -> str:
    if start >= 0:
        return rewritten(text, group, start, ways.of)
    return UNSCANNED if group is None else splice(text, group, ways.of)


def _rules() -> Any:
    return EVENTS.Rules(
        {name: _ways_of(name) for name in Event.__struct_fields__},
        PLAIN, _TREES, sorted(EVENT_HINTS), key_facts, flagged, PAIRS,
    )  # fmt: skip


def _ways_of(name: str) -> tuple[str, str, str]:
    """How the kernel walks a member, of each kind of event: see `eventfields`."""
    if name in UNTOUCHED:
        return ("skip", "skip", "skip")
    if name in NAMED:
        return ("tree", "tree", "tree")
    vouched = "plain" if name in PLAIN else name if name in ("actor", "resource", "resources") else "skip"
    foreign = "plain" if name == "client" else "part"
    return (vouched, foreign, "skip" if name == "actor" else foreign)
