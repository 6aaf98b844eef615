"""The engine: triggers over a whole batch, then bounded checks around their hits, then one verdict.

It never returns a value it could not look at: a text that cannot be scanned raises, and the
redactor writes `[UNSCANNED]` in its place.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, count
from operator import add
from pathlib import Path

import msgspec

from ..errors import ConfigError
from .candidates import Candidates, Found
from .decoding import TRIGGERS, Budget, Pieces, sources
from .decoding.escapes import INVISIBLE
from .detectors import ALL_PACKS, Detector, Pack, load_packs
from .folding import fold, octets
from .kernel import made, resolve, rewritten
from .resolving import uncut, unmasked
from .scantwin import SEPARATOR
from .tokens import TOKEN, written
from .triggers import Hit, Triggers, open_triggers, trigger_error

_MASKED_TRIGGER = r"<[A-Z][A-Z0-9_]{1,30}[:>]"
_MANY = 4_096
_CHUNK = 1 << 20
_DEPTH = 3
"""How many encodings may lie on top of each other."""


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
        self.types = frozenset(detector.type for detector in self.detectors)
        self._candidates = Candidates(self.detectors)
        expressions = [trigger for detector in self.detectors for trigger in detector.triggers]
        # The numbers after the detectors': tokens already there, then the encodings.
        self._masked = len(expressions)
        expressions += [_MASKED_TRIGGER, *TRIGGERS]
        self.triggers = _open(expressions, self._masked, self.detectors, cache_dir)

    @classmethod
    def load(
        cls,
        packs: Sequence[str] = (ALL_PACKS,),
        user_packs: Sequence[Path] = (),
        cache_dir: Path | None = None,
    ) -> Engine:
        """Load shipped packs by name and users' packs by path.

        Args:
            cache_dir: Where the compiled database is kept (mode 0700) besides the user's own cache.

        Raises:
            ConfigError: A pack or a detector in it is refused: file, line and reason.
        """
        return cls(load_packs(packs, user_packs, cache_dir), cache_dir)

    def scan(self, texts: Sequence[str]) -> list[list[Finding]]:
        """The findings of each text, in order and without overlap.

        Raises:
            OverflowError: A text holds more candidates than can be checked in bounded time.
        """
        results: list[list[Finding]] = [[] for _ in texts]
        for index, found in self.found(texts).items():
            results[index] = found
        return results

    def found(self, texts: Sequence[str]) -> dict[int, list[Finding]]:
        """As `scan`, by number of the text, without the texts in which nothing is found.

        A batch of log lines is mostly that, and a list for each of them took longer than the scan.
        """
        return {index: made(Finding, group, shift) for index, group, shift in self._groups(texts)}

    def found_joined(self, text: str, starts: list[int]) -> dict[int, list[Found]]:
        """As `found`, for texts of ASCII without NUL that are joined already, and as the spans lie there.

        Args:
            text: The texts with a NUL around each.
            starts: Where each starts, and at last where one more would.
        """
        return self._found_joined(text, starts, 0, None)

    def rewrite(self, texts: Sequence[str], ways: dict[str, Callable[[str], str]]) -> dict[int, str]:
        """The texts in which something is found, by number, with what the way of its detector makes of each.

        A value for each finding would take as long as looking for them.
        """
        return {
            index: rewritten(texts[index], group, shift, ways) for index, group, shift in self._groups(texts)
        }

    def _groups(self, texts: Sequence[str]) -> Iterator[tuple[int, list[Found], int]]:
        """Number, findings, and by how much their offsets are too large, where something is found."""
        for first, last in _chunks(texts):
            chunk = texts[first:last] if first or last < len(texts) else texts
            starts = _starts(chunk)
            for index, group in self._found(chunk, starts, 0, None).items():
                yield first + index, group, starts[index]

    def _found(
        self, texts: Sequence[str], starts: list[int], depth: int, budget: Budget | None
    ) -> dict[int, list[Found]]:
        """By number of the text, what is found in it; the spans are those of the joined texts."""
        return self._found_joined(joined(texts), starts, depth, budget)

    def _found_joined(
        self, text: str, starts: list[int], depth: int, budget: Budget | None
    ) -> dict[int, list[Found]]:
        data = octets(text)
        hits = self.triggers.collect(data, _MANY + len(text) // 2)
        if not hits:
            return {}
        special: list[Hit] = []
        found = self._candidates.check(text, data, hits, starts, special)
        if special:
            masked = self._masked
            inside = [(number - masked - 1, end) for number, end in special if number > masked]
            if inside and depth < _DEPTH:
                self._look_inside(text, inside, starts, depth, found, budget or Budget(len(text)))
            if found and len(inside) < len(special):
                _spare(text, [end for number, end in special if number == masked], starts, found, self.types)
        for index, group in found.items():
            if len(group) > 1:
                found[index] = resolve(group)
        return found

    def _look_inside(
        self,
        text: str,
        hits: Sequence[Hit],
        starts: Sequence[int],
        depth: int,
        found: dict[int, list[Found]],
        budget: Budget,
    ) -> None:
        """Scan what the encodings decode to, as one more batch, and add what is found in it."""
        inside = list(sources(text, hits, budget))
        if not inside:
            return
        texts = [source.text for source in inside]
        own_starts = _starts(texts)
        placed: dict[int, list[Found]] = {}
        read: dict[int, list[Pieces]] = {}
        for number, group in sorted(self._found(texts, own_starts, depth + 1, budget).items()):
            source, shift = inside[number], own_starts[number]
            own = [(start - shift, end - shift, detector, value) for start, end, detector, value in group]
            spans = list(source.place(own))
            if not spans:
                continue  # all that was found in it is a token already
            index = bisect_right(starts, spans[0][0]) - 1
            placed.setdefault(index, []).extend(spans)
            if isinstance(source, Pieces):
                read.setdefault(index, []).append(source)
        for index, more in placed.items():
            raw = found.get(index, [])
            if raw and index in read:
                raw = uncut(raw, more, read[index])
            # First those that were decoded: of two with the same span they know the value.
            found[index] = more + raw


def _spare(
    text: str,
    ends: Sequence[int],
    starts: Sequence[int],
    found: dict[int, list[Found]],
    types: frozenset[str],
) -> None:
    """Leave out what is a token already."""
    guards = sorted(
        {
            match.span()
            for end in ends
            for match in TOKEN.finditer(text, max(0, end - 34), end + 16)
            if written(match, types)
        }
    )
    for index, group in list(found.items()):
        low, high = (bisect_left(guards, (place,)) for place in starts[index : index + 2])
        if low < high:
            found[index] = unmasked(group, guards[low:high])


def joined(texts: Sequence[str]) -> str:
    """The texts as one, folded, with a separator around each; what stands inside a text is none."""
    whole = "".join(texts)
    if not whole.isascii():
        # Only the texts that need it, so that one of them does not slow down the batch.
        texts = [text if text.isascii() else fold(text) for text in texts]
    if SEPARATOR in whole:
        texts = [text.replace(SEPARATOR, INVISIBLE) for text in texts]
    return SEPARATOR + SEPARATOR.join(texts) + SEPARATOR


def _starts(texts: Sequence[str]) -> list[int]:
    """Where each text starts in the joined batch, and at last where one more would."""
    return [1, *map(add, accumulate(map(len, texts)), count(2))]


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    if sum(map(len, texts)) <= _CHUNK:
        yield 0, len(texts)
        return
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


def _open(
    expressions: Sequence[str], exact_from: int, detectors: Sequence[Detector], cache_dir: Path | None
) -> Triggers:
    try:
        return open_triggers(expressions, exact_from, cache_dir)
    except ConfigError:
        # Hyperscan does not say which one; find it, so that the user is told: theirs come last.
        for detector in reversed(detectors):
            for trigger in detector.triggers:
                reason = trigger_error(trigger)
                if reason:
                    raise ConfigError(
                        f"refused: {reason}", file=detector.where, key=detector.name, hint="mend the trigger"
                    ) from None
        raise
