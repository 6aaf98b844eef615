"""Whether a condition narrows what it is put on: `WHERE 1`, `id = id` and `a OR true` do not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from ..sql.functions import is_personal, is_sensitive
from .nodes import Group, Node, Nodes, find, flat, is_query, is_sign, is_word, split, word_at
from .tokens import Token
from .trying import holds_always

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<=>": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_LITERALS = {"TRUE": 1.0, "FALSE": 0.0, "NULL": 0.0}
_WORDS_OF_EXPRESSIONS = frozenset(
    """
        AND OR XOR NOT IN IS LIKE RLIKE REGEXP BETWEEN ESCAPE BINARY COLLATE DIV MOD INTERVAL CASE WHEN THEN
        ELSE END EXISTS ANY ALL SOME TRUE FALSE NULL UNKNOWN SELECT FROM WHERE MEMBER OF SOUNDS AS DISTINCT
        DAY HOUR MINUTE SECOND MONTH YEAR WEEK QUARTER MICROSECOND DATE TIME TIMESTAMP CURRENT_DATE
        CURRENT_TIMESTAMP CURRENT_TIME CURRENT_USER UTC_DATE UTC_TIMESTAMP UTC_TIME LOCALTIME LOCALTIMESTAMP
        CHAR SIGNED UNSIGNED DECIMAL
    """.split()
)


class Narrowing:
    """Judges conditions on one relation."""

    def __init__(
        self,
        relation: str = "",
        names: frozenset[str] = frozenset(),
        wide: Mapping[str, frozenset[str]] = MappingProxyType({}),
        *,
        inner: bool = False,
    ) -> None:
        self._relation = relation.rpartition(".")[2].lower()
        self._names = names
        self._wide = wide
        # Of a query in a query: a row for each row outside is as many as there are outside.
        self._inner = inner

    def narrows(self, nodes: Nodes) -> bool:
        """True if some rows can be expected to fail the condition."""
        return bool(nodes) and self._narrows(nodes) and not holds_always(nodes, self._is_own_key)

    def _narrows(self, nodes: Nodes) -> bool:
        either = split(nodes, "OR", "||", "XOR")
        if len(either) > 1:
            return all(self.narrows(part) for part in either) and not _complementary(either)
        both = conjuncts(nodes)
        if len(both) > 1:
            return any(self.narrows(part) for part in both)
        return self._predicate(nodes)

    def _predicate(self, nodes: Nodes) -> bool:
        if is_word(nodes[0], "NOT") or is_sign(nodes[0], "!"):
            return self._opposite(nodes[1:])
        if len(nodes) == 1 and isinstance(nodes[0], Group) and not is_query(nodes[0].nodes):
            return self.narrows(nodes[0].nodes)
        value = truth(_unqueried(nodes))
        if value is not None:
            # False for every row means that nothing happens.
            return not value
        if self._inner and self._names and self._ties(nodes):
            return False
        return self._mentions(nodes) and not self._holds_for_all(nodes)

    def _ties(self, nodes: Nodes) -> bool:
        """Whether a column of the relation is compared with one of the query outside."""
        if find(nodes, "IN", "LIKE", "BETWEEN") >= 0 or not any(is_sign(node, "=") for node in nodes):
            return False
        owners = list(_qualifiers(nodes))
        return len(owners) == 2 and len({not one or one in self._names for one in owners}) == 2

    def _opposite(self, nodes: Nodes) -> bool:
        """`NOT (…)`: narrows if the inner condition is not one that never holds."""
        inner = nodes[0].nodes if len(nodes) == 1 and isinstance(nodes[0], Group) else nodes
        if not inner:
            return False
        value = truth(inner)
        if value is not None:
            return value
        if is_word(inner[0], "NOT"):
            return self.narrows(inner[1:])
        if any(is_sign(node, "<>", "!=") for node in inner) or find(inner, "IS") >= 0:
            return self._mentions(inner) and find(inner, "NULL") < 0 and not _same_sides(inner)
        return self._mentions(inner) and not _empty_pattern(inner)

    def _holds_for_all(self, nodes: Nodes) -> bool:
        """Comparisons that every row passes."""
        if _same_sides(nodes) or _matches_all(nodes) or _passes_all(nodes):
            return True
        key = self._is_key(nodes)
        if _is_there(nodes):
            return True
        if not key:
            return self._among_all(nodes)
        rest = nodes[-2:] if is_sign(nodes[-2] if len(nodes) > 1 else None, "-") else nodes[-1:]
        sign = next(
            (
                node.value
                for node in nodes
                if isinstance(node, Token) and node.kind == "sign" and node.value in _COMPARE
            ),
            "",
        )
        number = _number(rest)
        if sign in (">", ">=", "<>", "!=") and number is not None:
            return number <= (1 if sign == ">=" else 0)
        return (find(nodes, "IS", "IN") >= 0 and find(nodes, "NOT") >= 0) or self._among_all(nodes)

    def _among_all(self, nodes: Nodes) -> bool:
        """`IN (SELECT id FROM the same table)`, `EXISTS (SELECT 1)`."""
        inner = next((node.nodes for node in nodes if isinstance(node, Group) and is_query(node.nodes)), None)
        if inner is None or find(inner, "WHERE", "LIMIT", "HAVING", "JOIN") >= 0:
            return False
        if any(word_at(nodes, at) == "EXISTS" for at in range(len(nodes))):
            return True
        source = find(inner, "FROM")
        named = {token.value.lower() for token in flat(inner[source + 1 :])} if source >= 0 else set()
        return self._relation in named or any(self._relation in self._wide.get(name, ()) for name in named)

    def _is_key(self, nodes: Nodes) -> bool:
        names = _columns(nodes)
        return len(names) == 1 and self._is_own_key(names[0])

    def _is_own_key(self, name: str) -> bool:
        """Whether a column by its name is the relation's own key."""
        stem = self._relation.rstrip("s")
        return name in ("id", "uuid", "_rowid", f"{stem}_id", f"{stem}id")

    def _mentions(self, nodes: Nodes) -> bool:
        """Whether a column of the relation is part of it; a qualified one must be the relation's."""
        return any(
            not self._names or not qualifier or qualifier in self._names for qualifier in _qualifiers(nodes)
        )


