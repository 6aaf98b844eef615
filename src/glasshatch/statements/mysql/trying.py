"""Conditions of MySQL as the expressions that can be tried on example rows."""

from __future__ import annotations

from collections.abc import Callable

from ..expression import Column, Constant, Expression, Operation, Untried
from ..trial import MAX_PARTS, holds_for_every_row
from .nodes import Group, Node, Nodes, is_query, is_sign, is_word
from .tokens import Token

_FUNCTIONS = {
    "LOWER": "lower", "LCASE": "lower", "UPPER": "upper", "UCASE": "upper", "TRIM": "trim",
    "LENGTH": "length", "CHAR_LENGTH": "length", "CHARACTER_LENGTH": "length", "OCTET_LENGTH": "length",
    "ABS": "abs", "SIGN": "sign",
    "FLOOR": "floor", "CEIL": "ceil", "CEILING": "ceil", "CONCAT": "concat", "LEFT": "left", "MOD": "%",
    "SUBSTR": "substring", "SUBSTRING": "substring", "MID": "substring", "REPLACE": "replace",
    "REVERSE": "reverse", "COALESCE": "coalesce", "IFNULL": "coalesce", "NULLIF": "nullif",
    "ISNULL": "is null",
    "GREATEST": "greatest", "LEAST": "least",
}  # fmt: skip
_COMPARE = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_LITERALS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None, "UNKNOWN": None}
_ENDS = frozenset("WHEN THEN ELSE END AND OR XOR NOT IN IS LIKE RLIKE REGEXP BETWEEN ESCAPE DIV MOD".split())
_MAX_TOKENS = MAX_PARTS * 3


def holds_always(nodes: Nodes, is_key: Callable[[str], bool], *, negated: bool = False) -> bool:
    """Whether a condition holds for every example row; False for one that cannot be tried."""
    try:
        reader = _Reader(nodes, is_key)
        read = reader.whole()
    except Untried:
        return False
    return holds_for_every_row(Operation("not", (read,)) if negated else read)


