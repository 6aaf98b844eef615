"""Tokens with their brackets as a tree, and the clauses of one level of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..registry import Unreadable
from .tokens import Token

MAX_DEPTH = 60


@dataclass(slots=True)
class Group:
    """What stands between a pair of round brackets."""

    nodes: list[Node]


Node = Token | Group
Nodes = list[Node]


def nested(tokens: list[Token]) -> Nodes:
    """The tokens with every pair of brackets as one node."""
    levels: list[Nodes] = [[]]
    for token in tokens:
        if token.value == "(" and token.kind == "sign":
            levels.append([])
            if len(levels) > MAX_DEPTH:
                raise Unreadable("too_complex")
        elif token.value == ")" and token.kind == "sign":
            if len(levels) == 1:
                raise Unreadable("unknown_syntax")
            group = Group(levels.pop())
            levels[-1].append(group)
        else:
            levels[-1].append(token)
    if len(levels) > 1:
        raise Unreadable("unknown_syntax")
    return levels[0]


def is_word(node: Node | None, *wanted: str) -> bool:
    """Whether a node is one of the words, and no name in backticks."""
    return isinstance(node, Token) and node.kind == "word" and node.value in wanted


def is_sign(node: Node | None, *wanted: str) -> bool:
    return isinstance(node, Token) and node.kind == "sign" and node.value in wanted


def word_at(nodes: Nodes, at: int) -> str:
    """The word at a place, in upper case; nothing if there is none or it is part of a name."""
    if not 0 <= at < len(nodes):
        return ""
    node = nodes[at]
    if not isinstance(node, Token) or node.kind != "word" or is_sign(nodes[at - 1] if at else None, "."):
        return ""
    return node.value


def find(nodes: Nodes, *wanted: str, start: int = 0) -> int:
    """Where the first of the words stands on this level; -1 if none does."""
    for at in range(start, len(nodes)):
        if word_at(nodes, at) in wanted:
            return at
    return -1


def split(nodes: Nodes, *wanted: str) -> list[Nodes]:
    """The pieces between the words or signs."""
    pieces: list[Nodes] = [[]]
    for at, node in enumerate(nodes):
        if word_at(nodes, at) in wanted or is_sign(node, *wanted):
            pieces.append([])
        else:
            pieces[-1].append(node)
    return pieces


def clauses(nodes: Nodes, *starts: str) -> dict[str, Nodes]:
    """What follows each of the words on this level, up to the next of them."""
    found: dict[str, Nodes] = {}
    name = ""
    for at, node in enumerate(nodes):
        word = word_at(nodes, at)
        if word in starts and word not in found:
            name = word
            found[name] = []
        else:
            found.setdefault(name, []).append(node)
    return found


def groups(nodes: Nodes) -> Iterator[Group]:
    """Every bracketed part at any depth."""
    for node in nodes:
        if isinstance(node, Group):
            yield node
            yield from groups(node.nodes)


def flat(nodes: Nodes) -> Iterator[Token]:
    """Every token at any depth, in order."""
    for node in nodes:
        if isinstance(node, Group):
            yield from flat(node.nodes)
        else:
            yield node


def is_query(nodes: Nodes) -> bool:
    """Whether a bracketed part is a query."""
    first = nodes[0] if nodes else None
    if isinstance(first, Group):
        return is_query(first.nodes) and (
            len(nodes) == 1 or word_at(nodes, 1) in ("UNION", "EXCEPT", "INTERSECT", "LIMIT", "ORDER")
        )
    return word_at(nodes, 0) in ("SELECT", "WITH", "TABLE") or (
        word_at(nodes, 0) == "VALUES" and word_at(nodes, 1) == "ROW"
    )