def _qualifiers(nodes: Nodes) -> Iterator[str]:
    """For every column at any depth, what stands before its name; a function's name is no column."""
    for at, node in enumerate(nodes):
        follows: Node | None = nodes[at + 1] if at + 1 < len(nodes) else None
        if isinstance(node, Group):
            yield from _qualifiers(node.nodes)
        elif _is_column(node) and not is_sign(follows, ".") and not isinstance(follows, Group):
            before = nodes[at - 2] if at > 1 and is_sign(nodes[at - 1], ".") else None
            yield before.value.lower() if isinstance(before, Token) else ""


def _unqueried(nodes: Nodes) -> Nodes:
    """`(SELECT 1 FROM DUAL)` as the constant that it is."""
    if len(nodes) != 1 or not isinstance(nodes[0], Group) or not is_word(nodes[0].nodes[0], "SELECT"):
        return nodes
    inner = nodes[0].nodes[1:]
    if len(inner) > 2 and is_word(inner[-2], "FROM") and is_word(inner[-1], "DUAL"):
        inner = inner[:-2]
    return inner if find(inner, "FROM", "WHERE", "UNION", "HAVING", "LIMIT") < 0 else nodes


def truth(nodes: Nodes) -> bool | None:
    """The truth of a condition of constants only; None for all others."""
    if len(nodes) == 1 and isinstance(nodes[0], Group):
        return None if is_query(nodes[0].nodes) else truth(nodes[0].nodes)
    if any(True for _ in _qualifiers(nodes)):
        return None
    if any(isinstance(node, Token) and node.kind == "variable" for node in flat(nodes)):
        return None
    for at, node in enumerate(nodes):
        if isinstance(node, Token) and node.kind == "sign" and node.value in _COMPARE:
            return _compared(node.value, nodes[:at], nodes[at + 1 :])
    number = _number(nodes)
    # A constant that is not judged narrows nothing.
    return number != 0 if number is not None else True


