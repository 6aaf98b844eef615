"""Findings that are known better elsewhere, or stand in what is masked already."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter

from .candidates import Found
from .decoding import Pieces

_by_start = itemgetter(0)


def unmasked(found: list[Found], guards: list[tuple[int, int]]) -> list[Found]:
    """The findings that are not just a token that masking wrote, maybe with the quotes around it."""
    starts = [start for start, _ in guards]
    kept = []
    for one in found:
        place = bisect_right(starts, one[0] + 1) - 1
        if place < 0 or one[1] > guards[place][1] + 1:
            kept.append(one)
    return kept


def uncut(found: list[Found], placed: list[Found], read: list[Pieces]) -> list[Found]:
    """The findings without those that are known better where escapes are resolved.

    In `x%3Da@example.com` the address begins behind the escape. A secret alone keeps all its letters:
    what ends it when it is resolved may have been a part of it.

    Args:
        found: In the text as it is.
        placed: In what its escapes stand for.
        read: What was read for these, in order.
    """
    begins = [pieces.start for pieces in read]
    better = sorted(placed, key=_by_start)
    starts = [one[0] for one in better]
    kept = []
    for one in found:
        other = bisect_right(starts, one[1] - 1) - 1
        if other >= 0 and better[other][1] > one[0]:
            piece = bisect_right(begins, one[0]) - 1
            if piece >= 0 and read[piece].cuts(one[0]):
                continue
            if _outdone(one, better[other]):
                continue
        kept.append(one)
    return kept


def _outdone(one: Found, other: Found) -> bool:
    """Whether one is only more of another that the same detector found without its escapes."""
    inside = one[0] <= other[0] and other[1] <= one[1]
    return inside and one[2] is other[2] and one[2].type != "SECRET"
