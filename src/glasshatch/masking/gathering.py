"""The texts of a walk over an event, and the tokens that stand in texts."""

from __future__ import annotations

from collections.abc import Sequence

from .embedded import OPENINGS, opened
from .tokens import TOKEN, UNSCANNED
from .ways import Ways


class Gathered:
    """The texts of a walk in its order: as they stand, as they are scanned, and the types their keys tell."""

    def __init__(self, ways: Ways) -> None:
        originals: list[str] = []
        texts: list[str] = []
        hints: list[str] = []
        whole = ways.whole

        def take(text: str, hint: str) -> str:
            originals.append(text)
            hints.append(hint)
            texts.append(opened(text, whole) if text[:1] in OPENINGS and not hint else text)
            return text

        self.originals, self.texts, self.hints, self.take = originals, texts, hints, take


def count_tokens(texts: Sequence[str]) -> dict[str, int]:
    """How many tokens and placeholders of each type the texts hold, by name of the type.

    Counting what stands there, and not what was just put there, makes redaction idempotent and
    counts what the statement's own redaction took out.
    """
    counts: dict[str, int] = {}
    whole = "\n".join(texts)
    if "<" not in whole and UNSCANNED not in whole:
        return counts
    for text in texts:
        if "<" in text:
            for match in TOKEN.finditer(text):
                counts[match[1]] = counts.get(match[1], 0) + 1
        if UNSCANNED in text:
            counts["UNSCANNED"] = counts.get("UNSCANNED", 0) + 1
    return dict(sorted(counts.items())) if len(counts) > 1 else counts
