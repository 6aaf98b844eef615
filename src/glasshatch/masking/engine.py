"""The engine: triggers over a whole batch, then bounded checks around their hits, then one verdict.

It never returns a value it could not look at: a text that cannot be scanned raises, and the
redactor writes `[UNSCANNED]` in its place.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import msgspec

from ..errors import ConfigError
from .compiled import Hit, Triggers, open_triggers, trigger_error
from .decoding import (
    BASE64_TRIGGER,
    ESCAPE_TRIGGERS,
    HEX_TRIGGER,
    Decoded,
    base64_around,
    hex_around,
    unescaped,
)
from .detectors import Detector, Pack, load_file, load_shipped
from .folding import fold
from .tokens import TOKEN

SEPARATOR = "\0"
"""Stands around every text of a batch; no trigger and no window reaches across it."""

_MASKED_TRIGGER = r"<[A-Z][A-Z0-9_]{1,30}[:>]"
_MANY = 4_096
_VAIN, _VAIN_PER_CHARACTER = 1 << 18, 32
_CHUNK = 1 << 20
_DEPTH = 2
_ESCAPE_WINDOW = 2_048
_ESCAPE_OVERLAP = 320
_ALIGNMENTS = {1: 4, 2: 2}
"""Base64 in groups of four letters, hex in pairs; by place after the detectors' numbers."""


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


_Found = tuple[int, int, Detector, str]
"""Start, end, who found it, and the value as decoded."""


