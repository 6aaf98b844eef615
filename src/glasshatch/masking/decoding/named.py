"""Values that share a name or stand before it: `phone IN ('…', '…')`, `"phones": ["…", "…"]`, `'…' AS dob`,
`{"field": "phone", "old": "…", "new": "…"}`. Each is read again with its name before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from .budget import Budget
from .records import NAMES, spelled
from .sources import Pieces

_JSON_NAME = r"(?:[a-z]{0,10}_?(?:field|column|attribute|property|key|name|label)|attr|path)"


def _around(names: str) -> tuple[str, ...]:
    word = rf"(?:{names})[a-z_]{{0,12}}"
    return (
        rf"{word}\x22? (?:IN|in) ?\(",
        rf"{word}\x22? ?= ?(?:ANY|any) ?\(",
        rf"{word}\x22? ?[:=] ?\[",
        rf"(?:AS|as) \x22?[a-z_]{{0,16}}{word}",
        rf"\x22{_JSON_NAME}\x22 ?: ?\x22[a-z_./]{{0,24}}{word}\x22",
    )


_KINDS = 5
TRIGGERS = tuple(trigger for names in NAMES for trigger in _around(names))
_LONGEST, _LONGEST_OBJECT, _MOST_VALUES, _A_TRY = 4096, 600, 200, 64
_NAME_BEFORE = re.compile(r"([\w$]{2,60})\W{1,4}(?:IN|ANY|=\s?ANY)?\W{0,4}\Z", re.IGNORECASE)
_LIST = re.compile(
    r"'(?:[^'\x00]|''){0,400}'|\"(?:[^\"\\\x00]|\\.){0,400}\"|[\])},{(\[]|[^'\"(){}\[\],\x00]{1,400}"
)
_ALIASED = re.compile(
    r"(?:'(?P<text>[^'\x00]{4,200})'|(?<![\w.'])(?P<number>\d[\d .-]{3,20}\d))(?:::[\w ]{1,30})?"
    r"\s{1,3}AS\s{1,3}\"?(?P<name>\w{2,60})",
    re.IGNORECASE,
)
_BRACE = re.compile(r"[{}\x00]")
_FIELD = re.compile(r"\"([\w./ -]{2,80})\"\Z")
_MEMBER = re.compile(
    r"\"(?:old|new|from|to|before|after|previous|prior|current|was|is|value)(?:_?value)?\"\s{0,2}:(?=\s{0,2}[\"\d])",
    re.IGNORECASE,
)


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Pieces]:
    """What stands at the hits, each value with its name before it."""
    done = dict.fromkeys(_READERS, 0)
    for kind, end in hits:
        reader = _READERS[kind % _KINDS]
        if end <= done[reader]:
            continue
        budget.spend(_A_TRY)
        pieces, done[reader] = reader(text, end, budget)
        if pieces is not None:
            yield pieces


def _listed(text: str, end: int, budget: Budget) -> tuple[Pieces | None, int]:
    """The values of a list in brackets, of which the opening one ends at `end`."""
    match = _NAME_BEFORE.search(text, max(0, end - 80), end - 1)
    if match is None:
        return None, end
    marks, stop = [end - 1], end
    for token in _LIST.finditer(text, end, min(len(text), end + _LONGEST)):
        stop = token.end()
        if token[0] == ",":
            marks.append(token.start())
        elif token[0] in "])" or len(marks) > _MOST_VALUES:
            break
        elif token[0] in "{}":
            # A list of records has names of its own.
            return None, stop
    budget.spend(stop - end)
    # One value alone has its name before it as it is.
    return (spelled(text, [(mark, match[1]) for mark in marks], stop) if len(marks) > 1 else None), stop


def _aliased(text: str, end: int, budget: Budget) -> tuple[Pieces | None, int]:
    """`'1984-03-12' AS dob`: the name behind the value, once more before it."""
    for match in _ALIASED.finditer(text, max(0, end - 320), min(len(text), end + 48)):
        if match.end() < end:
            continue
        start = match.start("text") if match["text"] else match.start("number")
        if start == 0:
            break
        return spelled(text, [(start - 1, match["name"])], match.end()), match.end()
    return None, end


def _changed(text: str, end: int, budget: Budget) -> tuple[Pieces | None, int]:
    """The other members of an object that names a field: what it was, and what it is now."""
    match = _FIELD.search(text, max(0, end - 90), end)
    stop = min(len(text), end + _LONGEST_OBJECT)
    closing = _BRACE.search(text, end, stop)
    stop = closing.start() if closing else stop
    marked = [(one.end() - 1, match[1]) for one in _MEMBER.finditer(text, end, stop)] if match else []
    budget.spend(stop - end)
    return spelled(text, marked, stop), stop


_READERS: tuple[Callable[[str, int, Budget], tuple[Pieces | None, int]], ...] = (
    _listed,
    _listed,
    _listed,
    _aliased,
    _changed,
)
"""What reads the values behind a trigger, by the trigger's place in its group."""
