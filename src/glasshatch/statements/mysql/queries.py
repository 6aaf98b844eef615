"""Reads queries and changes of rows: tables, conditions, functions, and what reaches the client."""

from __future__ import annotations

from ..findings import Findings
from ..sql.functions import is_personal, is_sensitive
from . import functions, tables
from .conditions import Narrowing, conjuncts, is_join
from .nodes import Group, Nodes, clauses, find, flat, is_query, is_sign, is_word, split, word_at
from .tables import Source, qualified, sources
from .tokens import Token

MAX_BOUNDED_ROWS = 10_000
_CLAUSES = (
    *("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "INTO", "PROCEDURE", "FOR"),
    *("LOCK", "OFFSET", "FETCH"),
)
_SETS = ("UNION", "INTERSECT", "EXCEPT", "MINUS")
_MODIFIERS = frozenset(
    """ALL DISTINCT DISTINCTROW HIGH_PRIORITY STRAIGHT_JOIN SQL_SMALL_RESULT SQL_BIG_RESULT SQL_BUFFER_RESULT
    SQL_NO_CACHE SQL_CACHE SQL_CALC_FOUND_ROWS""".split()
)


_ACCOUNTS = frozenset({"user", "host", "account_locked", "password_expired", "plugin"})


class Queries:
    """Reads queries of one text into its findings; `seen` says whether rows reach the client."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self._ctes: set[str] = set()
        # Of the queries of a WITH that leave out no row: the tables that they read.
        self._wide: dict[str, frozenset[str]] = {}

    def with_clause(self, nodes: Nodes) -> Nodes:
        """Read the queries of a WITH; gives the command after them."""
        at = 2 if word_at(nodes, 1) == "RECURSIVE" else 1
        while at < len(nodes):
            name, at = qualified(nodes, at)
            self._ctes.add(name.lower())
            while at < len(nodes) and word_at(nodes, at) != "AS":
                at += 1
            if at + 1 >= len(nodes):
                break
            body = nodes[at + 1]
            if isinstance(body, Group):
                self.query(body.nodes)
                if find(body.nodes, "WHERE", "LIMIT", "HAVING", "JOIN") < 0:
                    read = sources(clauses(body.nodes, *_CLAUSES).get("FROM", []))
                    self._wide[name.lower()] = frozenset(one.name.rpartition(".")[2].lower() for one in read)
            at += 2
            if at < len(nodes) and is_sign(nodes[at], ","):
                at += 1
            else:
                break
        return nodes[at:]

    def query(self, nodes: Nodes, *, seen: bool = True, bounded: bool = False, copied: bool = False) -> None:
        """A SELECT, VALUES or TABLE, with or without brackets, or several united; `copied` into a table."""
        if word_at(nodes, 0) == "WITH":
            nodes = self.with_clause(nodes)
        arms = split(nodes, *_SETS)
        bounded = bounded or (len(arms) > 1 and _is_limited(clauses(arms[-1], *_CLAUSES)))
        for arm in arms:
            if word_at(arm, 0) in ("ALL", "DISTINCT"):
                arm = arm[1:]  # noqa: PLW2901
            if arm and isinstance(arm[0], Group):
                self.query(
                    arm[0].nodes, seen=seen, bounded=bounded or _is_limited(clauses(arm[1:], *_CLAUSES))
                )
                self._into(clauses(arm[1:], *_CLAUSES).get("INTO", []))
            else:
                self._arm(arm, seen, bounded, copied)

    def _arm(self, nodes: Nodes, seen: bool, bounded: bool, copied: bool) -> None:
        if word_at(nodes, 0) not in ("SELECT", "TABLE", "VALUES", "WITH"):
            self.findings.unknown("unknown_syntax")
            return
        self.findings.note("select")
        if word_at(nodes, 0) == "TABLE":
            self._whole_table(nodes, seen, bounded)
            return
        parts = clauses(nodes, *_CLAUSES)
        found = sources(parts.get("FROM", []))
        if "FROM" in parts and not found:
            self.findings.unknown("unknown_syntax")
        self._note_sources(found, [] if "WHERE" in parts else parts.get("SELECT", []))
        self._into(parts.get("INTO", []))
        if "FOR" in parts or "LOCK" in parts:
            self.findings.note((), "row_lock")
        items = parts.get("SELECT", [])
        self.expressions(nodes)
        self._note_columns(items)
        gathers = any(token.value in functions.GATHERING for token in flat(items))
        limited = (bounded or _is_limited(parts)) and not gathers
        if seen and not limited and not self._narrowed(parts.get("WHERE", []), found):
            # Whoever writes a condition or a LIMIT that leaves out nobody wants all of them.
            personal = gathers or not parts.keys().isdisjoint(("WHERE", "LIMIT", "FETCH")) or copied
            self._bulk(items, found, grouped="GROUP" in parts, personal=personal)
        if found and any(is_word(token, "SLEEP") for token in flat(nodes)):
            # Once for each row.
            self.findings.note("unknown", "server_control unknown_function")

    def _whole_table(self, nodes: Nodes, seen: bool, bounded: bool) -> None:
        name, _ = qualified(nodes, 1)
        self._note_sources([Source(name, name, [])])
        if (
            seen
            and not bounded
            and not _is_limited(clauses(nodes, *_CLAUSES))
            and not tables.is_catalogue(name)
        ):
            self.findings.note((), "bulk_read")

    def _narrowed(self, where: Nodes, found: list[Source]) -> bool:
        names = frozenset(source.alias.lower() for source in found)
        relation = found[0].name if found else ""
        return Narrowing(relation, names, inner=True).narrows(where)

    def _bulk(self, items: Nodes, found: list[Source], *, grouped: bool, personal: bool) -> None:
        """Whole rows, or a secret, of every row of somebody's table; `personal`: or more about a person."""
        base = {source.alias.lower() for source in found if source.name and self._is_base(source.name)}
        for at, node in enumerate(items):
            if not is_sign(node, "*") or not _is_star(items, at):
                continue
            owner = items[at - 2] if at > 1 and is_sign(items[at - 1], ".") else None
            if (owner is None and base) or (isinstance(owner, Token) and owner.value.lower() in base):
                self.findings.note((), "bulk_read")
        shown = _shown(items, grouped=grouped)
        secret = any(is_sensitive(name) or (personal and is_personal(name)) for name in shown)
        if base and (secret or any(is_word(token, *functions.DECRYPTING) for token in flat(items))):
            self.findings.note((), "bulk_read")

    def _is_base(self, name: str) -> bool:
        return not tables.is_catalogue(name) and name.lower() not in self._ctes

    def _note_columns(self, items: Nodes) -> None:
        self.findings.columns.update(name.lower() for name in _shown(items) if name.isidentifier())

    def _accounts_only(self, items: Nodes, name: str) -> bool:
        """Whether of the accounts nothing is read but who they are and whence they come."""
        shown = _shown(items)
        return name.lower() == "mysql.user" and bool(shown) and {one.lower() for one in shown} <= _ACCOUNTS

    def _note_sources(self, found: list[Source], items: Nodes | None = None) -> None:
        for source in found:
            if not source.name or source.name.lower() in self._ctes:
                continue
            self.findings.resources.add(source.name)
            if tables.holds_credentials(source.name) and not self._accounts_only(items or [], source.name):
                self.findings.note((), "credential_read")
            elif tables.holds_samples(source.name):
                self.findings.note((), "sampled_values")

    def _into(self, nodes: Nodes) -> None:
        if word_at(nodes, 0) in ("OUTFILE", "DUMPFILE"):
            self.findings.note("copy_out", "server_file")

    # Expressions

    def expressions(self, nodes: Nodes) -> None:
        """Functions that are called and queries that stand anywhere within."""
        for at, node in enumerate(nodes):
            if isinstance(node, Group):
                self._bracket(nodes, at, node)

    def _bracket(self, nodes: Nodes, at: int, group: Group) -> None:
        if is_query(group.nodes):
            # What is only compared does not reach the client.
            self.query(group.nodes, seen=word_at(nodes, at - 1) not in ("EXISTS", "IN", "ANY", "ALL", "SOME"))
            return
        before = nodes[at - 1] if at else None
        if isinstance(before, Token) and before.kind in ("word", "name"):
            self._call(nodes, at, before, group)
        self.expressions(group.nodes)

    def _call(self, nodes: Nodes, at: int, name: Token, group: Group) -> None:
        schema = nodes[at - 3] if at > 2 and is_sign(nodes[at - 2], ".") else None
        if isinstance(schema, Token):
            known = schema.value.lower() == "sys"
        else:
            known = name.kind == "word" and (
                name.value in functions.KNOWN or name.value in functions.RISKS or name.value.startswith("ST_")
            )
        if not known:
            self.findings.note((), "unknown_function")
        risks = functions.RISKS.get(name.value, "") if schema is None else ""
        if risks:
            self.findings.note((), risks)
        if name.value in ("SLEEP", "BENCHMARK") and _is_long(name.value, group.nodes):
            self.findings.note("unknown", "server_control unknown_function")

    # Changes

    def insert(self, nodes: Nodes, *, replaces: bool) -> None:
        """INSERT and REPLACE."""
        self.findings.note("insert delete" if replaces else "insert")
        at = 1
        while word_at(nodes, at) in ("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"):
            at += 1
        name, at = qualified(nodes, at)
        self._written(name)
        while at < len(nodes) and (word_at(nodes, at) == "PARTITION" or isinstance(nodes[at], Group)):
            inner = nodes[at]
            if isinstance(inner, Group) and is_query(inner.nodes):
                break
            at += 1
        rest = nodes[at:]
        duplicate = find(rest, "DUPLICATE")
        if duplicate > 0:
            self.findings.note("update")
            self.expressions(rest[duplicate:])
            rest = rest[: duplicate - 1]
        if (replaces or duplicate > 0) and self._meets_itself(name, rest):
            self.findings.note((), "unbounded_write")
        self._inserted(rest)

    def _meets_itself(self, name: str, rest: Nodes) -> bool:
        """Whether a table is put into itself, so that each row of it is changed."""
        parts = clauses(rest, *_CLAUSES)
        short = name.rpartition(".")[2].lower()
        read = {source.name.rpartition(".")[2].lower() for source in sources(parts.get("FROM", []))}
        return short in read and not Narrowing(name).narrows(parts.get("WHERE", []))

    def _inserted(self, rest: Nodes) -> None:
        if word_at(rest, 0) in ("SELECT", "WITH", "TABLE") or (rest and isinstance(rest[0], Group)):
            # Whole rows of every row, copied, are read under the other name afterwards.
            self.query(rest, copied=True)
            self.findings.note((), "copies_rows")
        else:
            self.expressions(rest)
        returning = find(rest, "RETURNING")
        if returning >= 0:
            self.findings.note("select")

    def _written(self, name: str) -> None:
        self.findings.resources.add(name)
        if name.lower().startswith(("mysql.", "performance_schema.", "sys.")):
            self.findings.note((), "privilege_change")

    def update(self, nodes: Nodes) -> None:
        """UPDATE of one table or of several."""
        self.findings.note("update")
        parts = clauses(nodes, "UPDATE", "SET", "WHERE", "ORDER", "LIMIT", "RETURNING")
        found = sources(parts.get("UPDATE", []))
        changed = _qualifiers(parts.get("SET", []))
        targets = [source for source in found if source.alias.lower() in changed] or found
        for source in found:
            self._written(source.name) if source in targets else self._note_sources([source])
        self._bounded(parts.get("WHERE", []), targets, found)
        if _is_already(parts.get("SET", []), parts.get("WHERE", [])) or _meets_twice(found, parts):
            self.findings.note((), "unbounded_write")
        self.expressions(nodes)

    def delete(self, nodes: Nodes) -> None:
        """DELETE FROM t, DELETE t FROM …, DELETE FROM t USING …."""
        self.findings.note("delete")
        parts = clauses(nodes, "DELETE", "FROM", "USING", "WHERE", "ORDER", "LIMIT", "RETURNING")
        first = [node for node in parts.get("DELETE", []) if not _is_modifier(node)]
        found = sources(parts.get("USING") or parts.get("FROM", []))
        named = sources(first) if first else sources(parts.get("FROM", [])) if "USING" in parts else found
        names = {source.alias.lower() for source in named}
        targets = [source for source in found if source.alias.lower() in names] or named
        for source in found:
            self._written(source.name) if source in targets else self._note_sources([source])
        self._bounded(parts.get("WHERE", []), targets, found)
        if len(found) > 1 and not self._leaves_some(parts.get("WHERE", []), found, targets):
            self.findings.note((), "unbounded_write")
        self.expressions(nodes)

    def _leaves_some(self, where: Nodes, found: list[Source], targets: list[Source]) -> bool:
        """Whether a DELETE by a join leaves rows: the join of two tables alone finds almost every row."""
        if any(not source.name or source.name.lower() in self._ctes for source in found):
            return True
        names = {target.alias.lower() for target in targets}
        return any(
            Narrowing(wide=self._wide).narrows(piece)
            for condition in (where, *(source.on for source in found))
            for piece in conjuncts(condition)
            if not is_join(piece, names)
        )

    def _bounded(self, where: Nodes, targets: list[Source], found: list[Source]) -> None:
        """Each changed table needs a condition of its own that narrows it."""
        for target in targets:
            narrowing = Narrowing(
                target.name,
                frozenset({target.alias.lower()}) if len(found) > 1 else frozenset(),
                self._wide,
            )
            # A join with a table that is no target leaves out the rows that it has no match for.
            others = [one for one in found if one not in targets and one.name.lower() != target.name.lower()]
            joined = any(narrowing.narrows(source.on) for source in found if source.on and others)
            if not joined and not narrowing.narrows(where):
                self.findings.note((), "unbounded_write")


def _is_already(assignments: Nodes, where: Nodes) -> bool:
    """`SET a = 1 WHERE a <> 1`: left out are only rows that would not change."""
    if len(assignments) < 3 or not is_sign(where[1] if len(where) > 1 else None, "<>", "!="):
        return False
    left, right = [[token.value for token in flat(side)] for side in (assignments, where)]
    return left[:1] == right[:1] and left[2:] == right[2:] and is_sign(assignments[1], "=")


def _meets_twice(found: list[Source], parts: dict[str, Nodes]) -> bool:
    """Whether a table is joined with itself by nothing but a key: each row finds itself."""
    names = [source.name.lower() for source in found]
    conditions = [parts.get("WHERE", []), *(source.on for source in found)]
    pieces = [piece for condition in conditions if condition for piece in conjuncts(condition)]
    joins = bool(pieces) and all(is_join(piece, ()) for piece in pieces)
    return len(names) > 1 and len(set(names)) == 1 and joins


def _is_limited(parts: dict[str, Nodes]) -> bool:
    """LIMIT n, LIMIT m, n and LIMIT n OFFSET m, up to ten thousand rows; a parameter counts as such."""
    nodes = parts.get("LIMIT", []) or [
        node for node in parts.get("FETCH", []) if isinstance(node, Token) and node.kind == "number"
    ]
    pieces = split(nodes, ",")
    count = pieces[-1][0] if pieces[-1] else None
    if not isinstance(count, Token):
        return False
    if count.value in ("?", ":") or count.kind == "variable":
        return True
    return count.kind == "number" and count.value.isdigit() and int(count.value[:12]) <= MAX_BOUNDED_ROWS


def _is_star(items: Nodes, at: int) -> bool:
    if at == 0:
        return True
    before = items[at - 1]
    return is_sign(before, ",", ".") or (
        isinstance(before, Token) and before.kind == "word" and before.value in _MODIFIERS
    )


def _shown(items: Nodes, *, grouped: bool = False) -> list[str]:
    """Names of columns in the select list whose values show; not those within COUNT and its kin.

    `grouped` says that an aggregate gives one value for each group: of MAX that is many values.
    """
    found = []
    for at, node in enumerate(items):
        if isinstance(node, Group):
            name = word_at(items, at - 1)
            hides = name in functions.VALUELESS and not (grouped and name in ("MIN", "MAX", "ANY_VALUE"))
            if not hides and not is_query(node.nodes):
                found += _shown(node.nodes, grouped=grouped)
        elif (
            node.kind in ("word", "name")
            and word_at(items, at - 1) != "AS"
            and not (at + 1 < len(items) and is_sign(items[at + 1], "."))
        ):
            found.append(node.value)
    return found


def _qualifiers(assignments: Nodes) -> set[str]:
    """Whose columns a SET of several tables changes."""
    found = set()
    for piece in split(assignments, ","):
        if len(piece) > 2 and is_sign(piece[1], ".") and isinstance(piece[0], Token):
            found.add(piece[0].value.lower())
    return found


def _is_modifier(node: Token | Group) -> bool:
    return isinstance(node, Token) and (
        (node.kind == "word" and node.value in ("LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"))
        or (node.value in (".", "*") and node.value == "*")
    )


def _is_long(name: str, arguments: Nodes) -> bool:
    if name == "BENCHMARK":
        return True
    first = arguments[0] if arguments else None
    if not isinstance(first, Token) or len(arguments) > 1 or first.kind != "number":
        return True
    return (
        float(first.value) > functions.MAX_PAUSE_SECONDS
        if first.value.replace(".", "", 1).isdigit()
        else True
    )
