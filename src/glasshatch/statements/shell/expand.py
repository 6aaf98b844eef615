"""Which words a command may get: quotes removed, known variables filled in, the unknown marked as such."""

from __future__ import annotations

import re
from itertools import product
from typing import NamedTuple

from .tree import Assignment, Output, Parameter, Text, Word

UNKNOWN = "\0"
"""Stands in a word for characters that are not known; no shell word can hold it."""

MAX_CHOICES = 16

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"[\w-]+\.\.[\w-]+(?:\.\.-?\d+)?")
_GLOB = re.compile(r"[*?\[]")
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASS(?:WORD|WD|PHRASE)?|PWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?|DSN|"
    r"DATABASE_URL|REDIS_URL|MONGO\w*_URI|CONN(?:ECTION)?_STR\w*)(?:_|$|\d)|PGPASS|MYSQL_PWD",
    re.IGNORECASE,
)


class Argument(NamedTuple):
    """One word as a program gets it.

    Attributes:
        text: Its characters, `UNKNOWN` in place of those that are not known.
        glob: Whether it is a pattern that the shell replaces by names of files.
        secret: Whether a variable in it is named like a secret.
    """

    text: str
    glob: bool = False
    secret: bool = False

    @property
    def known(self) -> bool:
        return UNKNOWN not in self.text and not self.glob

    @property
    def opaque(self) -> bool:
        """Whether it may begin with anything, an option included."""
        return self.text.startswith(UNKNOWN) or (self.glob and self.text[:1] in "*?[")


Fields = list[Argument]


class _Piece(NamedTuple):
    text: str
    quoted: bool
    split: bool = False
    secret: bool = False


class Variables:
    """Every value that the text may give to a variable, whatever the order in which things run."""

    def __init__(self) -> None:
        self._held: dict[str, set[str]] = {}
        self.overflown: set[str] = set()

    def assign(self, assignment: Assignment) -> None:
        """Take in the values; a name with too many is as unknown as one that was never set."""
        found = {argument for word in assignment.values for argument in self._values(word)}
        held = self._held.setdefault(assignment.name, set())
        if assignment.append:
            found = {before + after for before in (held or {UNKNOWN}) for after in found}
        if assignment.array and len(assignment.values) > 1:
            found |= {" ".join(sorted(found)) if len(found) < 5 else UNKNOWN}
        held |= found
        if len(held) > MAX_CHOICES:
            held.clear()
            held.add(UNKNOWN)

    def forget(self, name: str) -> None:
        self._held.setdefault(name, set()).add(UNKNOWN)

    def values(self, name: str) -> set[str]:
        return self._held.get(name) or {UNKNOWN}

    def is_set(self, name: str) -> bool:
        return name in self._held

    def _values(self, word: Word) -> set[str]:
        """An assignment's value is not split into words (2.9.1)."""
        return {"".join(piece.text for piece in choice) for choice in self._choices(word)}

    # Words

    def expand(self, word: Word) -> list[Fields]:
        """Every list of words that this one may become."""
        return [fields for choice in self._choices(word) for fields in _fields(choice)]

    def expand_all(self, words: list[Word]) -> list[Fields]:
        """Every argument list that a command may get; beyond the cap only what is sure of each word."""
        choices = [self.expand(word) for word in words]
        count = 1
        for choice in choices:
            count *= len(choice)
        if count > MAX_CHOICES:
            choices = [choice if len(choice) == 1 else [[Argument(UNKNOWN)]] for choice in choices]
        return [[field for fields in chosen for field in fields] for chosen in product(*choices)]

    def _choices(self, word: Word) -> list[list[_Piece]]:
        found: list[list[_Piece]] = [[]]
        for part in word.parts:
            pieces = self._pieces(part)
            if len(found) * len(pieces) > MAX_CHOICES:
                pieces = [_Piece(UNKNOWN, False, split=True)]
            found = [[*before, piece] for before in found for piece in pieces]
        return found

    def _pieces(self, part: Text | Parameter | Output) -> list[_Piece]:
        if isinstance(part, Text):
            return [_Piece(part.text, part.quoted)]
        if isinstance(part, Output):
            return [_Piece(UNKNOWN, part.quoted, split=not part.quoted)]
        if part.name == "IFS" and part.plain and not self.is_set("IFS"):
            return [_Piece(" ", part.quoted, split=not part.quoted)]
        values = set(self.values(part.name)) if part.plain else {UNKNOWN}
        if part.default is not None:
            values |= self._values(part.default)
        secret = bool(_SECRET_NAME.search(part.name)) and not self.is_set(part.name)
        return [_Piece(value, part.quoted, not part.quoted, secret) for value in sorted(values)]


def _fields(pieces: list[_Piece]) -> list[Fields]:
    """Split and brace-expand one choice of pieces."""
    words: list[list[_Piece]] = [[]]
    for piece in pieces:
        if not piece.split:
            words[-1].append(piece)
            continue
        parts = re.split(r"[ \t\n]+", piece.text)
        words[-1].append(piece._replace(text=parts[0]))
        words += [[piece._replace(text=part)] for part in parts[1:]]
    joined = [
        argument
        for word in words
        if word and (any(piece.quoted for piece in word) or any(piece.text for piece in word))
        for argument in _braced(word)
    ]
    return [joined]


def _braced(pieces: list[_Piece]) -> Fields:
    """`{a,b}` makes several words of one; only where no quote stands within."""
    text = "".join(piece.text for piece in pieces)
    secret = any(piece.secret for piece in pieces)
    bare = "".join(piece.text for piece in pieces if not piece.quoted)
    glob = bool(_GLOB.search(bare))
    if "{" not in bare or not all(not piece.quoted or not set("{},") & set(piece.text) for piece in pieces):
        return [Argument(text, glob, secret)]
    return [Argument(one, glob, secret) for one in _alternatives(text)]


def _alternatives(text: str) -> list[str]:
    """All words of a brace expansion, innermost first; one unknown word where there would be too many."""
    done, open_words = list[str](), [text]
    while open_words:
        one = open_words.pop(0)
        found = next((match for match in _BRACES.finditer(one) if _expands(match[1])), None)
        if found is None:
            done.append(one)
        elif "," in found[1]:
            open_words += [one[: found.start()] + part + one[found.end() :] for part in found[1].split(",")]
        else:
            open_words.append(one[: found.start()] + UNKNOWN + one[found.end() :])
        if len(done) + len(open_words) > 64 or sum(map(len, open_words)) > 20_000:
            return [UNKNOWN]
    return done


def _expands(inner: str) -> bool:
    return "," in inner or _RANGE.fullmatch(inner) is not None