def _compared(sign: str, left: Nodes, right: Nodes) -> bool:
    mine, theirs = _number(left), _number(right)
    if mine is not None and theirs is not None:
        return _COMPARE[sign](mine, theirs)
    texts = [side[0].value for side in (left, right) if len(side) == 1 and isinstance(side[0], Token)]
    if len(texts) == 2 and sign in ("=", "<=>"):
        return texts[0].lower() == texts[1].lower()
    return True


def _number(nodes: Nodes) -> float | None:
    """The value of a constant: a number, a string that is one, TRUE, FALSE."""
    if len(nodes) == 1 and isinstance(nodes[0], Group):
        return _number(nodes[0].nodes)
    if len(nodes) == 2 and is_sign(nodes[0], "-"):
        inner = _number(nodes[1:])
        return -inner if inner is not None else None
    if len(nodes) != 1 or not isinstance(nodes[0], Token):
        return None
    token = nodes[0]
    if token.kind == "word":
        return _LITERALS.get(token.value)
    if token.kind not in ("number", "string"):
        return None
    try:
        return float(token.value) if token.kind == "number" or token.value.isdigit() else None
    except ValueError:
        return None


def conjuncts(nodes: Nodes) -> list[Nodes]:
    """Split at AND, but not at the one of BETWEEN."""
    pieces: list[Nodes] = [[]]
    between = False
    for at, node in enumerate(nodes):
        word = word_at(nodes, at)
        if word == "BETWEEN":
            between = True
        if word == "AND" and between:
            between = False
        elif word == "AND" or is_sign(node, "&&"):
            pieces.append([])
            continue
        pieces[-1].append(node)
    return pieces


def is_join(nodes: Nodes, targets: Collection[str]) -> bool:
    """Whether a condition only says which rows belong together: `o.customer_id = c.id`, where `o` is changed.

    `o.id = d.id` is none: the other table is a list of rows.
    """
    at = next((at for at, node in enumerate(nodes) if is_sign(node, "=")), -1)
    if at < 0:
        return False
    names = [_columns(side) for side in (nodes[:at], nodes[at + 1 :])]
    owners = [set(_qualifiers(side)) for side in (nodes[:at], nodes[at + 1 :])]
    if not all(len(side) == 1 for side in names) or owners[0] == owners[1]:
        return False
    return not any(
        side[0] in ("id", "uuid") for side, owner in zip(names, owners, strict=True) if owner & set(targets)
    )


def _complementary(parts: list[Nodes]) -> bool:
    """`a = 1 OR a <> 1`, `a IS NULL OR a IS NOT NULL`."""
    seen = {_plain(part) for part in parts}
    return any((not positive, text) in seen for positive, text in seen)


def _plain(nodes: Nodes) -> tuple[bool, str]:
    texts = [token.value.lower() for token in flat(nodes)]
    negative = texts.count("not") + texts.count("<>") + texts.count("!=")
    kept = ["=" if text in ("<>", "!=") else text for text in texts if text != "not"]
    return negative % 2 == 0, " ".join(kept)


def _same_sides(nodes: Nodes) -> bool:
    """A column compared with itself, whether its table is named on one side, on both or on none."""
    for at, node in enumerate(nodes):
        if is_sign(node, "=", "<=>", "<=", ">=") or is_word(node, "LIKE"):
            left, right = (
                [token.value.lower() for token in flat(side)] for side in (nodes[:at], nodes[at + 1 :])
            )
            short = {len(left), len(right)} == {1, 3}
            return left == right or (short and left[-1] == right[-1] and "." in (*left, *right))
    return False


