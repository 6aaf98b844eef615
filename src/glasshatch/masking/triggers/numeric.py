"""Which triggers can only hit where digits stand close together, as in cards, phones and national ids.

They have no letters for Hyperscan to look for first, so each of them walked over every byte of the batch.
They are run on the dense parts alone, which `dense` of the scan kernel cuts out.
"""

from __future__ import annotations

from collections.abc import Iterator

# The parser of the standard library, renamed in 3.11; it has no public name.
from re import _constants as sre
from re import _parser as parser
from typing import Any

LEAST_DIGITS = 6
LONGEST_GAP = 3
MARGIN = 8
"""A dense part has `LEAST_DIGITS` digits with at most `LONGEST_GAP` characters between two of them, none of
them a letter, and `MARGIN` characters more on both sides."""

_ALL = frozenset(range(256))
_DIGITS = frozenset(range(48, 58))
_BREAKS = frozenset({0, *range(65, 91), *range(97, 123), *range(128, 256)})
"""Letters, and what ends a text."""
_LONGEST = 64

Element = tuple[frozenset[int], int, int]
"""Characters that may stand there, and how often at least and at most."""


def is_numeric(expression: str) -> bool:
    """Whether every match of a trigger lies within one dense part."""
    try:
        elements = list(_elements(parser.parse(expression)))
    except _TooComplex:
        return False
    places = [place for place, one in enumerate(elements) if one[0] <= _DIGITS and one[1]]
    if not places:
        return False
    first, last = places[0], places[-1] + 1
    before, after = elements[:first], elements[last:]
    if _width(before) > MARGIN - 1 or _width(after) > MARGIN - 1:
        return False
    return _digits(elements) >= LEAST_DIGITS and _holds_together(elements[first:last])


def _holds_together(elements: list[Element]) -> bool:
    gap = 0
    for characters, least, most in elements:
        if characters <= _DIGITS:
            gap = 0 if least else gap
            continue
        gap += most
        if characters & _BREAKS or gap > LONGEST_GAP:
            return False
    return True


def _digits(elements: list[Element]) -> int:
    return sum(least for characters, least, _ in elements if characters <= _DIGITS)


def _width(elements: list[Element]) -> int:
    return sum(most for _, _, most in elements)


class _TooComplex(Exception):
    """An expression that is not looked into: it runs with the others."""


def _elements(tree: Any) -> Iterator[Element]:
    """The expression as a row of characters; of branches only those that are rows of one length.

    Raises:
        _TooComplex: It is none.
    """
    for operator, argument in tree:
        if operator is sre.LITERAL:
            yield frozenset({argument}), 1, 1
        elif operator is sre.IN:
            yield _class(argument), 1, 1
        elif operator in (sre.MAX_REPEAT, sre.MIN_REPEAT) and argument[1] <= _LONGEST:
            yield from _repeated(list(_elements(argument[2])), argument[0], argument[1])
        elif operator is sre.SUBPATTERN:
            yield from _elements(argument[3])
        elif operator is sre.BRANCH:
            yield from _together([list(_elements(branch)) for branch in argument[1]])
        else:
            raise _TooComplex


def _repeated(inner: list[Element], least: int, most: int) -> Iterator[Element]:
    if len(inner) == 1:
        yield inner[0][0], inner[0][1] * least, inner[0][2] * most
        return
    for number in range(most):
        for characters, low, high in inner:
            yield characters, low if number < least else 0, high


def _together(branches: list[list[Element]]) -> Iterator[Element]:
    if len({len(branch) for branch in branches}) != 1:
        raise _TooComplex
    for side_by_side in zip(*branches, strict=True):
        characters = frozenset().union(*(one[0] for one in side_by_side))
        yield characters, min(one[1] for one in side_by_side), max(one[2] for one in side_by_side)


def _class(items: Any) -> frozenset[int]:
    found: set[int] = set()
    for operator, argument in items:
        if operator is sre.LITERAL:
            found.add(argument)
        elif operator is sre.RANGE:
            found.update(range(argument[0], argument[1] + 1))
        elif operator is sre.CATEGORY and argument is sre.CATEGORY_DIGIT:
            found |= _DIGITS
        elif operator is not sre.NEGATE:
            raise _TooComplex
    negated = items[0][0] is sre.NEGATE
    return _ALL - found if negated else frozenset(found)