class Engine:
    """Scans batches of texts for what the loaded packs describe. Any thread may call it."""

    def __init__(self, packs: Sequence[Pack], cache_dir: Path | None = None) -> None:
        self.packs = tuple(packs)
        self.pack_hash = _hash(packs)
        self.detectors = tuple(detector for pack in packs for detector in pack.detectors)
        self.operators = {detector.name: detector.operator for detector in self.detectors}
        expressions: list[str] = []
        self._owners: list[tuple[int, Detector]] = []
        for place, detector in enumerate(self.detectors):
            expressions.extend(detector.triggers)
            self._owners.extend([(place, detector)] * len(detector.triggers))
        # The numbers after the detectors': tokens already there, then the encodings.
        self._masked = len(expressions)
        self._base64, self._hex, self._escape = (self._masked + step for step in (1, 2, 3))
        expressions += [_MASKED_TRIGGER, BASE64_TRIGGER, HEX_TRIGGER, *ESCAPE_TRIGGERS]
        self.triggers = _open(expressions, self._masked, self.detectors, cache_dir)

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
            chunk = texts[first:last]
            found = self._found(SEPARATOR + SEPARATOR.join(chunk) + SEPARATOR, 0)
            if found:
                starts = _starts(chunk)
                for start, end, detector, value in found:
                    index = bisect_right(starts, start) - 1
                    shift = starts[index]
                    results[first + index].append(
                        Finding(
                            start - shift,
                            end - shift,
                            detector.type,
                            detector.confidence,
                            detector.name,
                            value,
                        )
                    )
        return results

    def _found(self, joined: str, depth: int) -> list[_Found]:
        joined = fold(joined)
        hits = self.triggers.hits(joined.encode("latin-1", "replace"), _MANY + len(joined) // 2)
        if not hits:
            return []
        found: list[_Found] = []
        guards: list[tuple[int, int]] = []
        encodings: list[Hit] = []
        done = [0] * len(self.detectors)
        # What may be looked at in vain. Ordinary text uses a tenth of it; text made to be slow, all.
        budget = _VAIN + _VAIN_PER_CHARACTER * len(joined)
        owners, masked = self._owners, self._masked
        for hit in hits:
            number, end = hit
            if number < masked:
                place, detector = owners[number]
                if end > done[place]:
                    seen = _verify(detector, joined, end, found)
                    if seen > 0:
                        done[place] = seen
                    else:
                        budget += seen
                        if budget < 0:
                            raise OverflowError("more candidates than can be checked")
            elif number == masked:
                guards.extend(match.span() for match in TOKEN.finditer(joined, max(0, end - 34), end + 16))
            else:
                encodings.append(hit)
        if encodings and depth < _DEPTH:
            self._look_inside(joined, encodings, depth, found)
        if guards:
            found = _unmasked(found, guards)
        return resolve(found)

    def _look_inside(self, joined: str, hits: Sequence[Hit], depth: int, found: list[_Found]) -> None:
        """Scan what the encodings decode to, as one more batch."""
        sources = list(self._sources(joined, hits))
        if not sources:
            return
        texts = [source.text for source in sources]
        starts = _starts(texts)
        for start, end, detector, value in self._found(
            SEPARATOR + SEPARATOR.join(texts) + SEPARATOR, depth + 1
        ):
            index = bisect_right(starts, start) - 1
            span = sources[index].source(start - starts[index], end - starts[index])
            found.append((*span, detector, value))

    def _sources(self, joined: str, hits: Sequence[Hit]) -> Iterator[Decoded]:
        # A run may be read in several alignments, each once: chance hits in one must not hide another.
        done: dict[tuple[int, int], int] = {}
        for number, end in hits:
            kind = min(number, self._escape)
            key = (kind, end % _ALIGNMENTS.get(kind - self._masked, 1))
            if end <= done.get(key, 0):
                continue
            source = self._decode(kind, joined, end, done.get(key, 0))
            if source is not None:
                done[key] = source.end
                yield source

    def _decode(self, kind: int, joined: str, end: int, done: int) -> Decoded | None:
        if kind == self._base64:
            return base64_around(joined, end)
        if kind == self._hex:
            return hex_around(joined, end)
        # Windows overlap, so that a value on their border is whole in one of them.
        low = max(joined.rfind(SEPARATOR, 0, end) + 1, end - _ESCAPE_WINDOW, done - _ESCAPE_OVERLAP)
        high = joined.find(SEPARATOR, end - 1)
        return unescaped(joined, low, min(high, end + _ESCAPE_WINDOW) if high >= 0 else len(joined))


def _verify(detector: Detector, joined: str, end: int, found: list[_Found]) -> int:
    """Add what the detector accepts of the matches that touch a hit.

    Returns:
        Where the finding ends; or, if there is none, how many characters were looked at, negative.
    """
    low = end - detector.before if end > detector.before else 0
    cut = joined.rfind(SEPARATOR, low, end - 1)
    if cut >= 0:
        low = cut
    high = end + detector.after
    cut = joined.find(SEPARATOR, end - 1, high)
    if cut >= 0:
        high = cut + 1
    search, last = detector.verify.search, end - 1
    match = search(joined, low, high)
    while match is not None:
        begin, after = match.span()
        if after >= last:
            if begin >= end:
                break
            start, stop = match.span(detector.group)
            value = joined[start:stop]
            if value and _accepted(detector, value, joined, low, high):
                found.append((start, stop, detector, value))
                return stop
        match = search(joined, after if after > begin else begin + 1, high)
    return low - high


def _accepted(detector: Detector, value: str, joined: str, low: int, high: int) -> bool:
    if detector.accepts is not None and not detector.accepts(value):
        return False
    return detector.context is None or detector.context.search(joined, low, high) is not None


def resolve(found: list[_Found]) -> list[_Found]:
    """Of findings that overlap, the surest stays, then the longest; in order of position."""
    if len(found) < 2:
        return found
    found.sort(key=_by_start)
    kept: list[_Found] = []
    first, reach = 0, found[0][1]
    for index in range(1, len(found)):
        one = found[index]
        if one[0] >= reach:
            kept += found[first:index] if index - first == 1 else _best_of(found[first:index])
            first = index
        reach = max(reach, one[1])
    return kept + _best_of(found[first:])


def _best_of(group: list[_Found]) -> list[_Found]:
    """A set of findings without overlap out of neighbours that overlap."""
    if len(group) == 1:
        return group
    group.sort(key=_by_trust)
    kept: list[_Found] = []
    for one in group:
        if all(one[1] <= other[0] or one[0] >= other[1] for other in kept):
            kept.append(one)
            # A storm of overlapping findings must not cost its square.
            if len(kept) >= _MANY:
                break
    kept.sort(key=_by_start)
    return kept


_by_start = itemgetter(0)


def _by_trust(one: _Found) -> tuple[float, int, int]:
    return -one[2].confidence, one[0] - one[1], one[0]


def _unmasked(found: list[_Found], guards: list[tuple[int, int]]) -> list[_Found]:
    """The findings that are not just a token that masking wrote, maybe with the quotes around it."""
    guards.sort()
    starts = [start for start, _ in guards]
    kept = []
    for one in found:
        place = bisect_right(starts, one[0] + 1) - 1
        if place < 0 or one[1] > guards[place][1] + 1:
            kept.append(one)
    return kept


def _starts(texts: Sequence[str]) -> list[int]:
    """Where each text starts in the joined batch."""
    starts, place = [], 1
    for text in texts:
        starts.append(place)
        place += len(text) + 1
    return starts


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


def _open(
    expressions: Sequence[str], exact_from: int, detectors: Sequence[Detector], cache_dir: Path | None
) -> Triggers:
    try:
        return open_triggers(expressions, exact_from, cache_dir)
    except ConfigError:
        # Hyperscan does not say which one; find it, so that the user is told.
        for detector in detectors:
            for trigger in detector.triggers:
                reason = trigger_error(trigger)
                if reason:
                    raise ConfigError(
                        f"refused: {reason}", file=detector.where, key=detector.name, hint="mend the trigger"
                    ) from None
        raise
