"""What is wrong with the file of a mapping: in which line, and what cures it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, Final

_TABLE = re.compile(r"\s*(\[\[?)\s*([\w.\"' -]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"\s*([\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=(.*)")
_SAID_AT = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_BACKTICKED = re.compile(r"(?<=`)[\w| ]+(?=`)|(?<=\| )\w+")
_TYPES: Final = {"str": "text", "int": "number", "bool": "true or false", "object": "table", "array": "list",
                 "str | array": "text or list", "str | object | array": "text, list or table"}  # fmt: skip
_LONG_TEXTS: Final = ("'''", '"""')

Path = tuple[str, ...]


def line_of(text: str, path: Path) -> int:
    """The line, from 1, where a member is written, or the nearest table around it; 1 if neither is.

    A path has names, and numbers from 0 for which of several tables, as `("example", "1", "item")`.
    """
    best, line = 0, 1
    for number, found in _written(text):
        same = sum(1 for _ in _while_equal(found, path))
        if same == len(found) and same > best:
            best, line = same, number
    return line


def what_is_wrong(text: str, said: str, members: dict[str, tuple[str, ...]]) -> tuple[int, str, str, str]:
    """What a decoder said, as line, key, sentence and cure.

    Args:
        said: Its words, as `Expected `str`, got `int` - at `$.event.time``.
        members: The names that each table may have, by its path.
    """
    sentence, at = _SAID_AT.fullmatch(said).groups()  # type: ignore[union-attr]
    path = tuple(re.findall(r"[\w*-]+", at or ""))
    table = ".".join(part for part in path if not part.isdecimal())
    names = members.get(table, ())
    if found := _UNKNOWN.fullmatch(sentence):
        near = difflib.get_close_matches(found[1], names, 1, 0.5)
        cure = (f"did you mean {near[0]}? " if near else "") + f"there are: {', '.join(names)}"
        return line_of(text, (*path, found[1])), table, f"{found[1]!r} is not known", cure
    if found := _MISSING.fullmatch(sentence):
        where = f"below [{table}]" if table else "at the beginning"
        return line_of(text, path), table, f"{found[1]} is missing", f"write {found[1]} = … {where}"
    words = _BACKTICKED.sub(lambda word: _TYPES.get(word[0], word[0]), sentence).replace("`", "")
    return line_of(text, path), table, words[:1].lower() + words[1:], "see docs/sources/mapping.md"


def _written(text: str) -> Iterator[tuple[int, Path]]:
    """Every table and member of a file, by its line. What stands in texts of several lines is none."""
    table: Path = ()
    counts: dict[Path, int] = {}
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        if found := _TABLE.fullmatch(line):
            table = _names(found[2])
            if found[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            yield number, table
        elif found := _KEY.fullmatch(line):
            yield number, (*table, *_names(found[1]))
            inside = next((mark for mark in _LONG_TEXTS if found[2].count(mark) % 2), "")


def _names(text: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def _while_equal(one: Path, other: Path) -> Iterator[Any]:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return
        yield left
