"""Rules over files, without a server and without a record: what would they have found?

Nothing is stored. A record is looked at as its source wrote it, and as the canonical event that a server
would make of it; what no source understands is looked at as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..detect.sigma import (
    CorrelationFinding,
    Correlations,
    Record,
    RuleSet,
    Sighting,
    SigmaFolder,
    Sources,
    named_source,
    sources_of,
)
from ..errors import ConfigError
from ..sources import SOURCES, Arrival, Item, Parsed, SourceKind, read_lines, time_ns

_IDS = ("eventID", "auditID", "uuid", "insertId", "_document_id", "event_id", "id")
"""How sources name an event's own id, the surer ones first."""

_TIMES = ("time", "timestamp", "@timestamp", "eventTime", "requestReceivedTimestamp", "published", "UtcTime")
_TENANT = "default"
_NEVER_NS = 2**63

Progress = Callable[[int, int], None]
"""Hears how many bytes of how many are read."""


class FileFinding(msgspec.Struct, frozen=True):
    """A rule that a record of a file matches. event: the record's own id, or its file and line. time: in
    nanoseconds since the epoch, as the record says; empty if it does not."""

    rule: str
    title: str
    level: str
    event: str
    time: str


class FileDetection:
    """Rules, ready for files of one kind of source. For one thread."""

    def __init__(self, folder: SigmaFolder, source: str = "") -> None:
        """`source` is a kind of source, or a log source of Sigma (`product/category/service`).

        Raises:
            ConfigError: It is neither.
        """
        self._kind = SOURCES.get(source, SOURCES["json"])
        self._sources = _named(source)
        self._name = source if source in SOURCES else ""
        self._correlations = Correlations(folder.correlations)
        self._rules = RuleSet(folder.rules, folder.lists, self._correlations.names)
        self._quiet = self._correlations.quiet_rules
        self.records = 0
        self.unreadable = 0
        self.timeless = 0

    def find(self, file: Path, progress: Progress | None = None) -> Iterator[FileFinding]:
        """What the rules find in a file, in its order; also `.gz` and `.zst`, and `-` for standard input.

        Raises:
            ConfigError: It cannot be read.
            PeerError: Its compression is damaged; what stood before was given.
        """
        form = self._kind.form({})
        for part in read_lines(file, form):
            for piece in form.split(part.body, part.first):
                yield from self._item(form.read(piece), file)
            if progress is not None:
                progress(part.read_bytes, part.total_bytes)

    def end(self) -> Iterator[FileFinding]:
        """What is found because nothing comes any more: timespans that were still open."""
        return map(_correlated, self._correlations.advance(_NEVER_NS))

    def _item(self, item: Item, file: Path) -> Iterator[FileFinding]:
        self.records += 1
        if item.problem or not isinstance(item.value, dict):
            self.unreadable += 1
            return
        event = _canonical(self._kind, item, file)
        record = self._rules.read({**event, "native": item.value})
        sources = sources_of(record, self._name) if self._sources is None else self._sources
        found = self._rules.match(record, sources)
        moment = _time(item.value)
        if moment is not None:
            yield from map(_correlated, self._correlations.advance(moment))
        name = (_id(item.value) or f"{file.name}:{item.place}") if found else ""
        for rule in found:
            if not {rule.rule, rule.name} & self._quiet:
                yield FileFinding(rule.rule, rule.title, rule.level, name, str(moment or ""))
            yield from self._heard(rule.rule, rule.name, record, moment, name)

    def _heard(
        self, rule: str, called: str, record: Record, moment: int | None, event: str
    ) -> Iterator[FileFinding]:
        if moment is None:
            self.timeless += 1
            return
        sighting = Sighting(rule, called, record, moment, event, number=self.records)
        yield from map(_correlated, self._correlations.observe(sighting))


def _correlated(found: CorrelationFinding) -> FileFinding:
    form, last = found.correlation, found.last
    return FileFinding(form.rule, form.title, form.level, last.event_id, str(last.time_ns))


def _named(source: str) -> Sources | None:
    if not source or source in SOURCES:
        return None
    try:
        if "/" in source:
            return named_source(source)
    except ValueError as error:
        raise ConfigError(str(error), key="--source") from None
    raise ConfigError(
        f"there is no source {source[:40]!r}", key="--source",
        hint=f"there are {', '.join(sorted(SOURCES))}, and Sigma's log sources: windows/process_creation",
    )  # fmt: skip


def _canonical(kind: SourceKind, item: Item, file: Path) -> dict[str, Any]:
    """The members of the event that a server would make of it; none if it would refuse it."""
    arrival = Arrival(time.time_ns(), "file", _TENANT, lambda: "", str(file), item.place)
    try:
        parsed = kind.parse(item.value, item.data, arrival)
    except (ValueError, TypeError, RecursionError):
        return {}
    if not isinstance(parsed, Parsed):
        return {}
    event: dict[str, Any] = msgspec.to_builtins(parsed.event)
    return event


def _id(value: dict[str, Any]) -> str:
    for name in _IDS:
        given = value.get(name)
        if given and isinstance(given, (str, int)) and not isinstance(given, bool):
            return str(given)
    return ""


def _time(value: dict[str, Any]) -> int | None:
    """When it happened, in nanoseconds since the epoch; None if the record does not say so."""
    for where in (value, *(inner for inner in value.values() if isinstance(inner, dict))):
        for name in _TIMES:
            if (found := time_ns(where.get(name))) is not None:
                return found
    return time_ns(_inside(value, "Event", "System", "TimeCreated", "#attributes", "SystemTime"))


def _inside(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
