"""From trigger hits to findings: the exact expression on a window around each hit, then the validator."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

from .detectors import Detector
from .triggers import Hit

Found = tuple[int, int, Detector, str]
"""Start, end, who found it, and the value as decoded."""

_VAIN, _VAIN_PER_CHARACTER = 1 << 18, 32
_Search = Callable[[str, int, int], re.Match[str] | None]
_Rule = tuple[int, int, int, _Search, int | str, Callable[[str], bool] | None, _Search | None, Detector]


class Candidates:
    """Checks the hits of a fixed set of detectors. Holds no state between calls; any thread may call it."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._size = len(detectors)
        # One tuple for each trigger, because looking up attributes for each hit took a tenth of the scan.
        self._rules: list[_Rule] = [
            _rule(place, detector) for place, detector in enumerate(detectors) for _ in detector.triggers
        ]

    def check(self, text: str, hits: Sequence[Hit], starts: Sequence[int]) -> dict[int, list[Found]]:
        """What the detectors accept, by the number of the text it stands in, in order of the hits.

        Args:
            text: The texts of a batch with a separator around each.
            hits: In order of their ends.
            starts: Where each text starts, and at last where one more would.

        Raises:
            OverflowError: More candidates lead nowhere than can be checked in bounded time.
        """
        found: dict[int, list[Found]] = {}
        done = [0] * self._size
        # What may be looked at in vain. Ordinary text uses a tenth of it; text made to be slow, all.
        vain = _VAIN + _VAIN_PER_CHARACTER * len(text)
        rules = self._rules
        index, first, last = -1, 0, 0
        for number, end in hits:
            place, before, after, search, group, accepts, context, detector = rules[number]
            if end <= done[place]:
                continue
            if end > last:
                index = bisect_right(starts, end - 1) - 1
                first, last = starts[index] - 1, starts[index + 1]
            low = end - before if end - before > first else first
            high = end + after if end + after < last else last
            match = search(text, low, high)
            while match is not None:
                begin, stop = match.span()
                if stop >= end - 1:
                    if begin >= end:
                        match = None
                        break
                    value = match.group(group)
                    if (
                        value
                        and (accepts is None or accepts(value))
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
            done[place] = stop
            known = found.get(index)
            if known is None:
                found[index] = [(begin, stop, detector, value)]
            else:
                known.append((begin, stop, detector, value))
        return found


def _rule(place: int, detector: Detector) -> _Rule:
    context = None if detector.context is None else detector.context.search
    return (
        place, detector.before, detector.after, detector.verify.search, detector.group,
        detector.accepts, context, detector,
    )  # fmt: skip
