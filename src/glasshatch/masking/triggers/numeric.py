"""Which triggers can only hit in parts of a text that are found faster than by Hyperscan, and in which.

They have no letters for Hyperscan to look for first, so each of them walked over every byte of the batch:
cards, phones and national ids, which lie where digits stand close together; keys, account numbers and hex,
which lie in long runs of letters and digits; and base64. They are run on such parts alone, which `dense`,
`runs` and `codes` of the scan kernel cut out.
"""

from __future__ import annotations

from collections.abc import Iterator

# The parser of the standard library, renamed in 3.11; it has no public name.
from re import _constants as sre
from re import _parser as parser
from typing import Any, Literal

LEAST_DIGITS = 6
LONGEST_GAP = 3
MARGIN = 12
"""A dense part has `LEAST_DIGITS` digits with at most `LONGEST_GAP` characters between two of them, none of
them a letter, and `MARGIN` characters more on both sides."""
LEAST_RUN, LEAST_WORD = 10, 16
"""A run has so many letters and digits without anything between, a digit among them; or so many letters. Its
part has `MARGIN` characters more on both sides too."""
LEAST_CODE = 10
"""A code has so many characters of base64, a letter of upper case among them."""

_ALL = frozenset(range(256))
_DIGITS = frozenset(range(48, 58))
_LETTERS = frozenset({*range(65, 91), *range(97, 123)})
_UPPER = frozenset(range(65, 91))
_CODES = frozenset({*_DIGITS, *_LETTERS, *b"+/_-"})
_BREAKS = frozenset({0, *_LETTERS, *range(128, 256)})
"""Letters, and what ends a text."""
_LONGEST = 64

Element = tuple[frozenset[int], int, int]
"""Characters that may stand there, and how often at least and at most."""


Gate = Literal["", "dense", "runs", "codes"]


def gate(expression: str, exact: bool) -> Gate:
    """In which parts every match of a trigger lies, each within one; empty if it may lie anywhere.

    Args:
        exact: It tells upper from lower case.
    """
    try:
        elements = list(_elements(parser.parse(expression)))
    except _TooComplex:
        return ""
    if any(map(_is_dense, _cores(elements))):
        return "dense"
    if any(map(_is_run, _cores(elements))):
        return "runs"
    return "codes" if exact and _is_code(elements) else ""


def _cores(elements: list[Element]) -> Iterator[list[Element]]:
    """The rows within a row that leave no more on either side than a part has as its margin."""
    for first in range(len(elements)):
        if _width(elements[:first]) > MARGIN - 1:
            return
        for last in range(len(elements), first, -1):
            if _width(elements[last:]) > MARGIN - 1:
                break
            yield elements[first:last]


def _is_dense(core: list[Element]) -> bool:
    """Whether a row is digits close together, from its first character to its last."""
    if any(not (characters <= _DIGITS and least) for characters, least, _ in (core[0], core[-1])):
        return False
    return _digits(core) >= LEAST_DIGITS and _holds_together(core)


def _is_run(core: list[Element]) -> bool:
    if not all(characters <= _DIGITS | _LETTERS for characters, _, _ in core):
        return False
    length = sum(least for _, least, _ in core)
    return length >= LEAST_WORD or (length >= LEAST_RUN and _digits(core) > 0)


def _is_code(elements: list[Element]) -> bool:
    upper = any(characters <= _UPPER and least for characters, least, _ in elements)
    length = sum(least for _, least, _ in elements)
    return upper and length >= LEAST_CODE and all(characters <= _CODES for characters, _, _ in elements)


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
    """The expression as a row of characters; of branches what any of them may have at each place.

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
    for place in range(max(map(len, branches))):
        # Where a branch is over already, it has nothing there.
        side_by_side = [branch[place] if place < len(branch) else _OVER for branch in branches]
        characters = frozenset().union(*(one[0] for one in side_by_side))
        yield characters, min(one[1] for one in side_by_side), max(one[2] for one in side_by_side)


_OVER: Element = (frozenset(), 0, 0)


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