_PRESENT = frozenset(("NOW", "CURRENT_TIMESTAMP", "SYSDATE", "LOCALTIME", "LOCALTIMESTAMP", "UTC_TIMESTAMP"))
_PAST = ("created", "inserted", "updated", "modified", "added", "registered")


def _passes_all(nodes: Nodes) -> bool:
    """`a + 0 = a`, `LENGTH(a) >= 0`, `created_at < NOW()`: what almost every row passes."""
    at = next((at for at, node in enumerate(nodes) if is_sign(node, "=", "<", "<=", ">", ">=")), -1)
    if at <= 0 or at + 1 >= len(nodes):
        return False
    left, right, sign = nodes[:at], nodes[at + 1 :], nodes[at]
    tokens = [*flat(left), *flat(right)]
    if is_sign(sign, "=") and len(left) != len(right):
        columns = [_every_column(left), _every_column(right)]
        return (
            bool(columns[0]) and columns[0] == columns[1] and not any(one.kind == "string" for one in tokens)
        )
    if is_sign(sign, ">", ">=") and word_at(left, 0) in ("LENGTH", "CHAR_LENGTH", "OCTET_LENGTH", "ABS"):
        number = _number(right)
        return len(left) == 2 and number is not None and number <= (0 if is_sign(sign, ">=") else -1)
    return (
        is_sign(sign, "<", "<=")
        and _columns(left)[-1:] != []
        and _columns(left)[-1].startswith(_PAST)
        and word_at(right, 0) in _PRESENT
        and not any(is_sign(node, "-") for node in right)
    )


def _every_column(nodes: Nodes) -> set[str]:
    """Columns at any depth; nothing where a query stands."""
    found = set(_columns(nodes))
    for node in nodes:
        if isinstance(node, Group):
            if is_query(node.nodes):
                return set()
            found |= _every_column(node.nodes)
    return found


def _is_there(nodes: Nodes) -> bool:
    """`ssn IS NOT NULL`, `email <> ''`: what nearly everybody has."""
    names = _columns(nodes)
    if len(names) != 1 or not (is_sensitive(names[0]) or is_personal(names[0])):
        return False
    last = nodes[-1]
    empty = isinstance(last, Token) and last.kind == "string" and not last.value
    if find(nodes, "IS") >= 0:
        return find(nodes, "NOT") >= 0 and find(nodes, "NULL") >= 0
    return empty and any(is_sign(node, "<>", "!=", ">") for node in nodes)


def _matches_all(nodes: Nodes) -> bool:
    at = find(nodes, "LIKE", "RLIKE", "REGEXP")
    if at < 0 or at + 1 >= len(nodes) or word_at(nodes, at - 1) == "NOT":
        return False
    pattern = nodes[at + 1]
    if not isinstance(pattern, Token) or pattern.kind != "string":
        return False
    if is_word(nodes[at], "LIKE"):
        return bool(pattern.value) and not pattern.value.strip("%")
    return pattern.value in ("", ".*", "^", "$", ".", ".+", "^.*$", "^.*", ".*$")


def _empty_pattern(nodes: Nodes) -> bool:
    at = find(nodes, "LIKE")
    after = nodes[at + 1] if 0 <= at < len(nodes) - 1 else None
    return isinstance(after, Token) and after.kind == "string" and after.value == ""


def _is_column(token: Token) -> bool:
    if token.kind == "name":
        return True
    return token.kind == "word" and token.value not in _WORDS_OF_EXPRESSIONS and token.value not in _LITERALS


def _columns(nodes: Nodes) -> list[str]:
    """Columns on this level of a predicate, without qualifiers; a function's name is none."""
    found = []
    for at, node in enumerate(nodes):
        if not isinstance(node, Token) or node.kind not in ("word", "name"):
            continue
        follows: Node | None = nodes[at + 1] if at + 1 < len(nodes) else None
        if (
            is_sign(follows, ".")
            or isinstance(follows, Group)
            or (node.kind == "word" and node.value in _WORDS_OF_EXPRESSIONS)
        ):
            continue
        found.append(node.value.lower())
    return found
