"""Tables that a clause names, under which names, and which of them are the server's own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..words import words
from .nodes import Group, Node, Nodes, is_query, is_sign, word_at
from .tokens import Token

_JOINS = words("JOIN STRAIGHT_JOIN")
_BEFORE_JOIN = words("LEFT RIGHT INNER CROSS NATURAL OUTER")
_NO_ALIAS = words(
    """
        ON USING JOIN STRAIGHT_JOIN LEFT RIGHT INNER CROSS NATURAL OUTER WHERE SET PARTITION USE FORCE
        IGNORE FOR ORDER LIMIT GROUP HAVING WINDOW UNION AS
    """
)
_CATALOGUES = words("information_schema performance_schema sys mysql")
_HARMLESS = re.compile(
    r"^mysql\.(?:help_\w+|time_zone\w*|innodb_(?:table|index)_stats|server_cost|engine_cost|gtid_\w+)$"
)
_SAMPLES = re.compile(
    r"^(?:mysql\.(?:general_log|slow_log|column_stats)|information_schema\.column_statistics)$"
)


@dataclass(slots=True)
class Source:
    """One table of a FROM: its full name, empty for a derived one, and what columns call it.

    `on` is the condition under which its rows are joined, if that leaves others out.
    """

    name: str
    alias: str
    on: Nodes


def qualified(nodes: Nodes, at: int) -> tuple[str, int]:
    """The name that begins at a place, `schema.table`, and where the rest begins."""
    parts: list[str] = []
    while at < len(nodes):
        node = nodes[at]
        if not isinstance(node, Token) or node.kind not in ("word", "name", "string"):
            break
        parts.append(node.value.lower() if node.kind == "word" else node.value)
        at += 1
        if at >= len(nodes) or not is_sign(nodes[at], "."):
            break
        at += 1
    return ".".join(parts), at


def sources(nodes: Nodes) -> list[Source]:
    """The tables of a FROM, an UPDATE or a USING, in order."""
    found: list[Source] = []
    at, expected = 0, True
    while at < len(nodes):
        node, word = nodes[at], word_at(nodes, at)
        if is_sign(node, ",") or word in _JOINS:
            expected, at = True, at + 1
        elif expected and isinstance(node, Group):
            at = _bracketed(nodes, at, node, found)
            expected = False
        elif (
            expected
            and word not in _BEFORE_JOIN
            and isinstance(node, Token)
            and node.kind in ("word", "name")
        ):
            if word in ("LATERAL", "LOW_PRIORITY", "IGNORE", "QUICK"):
                at += 1
                continue
            at = _named(nodes, at, found)
            expected = False
        else:
            at += 1
    return found


def _bracketed(nodes: Nodes, at: int, group: Group, found: list[Source]) -> int:
    if is_query(group.nodes):
        alias, after = _alias(nodes, at + 1)
        found.append(Source("", alias, _joined_on(nodes, at, after)))
        return after
    found += sources(group.nodes)
    return at + 1


def _named(nodes: Nodes, at: int, found: list[Source]) -> int:
    name, after = qualified(nodes, at)
    if after < len(nodes) and isinstance(nodes[after], Group) and name.upper() == "JSON_TABLE":
        name, after = "", after + 1
    if word_at(nodes, after) == "PARTITION":
        after += 2
    alias, after = _alias(nodes, after)
    found.append(Source(name, alias or name.rpartition(".")[2], _joined_on(nodes, at, after)))
    return after


def _alias(nodes: Nodes, at: int) -> tuple[str, int]:
    if word_at(nodes, at) == "AS":
        at += 1
    node: Node | None = nodes[at] if at < len(nodes) else None
    if isinstance(node, Token) and node.kind in ("word", "name") and word_at(nodes, at) not in _NO_ALIAS:
        return node.value.lower(), at + 1
    return "", at


def _joined_on(nodes: Nodes, at: int, after: int) -> Nodes:
    """The ON of an inner join; an outer join leaves nothing out."""
    before = {word_at(nodes, index) for index in range(max(0, at - 4), at)}
    if word_at(nodes, after) != "ON" or before & {"LEFT", "RIGHT", "OUTER"}:
        return []
    end = after + 1
    while (
        end < len(nodes)
        and word_at(nodes, end) not in (_JOINS | _BEFORE_JOIN)
        and not is_sign(nodes[end], ",")
    ):
        end += 1
    return nodes[after + 1 : end]


def is_catalogue(name: str) -> bool:
    """Whether it is the server's own, which holds no personal rows."""
    return name.partition(".")[0].lower() in _CATALOGUES if "." in name else name in ("", "dual")


def holds_credentials(name: str) -> bool:
    """Whether it is one of the tables of accounts and secrets."""
    lower = name.lower()
    return lower.startswith("mysql.") and not _HARMLESS.match(lower) and not holds_samples(lower)


def holds_samples(name: str) -> bool:
    """Whether it holds copies of values: logs of statements, histograms."""
    return _SAMPLES.match(name.lower()) is not None
