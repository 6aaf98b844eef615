"""What each command of a text does, by its first words."""

from __future__ import annotations

from collections.abc import Callable

from ..findings import Findings
from ..registry import analyze_inner
from . import definitions, settings
from .nodes import Group, Nodes, find, nested, word_at
from .queries import Queries
from .tables import qualified
from .tokens import Token

_ROUTINES = ("PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE")
_ONLY_WHEN_RUN = frozenset({"unbounded_write", "destructive", "bulk_read", "row_lock", "copies_rows"})


def read_commands(tokens: list[Token], findings: Findings, depth: int) -> int:
    """Note what all commands do; gives their number."""
    count = 0
    for piece in _pieces(tokens):
        if piece:
            count += 1
            Commands(findings, depth).command(nested(piece))
    return count


def _pieces(tokens: list[Token]) -> list[list[Token]]:
    """The commands between semicolons; the body of a routine holds semicolons of its own."""
    pieces: list[list[Token]] = [[]]
    for token in tokens:
        whole = pieces[-1] and _is_routine(pieces[-1])
        if token.kind == "sign" and token.value in (";", "\\G") and not whole:
            pieces.append([])
        elif token.value != "\\G":
            pieces[-1].append(token)
    return pieces


def _is_routine(tokens: list[Token]) -> bool:
    head = [token.value for token in tokens[:12] if token.kind == "word"]
    return head[:1] == ["CREATE"] and any(word in head for word in _ROUTINES) and "SONAME" not in head


class Commands:
    """Reads one command into the findings of its text."""

    def __init__(self, findings: Findings, depth: int) -> None:
        self.findings = findings
        self._depth = depth

    def command(self, nodes: Nodes) -> None:
        """Read one command; one that begins with no known word is unknown."""
        queries = Queries(self.findings)
        if word_at(nodes, 0) == "WITH":
            nodes = queries.with_clause(nodes)
        word = word_at(nodes, 0)
        if (nodes and isinstance(nodes[0], Group)) or word in ("SELECT", "VALUES", "TABLE"):
            queries.query(nodes)
        elif word in ("INSERT", "REPLACE"):
            queries.insert(nodes, replaces=word == "REPLACE")
        elif word == "UPDATE":
            queries.update(nodes)
        elif word == "DELETE":
            queries.delete(nodes)
        else:
            self._other(word, nodes)

    def _other(self, word: str, nodes: Nodes) -> None:
        handler = _HANDLERS.get(word)
        if handler is not None:
            handler(self, nodes)
            return
        meaning = definitions.meaning_of(word, nodes)
        if meaning is None:
            self.findings.unknown("unknown_syntax")
            return
        verb, *risks = meaning.split()
        self.findings.note(verb, risks)
        self.findings.resources.update(definitions.objects(nodes))

    def _explain(self, nodes: Nodes) -> None:
        """EXPLAIN plans; EXPLAIN ANALYZE, and ANALYZE of MariaDB, runs; DESCRIBE shows columns."""
        at = find(nodes, "SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH", "TABLE", "VALUES")
        if word_at(nodes, 0) == "ANALYZE" and at <= 0:
            self.findings.note("analyze")
            return
        if at <= 0 or (word_at(nodes, at) == "TABLE" and word_at(nodes, 0) == "ANALYZE"):
            self.findings.note("analyze" if word_at(nodes, 0) == "ANALYZE" else "show")
            return
        runs = word_at(nodes, 0) == "ANALYZE" or "ANALYZE" in [word_at(nodes, index) for index in range(at)]
        inner = Findings()
        Commands(inner, self._depth).command(nodes[at:])
        self.findings.resources |= inner.resources
        self.findings.note("explain", inner.risks - ({"bulk_read"} if runs else _ONLY_WHEN_RUN))
        if runs:
            self.findings.note(inner.verbs)

    def _prepare(self, nodes: Nodes) -> None:
        """PREPARE s FROM 'text' and EXECUTE IMMEDIATE 'text' are that text; a variable may be any."""
        at = find(nodes, "FROM", "IMMEDIATE")
        if at < 0:
            self.findings.note("execute")
            return
        self.findings.note("prepare" if word_at(nodes, at) == "FROM" else "execute")
        text = nodes[at + 1] if at + 1 < len(nodes) else None
        if isinstance(text, Token) and text.kind == "string" and len(nodes) == at + 2:
            self.findings.absorb(analyze_inner("mysql", text.value, self._depth + 1))
        else:
            self.findings.unknown("dynamic_sql")

    def _set(self, nodes: Nodes) -> None:
        settings.read(nodes, self.findings)
        Queries(self.findings).expressions(nodes)

    def _do(self, nodes: Nodes) -> None:
        self.findings.note("select")
        Queries(self.findings).expressions(nodes)

    def _call(self, nodes: Nodes) -> None:
        name, after = qualified(nodes, 1)
        self.findings.note("call")
        self.findings.resources.add(name)
        if not name.lower().startswith("sys.") or "drop" in name.lower():
            self.findings.unknown("unknown_function")
        Queries(self.findings).expressions(nodes[after:])

    def _begin(self, nodes: Nodes) -> None:
        if len(nodes) > 1 and word_at(nodes, 1) != "WORK":
            self.findings.unknown("unknown_syntax")
        self.findings.note("begin")

    def _handler(self, nodes: Nodes) -> None:
        """HANDLER reads rows past every condition and mask."""
        name, _ = qualified(nodes, 1)
        self.findings.resources.add(name)
        self.findings.note("select", "bulk_read" if find(nodes, "READ") > 0 else "")

    def _create(self, nodes: Nodes) -> None:
        meaning = definitions.created(nodes)
        verb, *risks = meaning.split()
        self.findings.note(verb, risks)
        if any(risk.startswith("unknown") for risk in risks):
            self.findings.note("unknown")
        self.findings.resources.update(definitions.objects(nodes))
        at = find(nodes, "SELECT", "WITH")
        if at > 0 and "unknown_code" not in risks:
            Queries(self.findings).query(nodes[at:], seen=False)
            self.findings.note((), "copies_rows")
        for node in nodes:
            if isinstance(node, Group) and word_at(node.nodes, 0) in ("SELECT", "WITH"):
                Queries(self.findings).query(node.nodes, seen=False)
                self.findings.note((), "copies_rows")


_HANDLERS: dict[str, Callable[[Commands, Nodes], None]] = {
    **dict.fromkeys(("EXPLAIN", "DESCRIBE", "DESC", "ANALYZE"), Commands._explain),
    "PREPARE": Commands._prepare,
    "EXECUTE": Commands._prepare,
    "SET": Commands._set,
    "DO": Commands._do,
    "CALL": Commands._call,
    "BEGIN": Commands._begin,
    "HANDLER": Commands._handler,
    "CREATE": Commands._create,
}
