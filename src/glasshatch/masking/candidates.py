"""From trigger hits to findings: the exact expression on a window around each hit, then the validator."""

from __future__ import annotations

from collections.abc import Sequence

from .detectors import Detector
from .kernel import Collector, Rules
from .triggers import Hit

Found = tuple[int, int, Detector, str]
"""Start, end, who found it, and the value as decoded."""


class Candidates:
    """Checks the hits of a fixed set of detectors. Any thread may call it."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        # One for each trigger, because looking up attributes for each hit took a tenth of the scan.
        rules = [
            (place, one.before, one.after, one) for place, one in enumerate(detectors) for _ in one.triggers
        ]
        self._rules = Rules(rules, len(detectors))

    def check(
        self, text: str, octets: bytes, hits: Collector | list[Hit], starts: list[int], others: list[Hit]
    ) -> dict[int, list[Found]]:
        """What the detectors accept, by the number of the text it stands in, in order of the hits.

        Args:
            text: The texts of a batch with a separator around each.
            octets: The same, one octet for each character.
            hits: Those of a scan; pairs must be in order of their ends.
            starts: Where each text starts, and at last where one more would.
            others: Takes the hits of triggers that are no detector's.

        Raises:
            OverflowError: More candidates lead nowhere than can be checked in bounded time.
        """
        return self._rules.check(text, octets, hits, starts, others)
