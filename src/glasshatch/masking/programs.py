"""Programs of expressions, for the kernel: what `matcher.h` runs instead of `re`, several times as fast.

Made of the parse tree of the standard library, for texts of ASCII alone. What the tree holds is either put
into instructions that mean the same or refused, and then `re` goes on being asked.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence

# The parts of the standard library's `re`, renamed in 3.11; they have no public names.
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as sre
from re import _parser as parser
from typing import Any, NamedTuple, cast

from .expressions import children

(DONE, CHAR, SET, ELSE, LATER, GO, MARK, MOST, LEAST, ALL, AHEAD, BEHIND, LOOK, ONCE, SAME, TEXT, END, LAST,
 WORD) = range(19)  # fmt: skip
"""The instructions, as `matcher.h` numbers them."""
MARKS = 16
LONGEST_BEHIND = 48
"""How many characters before a match may be looked at."""

_ASCII = "".join(map(chr, range(128)))
_EVERYTHING = (1 << 128) - 1
_MOST = (1 << 31) - 1
_LONGEST = 20_000
_DEEPEST = 16
_UNICODE, _IGNORECASE, _MULTILINE = int(re.UNICODE), int(re.IGNORECASE), int(re.MULTILINE)
_SINGLE = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)
_LOOKS = (sre.ASSERT, sre.ASSERT_NOT, sre.AT)


class Program(NamedTuple):
    """`code`: instructions of 32 bits; `sets`: 32 octets each, a bit for each octet."""

    code: bytes
    sets: bytes


class Refused(Exception):
    """An expression that holds what no instruction means."""


def program(pattern: str, flags: int, group: int | str) -> Program | None:
    """The program of an expression; None if only `re` can run it.

    The first two marks of a match are where `group` begins and ends, if it is not 0.

    Args:
        flags: Those that it was compiled with.
    """
    try:
        tree = parser.parse(pattern, flags & ~_UNICODE)
        number = tree.state.groupdict[group] if isinstance(group, str) else group
        maker = _Maker([number, *sorted(_referred(tree) - {number})])
        maker.row(list(tree), int(tree.state.flags), 0)
        maker.put(DONE)
    except (Refused, RecursionError):
        return None
    return Program(
        array("i", maker.code).tobytes(), b"".join(one.to_bytes(32, "little") for one in maker.sets)
    )


class _Maker:
    def __init__(self, groups: Sequence[int]) -> None:
        """`groups` are those whose place is told: first the one that is asked for, or 0."""
        if 2 * len(groups) > MARKS:
            raise Refused
        self.code: list[int] = []
        self.sets: dict[int, int] = {}
        self._marks = {group: 2 * place for place, group in enumerate(groups)}
        self._closed: set[int] = set()
        self._repeats = 0

    def put(self, *words: int) -> int:
        """Add an instruction; where it begins."""
        if len(self.code) > _LONGEST:
            raise Refused
        self.code += words
        return len(self.code) - len(words)

    def _here(self, hole: int) -> None:
        self.code[hole] = len(self.code)

    def _set(self, mask: int) -> int:
        return self.sets.setdefault(mask, len(self.sets))

    def row(self, nodes: Sequence[Any], flags: int, depth: int) -> None:
        """Nodes one after the other."""
        if depth > _DEEPEST * 4:
            raise Refused
        for place, node in enumerate(nodes):
            self._node(node, nodes[place + 1 :], flags, depth + 1)

    def _node(self, node: Any, rest: Sequence[Any], flags: int, depth: int) -> None:
        operator, argument = node
        if operator in _SINGLE:
            self._single(_mask(node, flags))
        elif operator is sre.SUBPATTERN:
            self._group(argument, flags, depth)
        elif operator is sre.BRANCH:
            self._branches([list(branch) for branch in argument[1]], flags, depth)
        elif operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            self._repeat(operator, argument, rest, flags, depth)
        elif operator in (sre.ASSERT, sre.ASSERT_NOT):
            self._look(argument, operator is sre.ASSERT_NOT, flags, depth)
        elif operator is sre.AT:
            self._at(argument, flags)
        elif operator is sre.ATOMIC_GROUP:
            self._once(list(argument), flags, depth)
        elif operator is sre.GROUPREF and argument in self._closed:
            self.put(SAME, self._marks[argument], int(bool(flags & _IGNORECASE)))
        else:
            raise Refused

    def _single(self, mask: int) -> None:
        if mask and mask & (mask - 1) == 0:
            self.put(CHAR, mask.bit_length() - 1)
        else:
            self.put(SET, self._set(mask))

    def _group(self, argument: Any, flags: int, depth: int) -> None:
        number, added, taken, inner = argument
        mark, flags = self._marks.get(number), (flags | added) & ~taken
        if mark is None:
            self.row(list(inner), flags, depth)
            return
        if self._repeats and mark == 0:
            raise Refused
        self.put(MARK, mark)
        self.row(list(inner), flags, depth)
        self.put(MARK, mark + 1)
        if not self._repeats:
            self._closed.add(number)

    def _branches(self, branches: Sequence[Sequence[Any]], flags: int, depth: int) -> None:
        ends = []
        for branch in branches[:-1]:
            at = self.put(ELSE, self._guard(branch, flags), 0)
            self.row(branch, flags, depth)
            ends.append(self.put(GO, 0) + 1)
            self._here(at + 2)
        self.row(branches[-1], flags, depth)
        for hole in ends:
            self._here(hole)

    def _guard(self, nodes: Sequence[Any], flags: int) -> int:
        """The set that one of the first characters must be of; -1 if there may be none."""
        mask, empty = _first(nodes, flags)
        return -1 if empty or mask == _EVERYTHING else self._set(mask)

    def _repeat(self, operator: Any, argument: Any, rest: Sequence[Any], flags: int, depth: int) -> None:
        least, most, inner = argument
        nodes, most = list(inner), min(int(most), _MOST)
        single = _alone(nodes, flags)
        if single is not None:
            self._run(operator, self._set(single), int(least), most, rest, flags)
        elif operator is sre.POSSESSIVE_REPEAT:
            self._once([(sre.MAX_REPEAT, argument)], flags, depth)
        else:
            self._loop(operator is sre.MIN_REPEAT, int(least), most, nodes, flags, depth)

    def _run(
        self, operator: Any, chosen: int, least: int, most: int, rest: Sequence[Any], flags: int
    ) -> None:
        if operator is sre.MAX_REPEAT:
            self.put(MOST, chosen, least, most, self._guard(rest, flags))
        else:
            self.put(LEAST if operator is sre.MIN_REPEAT else ALL, chosen, least, most)

    def _loop(self, lazy: bool, least: int, most: int, nodes: list[Any], flags: int, depth: int) -> None:
        if most > 1 and _first(nodes, flags)[1]:
            raise Refused  # what a round that takes nothing means, is for `re` to say
        once = (least, most) == (0, 1)
        self._repeats += not once
        for _ in range(least):
            self.row(nodes, flags, depth)
        holes = []
        for _ in range(1 if most == _MOST else most - least):
            begun = len(self.code)
            if lazy:
                self.put(LATER, begun + 4)
                holes.append(self.put(GO, 0) + 1)
            else:
                holes.append(self.put(ELSE, self._guard(nodes, flags), 0) + 2)
            self.row(nodes, flags, depth)
            if most == _MOST:
                self.put(GO, begun)
        for hole in holes:
            self._here(hole)
        self._repeats -= not once

    def _once(self, nodes: Sequence[Any], flags: int, depth: int) -> None:
        at = self.put(ONCE, 0)
        self.row(nodes, flags, depth)
        self.put(DONE)
        self._here(at + 1)

    def _look(self, argument: Any, negated: bool, flags: int, depth: int) -> None:
        direction, inner = argument
        nodes = list(inner)
        single = _alone(nodes, flags)
        if single is not None:
            self.put(AHEAD if direction >= 0 else BEHIND, self._set(single), int(negated))
            return
        behind = -1
        if direction < 0:
            behind, widest = map(int, inner.getwidth())
            if behind != widest or behind > LONGEST_BEHIND:
                raise Refused
        at = self.put(LOOK, behind, int(negated), 0)
        self._repeats += negated  # what a group held in there is nobody's business
        self.row(nodes, flags, depth)
        self._repeats -= negated
        self.put(DONE)
        self._here(at + 3)

    def _at(self, where: Any, flags: int) -> None:
        if where is sre.AT_BEGINNING_STRING or (where is sre.AT_BEGINNING and not flags & _MULTILINE):
            self.put(TEXT)
        elif where is sre.AT_END and not flags & _MULTILINE:
            self.put(END)
        elif where is sre.AT_END_STRING:
            self.put(LAST)
        elif where in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY):
            self.put(WORD, self._set(_WORDS), int(where is sre.AT_NON_BOUNDARY))
        else:
            raise Refused


_WORDS = sum(1 << ord(one) for one in _ASCII if one.isalnum() or one == "_")


def _alone(nodes: Sequence[Any], flags: int) -> int | None:
    """The characters of a row that is always one character; None for another row."""
    while len(nodes) == 1 and nodes[0][0] is sre.SUBPATTERN and nodes[0][1][0] is None:
        _, added, taken, inner = nodes[0][1]
        nodes, flags = list(inner), (flags | added) & ~taken
    return _mask(nodes[0], flags) if len(nodes) == 1 and nodes[0][0] in _SINGLE else None


def _mask(node: Any, flags: int) -> int:
    """The characters of ASCII that a node accepts, as `re` itself says."""
    if node[0] is sre.LITERAL and node[1] < 128 and not flags & _IGNORECASE:
        return 1 << int(node[1])
    key = node[0], tuple(node[1]) if isinstance(node[1], list) else node[1], flags
    if key not in _ACCEPTED:
        if len(_ACCEPTED) >= _LONGEST:
            _ACCEPTED.clear()
        _ACCEPTED[key] = _accepted(node, flags)
    return _ACCEPTED[key]


_ACCEPTED: dict[tuple[Any, Any, int], int] = {}


def _accepted(node: Any, flags: int) -> int:
    state = parser.State()
    state.flags = flags | _UNICODE
    # A parse tree is compiled like a text, which the library's types do not say.
    found = compiler.compile(cast(Any, parser.SubPattern(state, [node])), state.flags)
    return sum(1 << ord(one) for one in _ASCII if found.fullmatch(one))


def _referred(tree: Any) -> set[int]:
    """The groups that an expression refers to."""
    found: set[int] = set()
    for node in tree:
        if node[0] is sre.GROUPREF:
            found.add(node[1])
        for child in children(node):
            found |= _referred(child)
    return found


def _first(nodes: Sequence[Any], flags: int) -> tuple[int, bool]:
    """What the first character of a row may be, and whether the row may take none."""
    mask = 0
    for node in nodes:
        more, empty = _first_of(node, flags)
        mask |= more
        if not empty:
            return mask, False
    return mask, True


def _first_of(node: Any, flags: int) -> tuple[int, bool]:
    operator, argument = node
    if operator in _SINGLE:
        return _mask(node, flags), False
    if operator is sre.SUBPATTERN:
        return _first(list(argument[3]), (flags | argument[1]) & ~argument[2])
    if operator is sre.ATOMIC_GROUP:
        return _first(list(argument), flags)
    if operator is sre.BRANCH:
        firsts = [_first(list(branch), flags) for branch in argument[1]]
        mask = 0
        for one, _ in firsts:
            mask |= one
        return mask, any(empty for _, empty in firsts)
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        mask, empty = _first(list(argument[2]), flags)
        return mask, empty or not argument[0]
    return (0, True) if operator in _LOOKS else (_EVERYTHING, True)
