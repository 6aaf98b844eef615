"""PostgreSQL's own parser, reached so that a bad text raises `Unparsed` and never anything else.

The caller has applied the caps of `limits` first: the C code recurses with the depth of the tree and
overflows its stack beyond them. See docs/decisions on the choice of library and of the JSON entry.
"""

from __future__ import annotations

from typing import Any

import msgspec
from postgast import PgQueryError, fingerprint, parse_plpgsql, scan
from postgast import deparse as write_tree
from postgast import parse as read_tree
from postgast.errors import check_error
from postgast.native import lib
from postgast.pg_query_pb2 import ScanToken, Token

Node = dict[str, Any]

QUERIES = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


class Unparsed(Exception):
    """The text is not something the parser understands, or its tree is deeper than can be walked."""

    def __init__(self, risk: str) -> None:
        super().__init__(risk)
        self.risk = risk


def parse(text: str) -> list[Node]:
    """The commands of a text: each with its place in it and its `stmt`, `{"SelectStmt": {...}}`."""
    result = lib.pg_query_parse(text.encode())
    try:
        check_error(result)
        tree = msgspec.json.decode(result.parse_tree)
    except PgQueryError:
        raise Unparsed("unknown_syntax") from None
    except RecursionError:
        raise Unparsed("too_complex") from None
    finally:
        lib.pg_query_free_parse_result(result)
    return [raw for raw in tree.get("stmts", ()) if raw.get("stmt")]


def tree(text: str) -> Any:
    """The same commands as messages that can be changed and written again by `deparse`."""
    try:
        return read_tree(text)
    except PgQueryError:
        raise Unparsed("unknown_syntax") from None


def deparse(commands: Any) -> str:
    """A tree as a text."""
    try:
        return str(write_tree(commands))
    except (PgQueryError, ValueError):
        raise Unparsed("unknown_syntax") from None


def tokens(text: str) -> list[ScanToken]:
    """The tokens PostgreSQL's scanner sees, comments included; offsets count UTF-8 bytes."""
    try:
        return list(scan(text).tokens)
    except PgQueryError:
        raise Unparsed("unknown_syntax") from None


def structure_hash(text: str) -> str:
    """Sixteen hexadecimal digits, equal for texts that differ in literals only."""
    try:
        return str(fingerprint(text).hex)
    except PgQueryError:
        raise Unparsed("unknown_syntax") from None


def parse_body(command: str) -> Any:
    """The PL/pgSQL tree of a DO or CREATE FUNCTION command."""
    try:
        return parse_plpgsql(command)
    except (PgQueryError, ValueError, RecursionError):
        raise Unparsed("unknown_syntax") from None


__all__ = [
    "QUERIES",
    "Node",
    "ScanToken",
    "Token",
    "Unparsed",
    "deparse",
    "parse",
    "parse_body",
    "structure_hash",
    "tokens",
    "tree",
]
