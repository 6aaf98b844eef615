"""Words one of which every match of an expression holds: the trigger of a rule that names no keywords."""

from __future__ import annotations

# The parser of the standard library, renamed in 3.11; it has no public name.
from re import _constants as sre
from re import _parser as parser
from typing import Any

SHORTEST = 3
"""A shorter word is everywhere."""
_MOST_WORDS = 40


def needed_words(regex: str) -> tuple[str, ...]:
    """The longest such words, of at least three characters; () where the expression needs none.

    Args:
        regex: An expression that `re` compiles.
    """
    return max(_all_of(parser.parse(regex)), key=_worth, default=())


def _worth(words: tuple[str, ...]) -> tuple[int, int]:
    return min(map(len, words)), -len(words)


def _all_of(tree: Any) -> list[tuple[str, ...]]:
    """Sets of words of each of which a match holds one."""
    found: list[tuple[str, ...]] = []
    run = ""
    for operator, argument in [*tree, (None, None)]:
        if operator is sre.LITERAL:
            run += chr(argument)
            continue
        if operator is sre.AT:
            continue
        found += [(run,)] if len(run) >= SHORTEST else []
        run = ""
        found += _within(operator, argument)
    return found


def _within(operator: Any, argument: Any) -> list[tuple[str, ...]]:
    if operator is sre.SUBPATTERN:
        return _all_of(argument[3])
    if operator is sre.ATOMIC_GROUP:
        return _all_of(argument)
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT) and argument[0] > 0:
        return _all_of(argument[2])
    if operator is sre.BRANCH:
        best = [max(_all_of(one), key=_worth, default=()) for one in argument[1]]
        words = tuple(dict.fromkeys(word for one in best for word in one))
        return [words] if all(best) and len(words) <= _MOST_WORDS else []
    return []
