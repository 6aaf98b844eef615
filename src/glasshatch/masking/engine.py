"""The engine: triggers over a whole batch, then bounded checks around their hits, then one verdict.

It never returns a value it could not look at: a text that cannot be scanned raises, and the
redactor writes `[UNSCANNED]` in its place.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from ..errors import ConfigError
from .compiled import Hit, Triggers, open_triggers, trigger_error
from .decoding import ESCAPE_TRIGGERS, RUN_TRIGGER, Decoded, decoded_runs, run_before, unescaped
from .detectors import Detector, Pack, load_file, load_shipped
from .folding import fold
from .tokens import TOKEN

SEPARATOR = "\0"
"""Stands around every text of a batch; no trigger and no window reaches across it."""

_MASKED_TRIGGER = r"<[a-z][a-z0-9_]{1,30}[:>]"
_CHUNK = 1 << 20
_DEPTH = 2
_ESCAPE_WINDOW = 2_048


class Finding(msgspec.Struct, frozen=True):
    """One thing found: character offsets in the scanned text, its type, and who says so.

    `value` is the text as decoded, which differs from the span when the value was encoded.
    """

    start: int
    end: int
    type: str
    confidence: float
    detector: str
    value: str = ""


class Engine:
    """Scans batches of texts for what the loaded packs describe. Any thread may call it."""

    def __init__(self, packs: Sequence[Pack], cache_dir: Path | None = None) -> None:
        self.packs = tuple(packs)
        self.pack_hash = _hash(packs)
        self.detectors = tuple(detector for pack in packs for detector in pack.detectors)
        self.operators = {detector.name: detector.operator for detector in self.detectors}
        expressions: list[str] = []
        self._owners: list[Detector | None] = []
        for detector in self.detectors:
            expressions.extend(detector.triggers)
            self._owners.extend([detector] * len(detector.triggers))
        self._token, self._run = len(expressions), len(expressions) + 1
        expressions += [_MASKED_TRIGGER, RUN_TRIGGER, *ESCAPE_TRIGGERS]
        self._triggers = _open(expressions, self.detectors, cache_dir)

    @classmethod
    def load(
        cls,
        packs: Sequence[str] = ("core", "secrets"),
        user_packs: Sequence[Path] = (),
        cache_dir: Path | None = None,
    ) -> Engine:
        """Load shipped packs by name and users' packs by path.

        Args:
            cache_dir: Where the compiled database is kept (mode 0700); None compiles each time.

        Raises:
            ConfigError: A pack or a detector in it is refused: file, line and reason.
        """
        loaded = [load_shipped(name) for name in packs] + [load_file(path) for path in user_packs]
        _refuse_doubles(loaded)
        return cls(loaded, cache_dir)

    def scan(self, texts: Sequence[str]) -> list[list[Finding]]:
        """The findings of each text, in order and without overlap.

        Raises:
            OverflowError: A text holds more candidates than can be checked in bounded time.
        """
        results: list[list[Finding]] = [[] for _ in texts]
        for first, last in _chunks(texts):
            self._scan_chunk(texts, first, last, results)
        return results

    def scan_one(self, text: str) -> list[Finding]:
        """The findings of one text."""
        return self._findings(SEPARATOR + text + SEPARATOR, 0, shift=-1)

    def _scan_chunk(self, texts: Sequence[str], first: int, last: int, results: list[list[Finding]]) -> None:
        chunk = texts[first:last]
        joined = SEPARATOR + SEPARATOR.join(chunk) + SEPARATOR
        found = self._findings(joined, 0)
        if not found:
            return
        starts, position = [], 1
        for text in chunk:
            starts.append(position)
            position += len(text) + 1
        for finding in found:
            index = bisect_right(starts, finding.start) - 1
            results[first + index].append(_moved(finding, -starts[index]))

    def _findings(self, joined: str, depth: int, shift: int = 0) -> list[Finding]:
        joined = fold(joined)
        hits = self._triggers.hits(joined.encode("latin-1", "replace"), 4_096 + len(joined) // 4)
        if not hits:
            return []
        found, guards = self._verified(joined, hits)
        if depth < _DEPTH:
            found.extend(self._decoded(joined, hits, depth))
        if guards:
            found = [one for one in found if not _guarded(one, guards)]
        resolved = resolve(found)
        return [_moved(one, shift) for one in resolved] if shift else resolved

    def _verified(self, joined: str, hits: Iterable[Hit]) -> tuple[list[Finding], list[tuple[int, int]]]:
        found: list[Finding] = []
        guards: list[tuple[int, int]] = []
        done: dict[str, int] = {}
        for number, end in hits:
            if number == self._token:
                guards.extend(_token_spans(joined, end))
                continue
            if number > self._token:
                continue
            detector = self._owners[number]
            if detector is None or end <= done.get(detector.name, 0):
                continue
            for finding in _matches(detector, joined, end):
                found.append(finding)
                done[detector.name] = finding.end
        return found, guards

    def _decoded(self, joined: str, hits: Iterable[Hit], depth: int) -> Iterator[Finding]:
        sources = list(self._encodings(joined, hits))
        if not sources:
            return
        inner = SEPARATOR + SEPARATOR.join(source.text for source in sources) + SEPARATOR
        starts, position = [], 1
        for source in sources:
            starts.append(position)
            position += len(source.text) + 1
        for finding in self._findings(inner, depth + 1):
            index = bisect_right(starts, finding.start) - 1
            offset = starts[index]
            start, end = sources[index].source(finding.start - offset, finding.end - offset)
            # Found only because it was decoded: kept although a plain finding may say the same.
            yield msgspec.structs.replace(finding, start=start, end=end)

    def _encodings(self, joined: str, hits: Iterable[Hit]) -> Iterator[Decoded]:
        unescaped_to = 0
        for number, end in hits:
            if number == self._run:
                span = run_before(joined, end - 1)
                if span is not None:
                    yield from decoded_runs(joined, *span)
            elif number > self._run and end > unescaped_to:
                low = max(joined.rfind(SEPARATOR, 0, end) + 1, end - _ESCAPE_WINDOW, unescaped_to)
                high = joined.find(SEPARATOR, end)
                high = min(high if high >= 0 else len(joined), end + _ESCAPE_WINDOW)
                unescaped_to = high
                source = unescaped(joined, low, high)
                if source is not None:
                    yield source


def resolve(found: list[Finding]) -> list[Finding]:
    """Of findings that overlap, the surest stays, then the longest; in order of position."""
    if len(found) < 2:
        return found
    found.sort(key=lambda one: (-one.confidence, one.start - one.end, one.start))
    kept: list[Finding] = []
    starts: list[int] = []
    for one in found:
        place = bisect_right(starts, one.start)
        before_free = place == 0 or kept[place - 1].end <= one.start
        after_free = place == len(kept) or one.end <= kept[place].start
        if before_free and after_free:
            kept.insert(place, one)
            starts.insert(place, one.start)
    return kept


def _matches(detector: Detector, joined: str, end: int) -> Iterator[Finding]:
    """What the detector accepts among the matches that touch a hit."""
    low = max(0, end - detector.before)
    high = min(len(joined), end + detector.after)
    cut = joined.rfind(SEPARATOR, low, end - 1)
    low = low if cut < 0 else cut
    cut = joined.find(SEPARATOR, end - 1, high)
    high = high if cut < 0 else cut + 1
    for match in detector.verify.finditer(joined, low, high):
        if match.start() >= end:
            return
        if match.end() < end - 1:
            continue
        start, stop = match.span(_group(detector, match))
        value = joined[start:stop]
        if start == stop or (detector.accepts is not None and not detector.accepts(value)):
            continue
        if detector.context is not None and not detector.context.search(joined, low, high):
            continue
        yield Finding(start, stop, detector.type, detector.confidence, detector.name, value)


def _group(detector: Detector, match: object) -> int | str:
    return detector.group


def _token_spans(joined: str, end: int) -> Iterator[tuple[int, int]]:
    for match in TOKEN.finditer(joined, max(0, end - 34), end + 16):
        yield match.span()


def _guarded(finding: Finding, guards: Sequence[tuple[int, int]]) -> bool:
    """Whether a finding is but a token that masking wrote, maybe with the quotes around it."""
    return any(finding.start >= start - 1 and finding.end <= end + 1 for start, end in guards)


def _moved(finding: Finding, by: int) -> Finding:
    return Finding(
        finding.start + by,
        finding.end + by,
        finding.type,
        finding.confidence,
        finding.detector,
        finding.value,
    )


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    first, size = 0, 0
    for index, text in enumerate(texts):
        if size and size + len(text) > _CHUNK:
            yield first, index
            first, size = index, 0
        size += len(text) + 1
    if first < len(texts):
        yield first, len(texts)


def _hash(packs: Sequence[Pack]) -> str:
    return hashlib.sha256("\n".join(f"{pack.name} {pack.hash}" for pack in packs).encode()).hexdigest()


def _refuse_doubles(packs: Sequence[Pack]) -> None:
    seen: dict[str, str] = {}
    for pack in packs:
        for detector in pack.detectors:
            if detector.name in seen:
                raise ConfigError(
                    f"detector {detector.name!r} is in pack {seen[detector.name]!r} and in {pack.name!r}",
                    key="masking.packs",
                    hint="rename one of them",
                )
            seen[detector.name] = pack.name


def _open(expressions: Sequence[str], detectors: Sequence[Detector], cache_dir: Path | None) -> Triggers:
    try:
        return open_triggers(expressions, cache_dir)
    except ConfigError:
        # Hyperscan does not say which one; find it, so that the user is told.
        for detector in detectors:
            for trigger in detector.triggers:
                reason = trigger_error(trigger)
                if reason:
                    raise ConfigError(reason, key=detector.name) from None
        raise
