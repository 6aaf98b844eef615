"""Regular expressions that packs bring: made portable, and refused when they could run away."""

from __future__ import annotations

import re
import warnings
from functools import cache

# The parser of the standard library, renamed in 3.11; it has no public name.
from re import _constants as sre
from re import _parser as parser
from typing import Any

_POSIX = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": r"\s",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
}
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_LETTERS = {"L": "a-zA-Z\xaa-\U0010ffff", "Lu": "A-Z\xc0-\U0010ffff", "Ll": "a-z\xaa-\U0010ffff",
            "N": r"\d", "Nd": r"\d"}  # fmt: skip
"""Classes of Unicode; of letters beyond ASCII rather too many, which errs on the side of hiding."""
_CLASS = re.compile(r"(?<!\\)((?:\\\\)*)\\p(?:\{(\w+)\}|([LN]))")
_NAMED_GROUP = re.compile(r"(?<!\\)((?:\\\\)*)\(\?<(?=[A-Za-z_])")
_FLAG = re.compile(r"\(\?([imsU]+)\)")


def portable(regex: str) -> str:
    r"""Rewrite an RE2 expression for `re`: `\z`, classes, named groups, flags in mid-pattern."""
    regex = re.sub(r"\[:(\w+):\]", lambda match: _POSIX.get(match[1], match[0]), regex)
    regex = _with_classes(_NAMED_GROUP.sub(r"\1(?P<", regex)).replace(r"\z", r"\Z")
    flag = _FLAG.search(regex)
    while flag is not None:
        # A flag in mid-pattern holds until the end of its group.
        letters = flag[1].replace("U", "")
        opening = f"(?{letters}:" if letters else "(?:"
        end = _end_of_group(regex, flag.end())
        regex = regex[: flag.start()] + opening + regex[flag.end() : end] + ")" + regex[end:]
        flag = _FLAG.search(regex)
    return regex


def _with_classes(regex: str) -> str:
    """`\\p{L}` and its like as ranges, in a class or as one; others stay, and do not compile."""

    def ranges(match: re.Match[str]) -> str:
        held = _LETTERS.get(match[2] or match[3])
        if held is None:
            return match[0]
        before = regex[: match.start()]
        inside = before.rfind("[") > before.rfind("]")
        return f"{match[1]}{held}" if inside else f"{match[1]}[{held}]"

    return _CLASS.sub(ranges, regex)


def _end_of_group(regex: str, start: int) -> int:
    depth, index, in_class = 0, start, False
    while index < len(regex):
        letter = regex[index]
        if letter == "\\":
            index += 1
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
            # A bracket that comes first is a member of the class.
            index += regex.startswith("[]", index) + 2 * regex.startswith("[^]", index)
        elif letter == "(":
            depth += 1
        elif letter == ")":
            if depth == 0:
                return index
            depth -= 1
        index += 1
    return len(regex)


_MAY_BE_ENDLESS = re.compile(r"[*+]|,\}")
"""Without one of these an expression has no unbounded repeat, and need not be parsed again."""


def checked_regex(regex: str) -> re.Pattern[str]:
    """Compile an expression for `re` after refusing repeats nested in unbounded repeats.

    Raises:
        ValueError: It does not compile, or could take exponential time; says which.
    """
    pattern = compiled(regex)
    if _MAY_BE_ENDLESS.search(regex) and _nested(parser.parse(regex), unbounded=False):
        raise ValueError("an unbounded repeat inside an unbounded repeat can take forever")
    return pattern


def checked_trigger(trigger: str) -> None:
    """Refuse a trigger that is no expression, may be empty, or has an unbounded repeat.

    Raises:
        ValueError: Says which.
    """
    try:
        tree = parser.parse(trigger)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the expression does not compile: {error}") from None
    if tree.getwidth()[0] < 2:
        raise ValueError("a trigger must need at least two characters")
    if _unbounded(tree):
        raise ValueError("a trigger may have no unbounded repeat: write {1,30} instead of +")


@cache
def compiled(regex: str) -> re.Pattern[str]:
    """An expression of a pack for `re`, once for each process.

    Raises:
        ValueError: It does not compile.
    """
    try:
        # Two threads that do this at once could leave the filter in place, which hides nothing of ours.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the expression does not compile: {error}") from None


def children(node: Any) -> list[Any]:
    """The sub-patterns below one (operator, argument) pair of the parse tree."""
    operator, argument = node
    if operator in _REPEATS or operator is sre.POSSESSIVE_REPEAT:
        return [argument[2]]
    if operator is sre.SUBPATTERN:
        return [argument[3]]
    if operator is sre.BRANCH:
        return list(argument[1])
    if operator in (sre.ASSERT, sre.ASSERT_NOT):
        return [argument[1]]
    if operator is sre.ATOMIC_GROUP:
        return [argument]
    if operator is sre.GROUPREF_EXISTS:
        return [branch for branch in argument[1:] if branch is not None]
    return []


def _unbounded(tree: Any) -> bool:
    for node in tree:
        if node[0] in (*_REPEATS, sre.POSSESSIVE_REPEAT) and node[1][1] is sre.MAXREPEAT:
            return True
        if any(_unbounded(child) for child in children(node)):
            return True
    return False


def _nested(tree: Any, unbounded: bool) -> bool:
    for node in tree:
        endless = node[0] in _REPEATS and node[1][1] is sre.MAXREPEAT
        if endless and unbounded:
            return True
        if any(_nested(child, unbounded or endless) for child in children(node)):
            return True
    return False


def widest(regex: str, limit: int) -> int:
    """How many characters a match may span, at most `limit`."""
    return min(int(parser.parse(regex).getwidth()[1]), limit)