class _Reader:
    """Reads one level of a condition by the precedence of MySQL's operators."""

    def __init__(self, nodes: Nodes, is_key: Callable[[str], bool]) -> None:
        if len(nodes) > _MAX_TOKENS:
            raise Untried
        self._nodes = nodes
        self._is_key = is_key
        self._at = 0

    def whole(self) -> Expression:
        """All of it; nothing may be left over."""
        found = self._or()
        if self._at < len(self._nodes):
            raise Untried
        return found

    def _next(self) -> Node | None:
        return self._nodes[self._at] if self._at < len(self._nodes) else None

    def _sign(self, *wanted: str) -> str:
        """One of the signs, if it is next, which is then taken."""
        node = self._next()
        if is_sign(node, *wanted) and isinstance(node, Token):
            self._at += 1
            return node.value
        return ""

    def _word(self, *wanted: str) -> str:
        node = self._next()
        if is_word(node, *wanted) and isinstance(node, Token):
            self._at += 1
            return node.value
        return ""

    def _or(self) -> Expression:
        found = self._xor()
        while self._word("OR") or self._sign("||"):
            found = Operation("or", (found, self._xor()))
        return found

    def _xor(self) -> Expression:
        found = self._and()
        while self._word("XOR"):
            found = Operation("xor", (found, self._and()))
        return found

    def _and(self) -> Expression:
        found = self._not()
        while self._word("AND") or self._sign("&&"):
            found = Operation("and", (found, self._not()))
        return found

    def _not(self) -> Expression:
        if self._word("NOT"):
            return Operation("not", (self._not(),))
        return self._comparison()

    def _comparison(self) -> Expression:
        found = self._sum()
        while True:
            sign = self._sign(*_COMPARE, "<=>")
            if sign == "<=>":
                found = Operation("not", (Operation("distinct", (found, self._sum())),))
            elif sign:
                found = Operation(_COMPARE[sign], (found, self._sum()))
            elif self._word("IS"):
                found = self._state(found)
            else:
                asked = self._asked(found)
                if asked is None:
                    return found
                found = asked

    def _state(self, tested: Expression) -> Expression:
        negated = bool(self._word("NOT"))
        word = self._word("NULL", "UNKNOWN", "TRUE", "FALSE")
        if not word:
            raise Untried
        name = {"TRUE": "is true", "FALSE": "is false"}.get(word, "is null")
        return _signed(Operation(name, (tested,)), negated)

    def _asked(self, tested: Expression) -> Expression | None:
        """IN, BETWEEN, LIKE and REGEXP, perhaps behind NOT; None for something else."""
        negated = bool(self._word("NOT"))
        word = self._word("IN", "BETWEEN", "LIKE", "RLIKE", "REGEXP")
        if word == "IN":
            return _signed(Operation("in", (tested, *self._items())), negated)
        if word == "BETWEEN":
            low = self._sum()
            if not self._word("AND"):
                raise Untried
            return _signed(Operation("between", (tested, low, self._sum())), negated)
        if word:
            name = "ilike" if word == "LIKE" else "imatches"
            return _signed(Operation(name, (tested, self._sum())), negated)
        if negated:
            raise Untried
        return None

    def _items(self) -> tuple[Expression, ...]:
        node = self._next()
        self._at += 1
        if not isinstance(node, Group) or is_query(node.nodes):
            raise Untried
        return self._arguments(node)

    def _arguments(self, group: Group) -> tuple[Expression, ...]:
        inner = _Reader(group.nodes, self._is_key)
        found = [inner._or()] if group.nodes else []
        while inner._sign(","):
            found.append(inner._or())
        if inner._at < len(group.nodes):
            raise Untried
        return tuple(found)

    def _sum(self) -> Expression:
        found = self._product()
        while sign := self._sign("+", "-"):
            found = Operation(sign, (found, self._product()))
        return found

    def _product(self) -> Expression:
        found = self._signed()
        while sign := self._sign("*", "/", "%") or self._word("MOD"):
            found = Operation("%" if sign == "MOD" else sign, (found, self._signed()))
        return found

    def _signed(self) -> Expression:
        if self._sign("-"):
            return Operation("negative", (self._signed(),))
        if self._sign("!"):
            return Operation("not", (self._signed(),))
        self._sign("+")
        return self._primary()

    def _primary(self) -> Expression:
        node = self._next()
        self._at += 1
        if isinstance(node, Group):
            if is_query(node.nodes):
                raise Untried
            (found,) = self._arguments(node) or (Constant(None),)
            return found
        if node is None or node.kind in ("sign", "variable"):
            raise Untried
        if node.kind in ("number", "string"):
            return Constant(_constant(node))
        return self._case() if is_word(node, "CASE") else self._named(node)

    def _named(self, node: Token) -> Expression:
        """A literal, a call or a column."""
        follows = self._next()
        if node.kind == "word" and isinstance(follows, Group):
            self._at += 1
            return self._call(node.value, follows)
        if node.kind == "word" and node.value in _LITERALS:
            return Constant(_LITERALS[node.value])
        name, owner = node, ""
        while self._sign("."):
            part = self._next()
            if not isinstance(part, Token) or part.kind not in ("word", "name"):
                raise Untried
            self._at += 1
            name, owner = part, f"{owner}{name.value.lower()}."
        if isinstance(self._next(), Group) or (name.kind == "word" and name.value in _ENDS):
            raise Untried
        short = name.value.lower()
        return Column(owner + short, self._is_key(short))

    def _call(self, name: str, group: Group) -> Expression:
        args = self._arguments(group)
        if name == "IF" and len(args) == 3:
            return Operation("case", args)
        if name not in _FUNCTIONS:
            raise Untried
        return Operation(_FUNCTIONS[name], args)

    def _case(self) -> Expression:
        subject = None if is_word(self._next(), "WHEN") else self._or()
        args: list[Expression] = []
        while self._word("WHEN"):
            tested = self._or()
            if not self._word("THEN"):
                raise Untried
            args += [tested if subject is None else Operation("=", (subject, tested)), self._or()]
        args.append(self._or() if self._word("ELSE") else Constant(None))
        if not self._word("END"):
            raise Untried
        return Operation("case", tuple(args))


def _constant(token: Token) -> int | float | str:
    if token.kind == "string":
        return token.value
    try:
        return int(token.value, 0) if token.value[:2].lower() in ("0x", "0b") else _decimal(token.value)
    except ValueError:
        raise Untried from None


def _decimal(text: str) -> int | float:
    return int(text) if text.isdecimal() and len(text) < 30 else float(text)


def _signed(found: Expression, negated: bool) -> Expression:
    return Operation("not", (found,)) if negated else found
