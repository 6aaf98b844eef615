"""The scan's inner loops in Python: they run once for each hit and each finding.

What runs where the compiled kernel cannot be built, and the oracle that it is tested against.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

SEPARATOR = "\0"
"""Stands around every text of a batch. An expression may look at the one in front of its text, as at any
character in front of a value; the one behind it is out of its sight, so that `$` is the end of the text."""

FORMAT = 10
"""Changes with the interface; a compiled kernel of another format is not used."""

Plain = tuple[int, int, int, Any]
"""A rule: number of the detector, window before and after, and the detector, which is asked for its `checks`
at its first hit."""

_MEMO = _MANY = 4_096
LEAST_LEFT = 4
"""Fewer characters tell nothing of a secret; they are quotes and separators around another finding."""
_VAIN, _VAIN_PER_CHARACTER = 1 << 18, 32


class Collector:
    """Keeps the hits of a scan, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._hits: list[tuple[int, int]] = []
        self._limit = limit

    def take(self, number: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
        """Called by Hyperscan for each hit; whether it shall stop, because there are more than the limit."""
        self._hits.append((number, end))
        return True if len(self._hits) > self._limit else None

    def __len__(self) -> int:
        return len(self._hits)

    @property
    def hits(self) -> list[tuple[int, int]]:
        """The numbers and ends, in order of the ends; of equal ones the first that came first."""
        self._hits.sort(key=_by_end)
        return self._hits

    def gather(self, other: Collector, begins: Sequence[int], sources: Sequence[int]) -> None:
        """Add the hits of parts (see `Cut`), where they lie in the text that the parts were cut from."""
        for number, end in other.hits:
            place = bisect_right(begins, end - 1) - 1
            self._hits.append((number, end - begins[place] + sources[place]))


_by_end = itemgetter(1)


class Rules:
    """The rules of a set of detectors, one for each trigger, and what their validators said lately."""

    def __init__(self, rules: Sequence[Plain], detectors: int) -> None:
        self._rules = list(rules)
        self._checks: list[Any] = [None] * len(self._rules)
        self._detectors = detectors
        self._memos: list[dict[str, bool]] = [{} for _ in range(detectors)]

    def check(  # noqa: PLR0912 - one loop on purpose, as in the compiled kernel
        self,
        text: str,
        octets: bytes,
        hits: Collector | Sequence[tuple[int, int]],
        starts: Sequence[int],
        others: list[tuple[int, int]],
    ) -> dict[int, list[tuple[int, int, Any, str]]]:
        """See `Candidates.check`."""
        found: dict[int, list[tuple[int, int, Any, str]]] = {}
        done = [0] * self._detectors
        # What may be looked at in vain. Ordinary text uses a tenth of it; text made to be slow, all.
        vain = _VAIN + _VAIN_PER_CHARACTER * len(text)
        rules, size, memos, ready = self._rules, len(self._rules), self._memos, self._checks
        index, first, last = -1, 0, 0
        for hit in hits.hits if isinstance(hits, Collector) else hits:
            number, end = hit
            if number >= size:
                others.append(hit)
                continue
            place, before, after, detector = rules[number]
            if end <= done[place]:
                continue
            search, group, accepts, context = ready[number] = ready[number] or detector.checks()
            if end > last:
                index = bisect_right(starts, end - 1) - 1
                first, last = starts[index] - 1, starts[index + 1] - 1
            low, high = max(end - before, first), min(end + after, last)
            match = search(text, low, high)
            while match is not None:
                begin, stop = match.span()
                if stop >= end - 1:
                    if begin >= end:
                        match = None
                        break
                    value = match.group(group)
                    if value and value[0] == SEPARATOR:
                        value = value[1:]
                    if (
                        value
                        and (accepts is None or _accepted(memos[place], accepts, value))
                        and (context is None or context(text, low, high) is not None)
                    ):
                        break
                match = search(text, stop if stop > begin else begin + 1, high)
            if match is None:
                vain -= high - low
                if vain < 0:
                    raise OverflowError("more candidates than can be checked")
                continue
            begin, stop = match.span(group)
            if begin == first:
                begin += 1  # the separator in front of the text is no part of a value
            done[place] = stop
            known = found.get(index)
            if known is None:
                found[index] = [(begin, stop, detector, value)]
            else:
                known.append((begin, stop, detector, value))
        return found


def _accepted(memo: dict[str, bool], accepts: Callable[[str], bool], value: str) -> bool:
    """The validator's verdict; values come again and again, and asking costs more than knowing."""
    verdict = memo.get(value)
    if verdict is None:
        if len(memo) >= _MEMO:
            memo.clear()
        verdict = memo[value] = bool(accepts(value))
    return verdict


def resolve(found: list[tuple[int, int, Any, str]]) -> list[tuple[int, int, Any, str]]:
    """Of findings that overlap, the surest stays, then the longest; in order of position."""
    if _disjoint(found):
        return found
    found.sort(key=_by_start)
    kept: list[tuple[int, int, Any, str]] = []
    first, reach = 0, found[0][1]
    for index in range(1, len(found)):
        one = found[index]
        if one[0] >= reach:
            kept += found[first:index] if index - first == 1 else _best_of(found[first:index])
            first = index
        reach = max(reach, one[1])
    return kept + _best_of(found[first:])


def _disjoint(found: Sequence[tuple[int, int, Any, str]]) -> bool:
    reach = 0
    for one in found:
        if one[0] < reach:
            return False
        reach = one[1]
    return True


def _best_of(group: list[tuple[int, int, Any, str]]) -> list[tuple[int, int, Any, str]]:
    """A set of findings without overlap out of neighbours that overlap."""
    if len(group) == 1:
        return group
    group.sort(key=_by_trust)
    kept: list[tuple[int, int, Any, str]] = []
    for one in group:
        if all(one[1] <= other[0] or one[0] >= other[1] for other in kept):
            kept.append(one)
        elif one[2].type == "SECRET":
            kept += left_of(one, kept)
        # A storm of overlapping findings must not cost its square.
        if len(kept) >= _MANY:
            break
    kept.sort(key=_by_start)
    return kept


def left_of(
    one: tuple[int, int, Any, str], others: Sequence[tuple[int, int, Any, str]]
) -> list[tuple[int, int, Any, str]]:
    """What surer findings leave of a secret: a part of a password is not shown because of an address in it.

    A surer secret inside is taken to be the secret itself, and the rest what is written around it.
    """
    begin, end, detector, _ = one
    parts: list[tuple[int, int, Any, str]] = []
    for other in sorted(others, key=_by_start):
        if other[1] <= begin or other[0] >= end:
            continue
        if other[2].type == "SECRET":
            return []
        if other[0] - begin >= LEAST_LEFT:
            parts.append((begin, other[0], detector, ""))
        begin = other[1]
    if end - begin >= LEAST_LEFT:
        parts.append((begin, end, detector, ""))
    return parts


_by_start = itemgetter(0)


def _by_trust(one: tuple[int, int, Any, str]) -> tuple[float, int, int]:
    return -one[2].confidence, one[0] - one[1], one[0]


_CLUSTER = re.compile(rb"[0-9](?:[^0-9A-Za-z\x80-\xff\x00]{0,3}[0-9]){5,}")
_RUN = re.compile(rb"[0-9A-Za-z]{10,}")
_DIGIT = re.compile(rb"[0-9]")
_CODE = re.compile(rb"[0-9A-Za-z+/_-]{10,}")
_UPPER = re.compile(rb"[A-Z]")
_MARGIN = 12

Cut = tuple[bytes, list[int], list[int]]
"""Parts of a text with a NUL between each two; where each begins there; and where each begins in the text."""


def dense(data: bytes) -> Cut:
    """The parts with many digits; see `triggers.numeric`."""
    return _cut(data, [match.span() for match in _CLUSTER.finditer(data)])


def runs(data: bytes) -> Cut:
    """The long runs of letters and digits; see `triggers.numeric`."""
    found = _RUN.finditer(data)
    return _cut(data, [one.span() for one in found if len(one[0]) >= 16 or _DIGIT.search(one[0])])


def codes(data: bytes) -> Cut:
    """The long runs of base64's characters; see `triggers.numeric`."""
    return _cut(data, [one.span() for one in _CODE.finditer(data) if _UPPER.search(one[0])], 1)


def _cut(data: bytes, found: Sequence[tuple[int, int]], margin: int = _MARGIN) -> Cut:
    spans: list[tuple[int, int]] = []
    for first, last in found:
        start, end = max(0, first - margin), min(len(data), last + margin)
        if spans and start <= spans[-1][1]:
            start, _ = spans.pop()
        spans.append((start, end))
    begins, place = [], 0
    for start, end in spans:
        begins.append(place)
        place += end - start + 1
    return b"\0".join(data[start:end] for start, end in spans), begins, [start for start, _ in spans]


def made(kind: Callable[..., Any], found: Sequence[tuple[int, int, Any, str]], shift: int) -> list[Any]:
    """Findings as values, their offsets moved to the left."""
    return [
        kind(start - shift, end - shift, detector.type, detector.confidence, detector.name, value)
        for start, end, detector, value in found
    ]


def splice(text: str, findings: Sequence[Any], ways: dict[str, Callable[[str], str]]) -> str:
    """The text with each finding replaced by what the way of its detector makes of its value."""
    parts, done = [], 0
    for finding in findings:
        parts.append(text[done : finding.start])
        parts.append(ways[finding.detector](finding.value))
        done = finding.end
    parts.append(text[done:])
    return "".join(parts)


def rewritten(
    text: str,
    found: Sequence[tuple[int, int, Any, str]],
    shift: int,
    ways: dict[str, Callable[[str], str]],
) -> str:
    """As `splice` of what `made` makes of them, in one step.

    Raises:
        ValueError: Findings overlap, or lie beyond the text.
    """
    parts: list[str] = []
    done = 0
    for begin, end, detector, value in found:
        start = begin - shift
        if not done <= start <= len(text):
            raise ValueError("findings that overlap, or beyond the text")
        parts += (text[done:start], ways[detector.name](value))
        done = end - shift
    parts.append(text[done:])
    return "".join(parts)
