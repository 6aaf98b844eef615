"""Where a match of an expression may begin, told from its parse tree, so that `re` is not asked elsewhere.

An expression that is searched over a window is tried at each of its places, and nearly none of them can be
one. What its first characters may be, what may stand before them, and what may lie within a match at all,
rules out all but one or two; the kernel looks that up in tables. What is said here may allow too much,
which costs time, and never too little, which would lose a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# The parser of the standard library, renamed in 3.11; it has no public name.
from re import _constants as sre
from re import _parser as parser
from typing import Any, NamedTuple

SYMBOLS = 129
"""The characters of ASCII, and one symbol for all others, whose octets have the high bit set."""
ROW = 17
"""Octets in a row of a table: a bit for each symbol."""
DEPTH = 3
"""How many characters of a match are looked at."""

_HIGH = 1 << 128
_ALL = (1 << SYMBOLS) - 1
_MOST = 2_000
_IGNORECASE, _DOTALL, _UNICODE = int(re.IGNORECASE), int(re.DOTALL), int(re.UNICODE)
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def _mask(symbols: Iterable[int]) -> int:
    return sum({1 << symbol for symbol in symbols})


_DIGITS = _mask(range(48, 58))
_UPPER, _LOWER = _mask(range(65, 91)), _mask(range(97, 123))
_LETTERS = _UPPER | _LOWER
_WORD = _DIGITS | _LETTERS | 1 << 95
_SPACE = _mask([*range(9, 14), *range(28, 33)])
_FOLDING = _mask(map(ord, "kKsSiI"))
"""Letters of ASCII that are another case of some letter beyond it."""
_CATEGORIES = {
    sre.CATEGORY_DIGIT: _DIGITS | _HIGH, sre.CATEGORY_NOT_DIGIT: _ALL & ~_DIGITS,
    sre.CATEGORY_SPACE: _SPACE | _HIGH, sre.CATEGORY_NOT_SPACE: _ALL & ~_SPACE,
    sre.CATEGORY_WORD: _WORD | _HIGH, sre.CATEGORY_NOT_WORD: _ALL & ~_WORD,
}  # fmt: skip


class Beginning(NamedTuple):
    """Tables of rows of bits.

    `inside`: one row, what may lie within a match. `steps`: for each two symbols in a row, from the one
    before the match on, whether they may stand there; `DEPTH` tables of a row for each symbol.
    """

    inside: bytes
    steps: tuple[bytes, ...]


class Head(NamedTuple):
    """How a match may begin: what stands before it, its first characters, and what must follow these."""

    before: int
    first: tuple[int, ...]
    ahead: int


class TooWide(Exception):
    """An expression whose beginnings are too many to tell, or which may match nothing at all."""


def beginning(pattern: str, flags: int = 0) -> Beginning | None:
    """Where matches of an expression may begin; None if it must be searched for.

    Args:
        flags: Those that it was compiled with.
    """
    try:
        tree = parser.parse(pattern, flags & ~_UNICODE)
        nodes, flags = list(tree), int(tree.state.flags)
        return Beginning(_row(_inside(nodes, flags)), _steps(_heads(nodes, flags)))
    except (TooWide, RecursionError):
        return None


def begins_with_digit(pattern: str) -> bool:
    """Whether every match of an expression begins with a digit."""
    heads = _heads(list(parser.parse(pattern)), 0)
    return all(head.first and not head.first[0] & ~(_DIGITS | _HIGH) for head in heads)


def _steps(heads: list[Head]) -> tuple[bytes, ...]:
    if any(not head.first for head in heads):
        raise TooWide
    steps = [[0] * SYMBOLS for _ in range(DEPTH)]
    for before, first, ahead in heads:
        shown = (before, *first, ahead)[: DEPTH + 1]
        for table, left, right in zip(steps, shown, shown[1:], strict=False):
            _allow(table, left, right)
        # Where the match is over, whatever comes next is allowed.
        for place in range(len(shown) - 1, DEPTH):
            _allow(steps[place], shown[-1] if place == len(shown) - 1 else _ALL, _ALL)
    return tuple(b"".join(map(_row, table)) for table in steps)


def _allow(table: list[int], left: int, right: int) -> None:
    for symbol in range(SYMBOLS):
        if left >> symbol & 1:
            table[symbol] |= right


def _row(mask: int) -> bytes:
    return mask.to_bytes(ROW, "little")


_NOTHING = [Head(_ALL, (), _ALL)]


def _heads(nodes: Sequence[Any], flags: int) -> list[Head]:
    """The beginnings of a row of nodes; those that are short may end there."""
    found = _NOTHING
    for node in nodes:
        if all(len(head.first) == DEPTH for head in found):
            break
        found = _then(found, _node_heads(node, flags))
    return found


def _then(found: list[Head], more: list[Head]) -> list[Head]:
    heads = {head: None for head in found if len(head.first) == DEPTH}
    for one in found:
        if len(one.first) == DEPTH:
            continue
        for other in more:
            head = _joined(one, other)
            if head is not None:
                heads[head] = None
        if len(heads) > _MOST:
            raise TooWide
    return list(heads)


def _joined(one: Head, other: Head) -> Head | None:
    """One after the other; None if they cannot stand together."""
    before, first, second, ahead = one.before, one.first, other.first, other.ahead
    if first:
        first = (*first[:-1], first[-1] & other.before)
    else:
        before &= other.before
    if second:
        second = (second[0] & one.ahead, *second[1:])
    else:
        ahead &= one.ahead
    first = (*first, *second)[:DEPTH]
    return Head(before, first, ahead) if before and ahead and all(first) else None


def _node_heads(node: Any, flags: int) -> list[Head]:
    operator, argument = node
    if operator in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return [Head(_ALL, (_symbols(node, flags),), _ALL)]
    if operator is sre.SUBPATTERN:
        return _heads(list(argument[3]), flags | argument[1] & ~argument[2])
    if operator is sre.ATOMIC_GROUP:
        return _heads(list(argument), flags)
    if operator is sre.BRANCH:
        return list(dict.fromkeys(head for branch in argument[1] for head in _heads(list(branch), flags)))
    if operator in _REPEATS:
        least, most, inner = argument
        return _repeated(least, most, inner, flags)
    if operator in (sre.ASSERT, sre.ASSERT_NOT):
        return _asserted(operator is sre.ASSERT, argument[0], list(argument[1]), flags)
    if operator is sre.AT:
        return _at(argument)
    # A reference to a group, or what is newer than this: anything of any length.
    return [*_NOTHING, *(Head(_ALL, (_ALL,) * length, _ALL) for length in range(1, DEPTH + 1))]


def _repeated(least: int, most: Any, inner: Any, flags: int) -> list[Head]:
    once = _heads(list(inner), flags)
    found = _NOTHING if not least else []
    row = _NOTHING
    for number in range(1, min(int(most), DEPTH) + 1):
        row = _then(row, once)
        if number >= min(least, DEPTH):
            found = list(dict.fromkeys([*found, *row]))
    return found


def _asserted(wanted: bool, direction: int, nodes: list[Any], flags: int) -> list[Head]:
    """What an assertion says of the one character beside it."""
    beside = nodes[-1:] if direction < 0 else nodes[:1]
    single = len(nodes) == 1 and nodes[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.IN)
    if wanted and direction >= 0:
        starts = _heads(nodes, flags)
        mask = _ALL if any(not head.first for head in starts) else _union(head.first[0] for head in starts)
    elif beside and beside[0][0] in (sre.LITERAL, sre.NOT_LITERAL, sre.IN) and (wanted or single):
        mask = _symbols(beside[0], flags)
        mask = mask if wanted else _ALL & ~mask | _HIGH
    else:
        return _NOTHING
    return [Head(mask, (), _ALL) if direction < 0 else Head(_ALL, (), mask)]


def _at(where: Any) -> list[Head]:
    if where is not sre.AT_BOUNDARY:
        return _NOTHING
    word, other = _WORD | _HIGH, _ALL & ~_WORD
    return [Head(word, (), other), Head(other, (), word)]


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def _symbols(node: Any, flags: int) -> int:
    """The characters that one place of an expression accepts."""
    operator, argument = node
    folds = bool(flags & _IGNORECASE)
    if operator is sre.ANY:
        return _ALL if flags & _DOTALL else _ALL & ~(1 << 10)
    if operator is sre.LITERAL:
        return _cased(_symbol(argument), folds)
    if operator is sre.NOT_LITERAL:
        return _ALL & ~_cased(_symbol(argument), folds) | _HIGH
    found, negated = 0, argument[0][0] is sre.NEGATE
    for kind, value in argument:
        if kind is sre.LITERAL:
            found |= _symbol(value)
        elif kind is sre.RANGE:
            # What lies beyond ASCII is one symbol, with or without a letter of it.
            found |= (2 << min(value[1], 128)) - (1 << min(value[0], 128))
        elif kind is sre.CATEGORY:
            found |= _CATEGORIES.get(value, _ALL)
        elif kind is not sre.NEGATE:
            return _ALL
    found = _cased(found, folds and not negated) if not negated else _plain_cased(found, folds)
    return _ALL & ~found | _HIGH if negated else found


def _symbol(code: int) -> int:
    return 1 << min(code, 128)


def _plain_cased(mask: int, folds: bool) -> int:
    """With both cases of its letters of ASCII."""
    if not folds:
        return mask
    return mask | (mask & _UPPER) << 32 | (mask & _LOWER) >> 32


def _cased(mask: int, folds: bool) -> int:
    """With both cases of its letters, and of those whose other case lies on the other side of ASCII."""
    if not folds:
        return mask
    if mask & _HIGH:
        mask |= _FOLDING
    mask = _plain_cased(mask, folds)
    return mask | _HIGH if mask & _FOLDING else mask


def _inside(nodes: Sequence[Any], flags: int) -> int:
    """What may lie within a match."""
    found = 0
    for node in nodes:
        operator, argument = node
        if operator in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            found |= _symbols(node, flags)
        elif operator is sre.SUBPATTERN:
            found |= _inside(list(argument[3]), flags | argument[1] & ~argument[2])
        elif operator is sre.ATOMIC_GROUP:
            found |= _inside(list(argument), flags)
        elif operator is sre.BRANCH:
            found |= _union(_inside(list(branch), flags) for branch in argument[1])
        elif operator in _REPEATS:
            found |= _inside(list(argument[2]), flags)
        elif operator in (sre.GROUPREF, sre.ASSERT, sre.ASSERT_NOT, sre.AT):
            continue  # what a group refers to is counted where it stands; the others take nothing
        else:
            return _ALL
        if found == _ALL:
            break
    return found
