"""A query as a condition in ClickHouse's SQL. Every value is a bound parameter; no text of a query is SQL."""

from __future__ import annotations

from ...index.columns import Field, label_pair, lower
from .fields import fields_of, open_member
from .tree import And, Compare, Everything, Exists, Match, Not, Or, Query, Word
from .values import (
    DECIMAL,
    IPV4_FROM,
    IPV4_TO,
    address,
    compared_address,
    decimal,
    event_id,
    is_pattern,
    like,
    network,
    number,
    phrase,
    span_ns,
    text_pattern,
    word_pattern,
)

Parameter = str | int | float


def compile_sql(query: Query, now_ns: int) -> tuple[str, dict[str, Parameter]]:
    """The condition, and its parameters by name.

    Raises:
        ConfigError: A value does not fit its field.
    """
    compiler = _Compiler(now_ns)
    return compiler.condition(query), compiler.parameters


class _Compiler:
    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self.parameters: dict[str, Parameter] = {}

    def condition(self, query: Query) -> str:
        match query:
            case Everything():
                return "1"
            case Word(text, quoted):
                return self._word(text, quoted)
            case Match(field, value, quoted):
                return self._match(field, value, quoted)
            case Compare(field, operator, value):
                return self._compare(field, operator, value)
            case Exists(field):
                return self._exists(field)
            case Not(part):
                return f"NOT ({self.condition(part)})"
            case And(parts):
                return "(" + (" AND ".join(self.condition(part) for part in parts) or "1") + ")"
            case Or(parts):
                # No alternative at all is met by nothing, as for somebody who may see nothing.
                return "(" + (" OR ".join(self.condition(part) for part in parts) or "0") + ")"

    def _bind(self, value: Parameter) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        kind = "String" if isinstance(value, str) else "Int64" if isinstance(value, int) else "Float64"
        return f"{{{name}:{kind}}}"

    def _word(self, text: str, quoted: bool) -> str:
        if is_pattern(text, quoted):
            pattern = word_pattern(text)
            return f"match(body, {self._bind(pattern)})" if pattern else "body != ''"
        sought = phrase(text)
        if not sought:
            return "0"
        # The text index finds the granules by words; the position then holds for the whole phrase.
        tokens = [f"hasToken(body, {self._bind(word)})" for word in dict.fromkeys(sought.split())]
        if len(sought.split()) > 1:
            tokens.append(f"position(body, {self._bind(sought)}) > 0")
        named = event_id(text)
        found = " AND ".join(tokens)
        return f"(({found}) OR id = {self._bind(named)})" if named else f"({found})"

    def _match(self, name: str, value: str, quoted: bool) -> str:
        member = open_member(name)
        if member:
            column, path = member
            if column == "labels" and not is_pattern(value, quoted):
                # To read every label of every event takes much longer.
                return f"has(label_pairs, {self._bind(label_pair(path, value))})"
            test = self._same("x", value, quoted)
            return f"arrayExists(x -> {test}, {column}[{self._bind(path)}])"
        tests = [self._has(field, value, quoted) for field in fields_of(name)]
        return tests[0] if len(tests) == 1 else "(" + " OR ".join(tests) + ")"

    def _has(self, field: Field, value: str, quoted: bool) -> str:
        column = field.column
        if field.kind == "number":
            return f"{column} = {self._bind(number(value, field.name))}"
        if field.kind == "time":
            start, stop = span_ns(value, self._now_ns)
            return f"({column} >= {self._bind(start)} AND {column} < {self._bind(stop)})"
        if field.kind == "names":
            return f"arrayExists(x -> {self._same('x', value, quoted)}, {column})"
        if field.kind == "text":
            pattern = text_pattern(value, quoted)
            return f"match(lower({column}), {self._bind(pattern)})" if pattern else "0"
        if field.kind == "ip":
            if found := network(value):
                version, first, last = found
                above = self._addressed(column, version, ">=", first)
                return f"({above} AND {self._at(column)} <= {self._bind(last)})"
            if not is_pattern(value, quoted) and (one := address(value)):
                same = self._addressed(column, one[0], "=", one[1])
                return f"({self._same(column, value, quoted)} OR {same})"
        if field.kind == "id" and not is_pattern(value, quoted):
            return f"{column} = {self._bind(value)}"
        return self._same(column, value, quoted)

    def _addressed(self, column: str, version: int, operator: str, digits: str) -> str:
        """Whether a column holds an address of this version that is beside this one."""
        at = self._at(column)
        within = f"{at} BETWEEN '{IPV4_FROM}' AND '{IPV4_TO}'"
        valid = f"(isIPv4String({column}) OR isIPv6String({column}))"
        wanted = within if version == 4 else f"NOT ({within})"
        return f"({valid} AND {wanted} AND {at} {operator} {self._bind(digits)})"

    @staticmethod
    def _at(column: str) -> str:
        return f"hex(IPv6StringToNumOrDefault({column}))"

    def _same(self, operand: str, value: str, quoted: bool) -> str:
        if is_pattern(value, quoted):
            return f"lower({operand}) LIKE {self._bind(like(value))}"
        return f"lower({operand}) = {self._bind(lower(value))}"

    def _compare(self, name: str, operator: str, value: str) -> str:
        member = open_member(name)
        if member:
            column, path = member
            bound = self._bind(decimal(value, name))
            test = f"match(x, {self._bind(f'^{DECIMAL}$')}) AND toFloat64OrZero(x) {operator} {bound}"
            return f"arrayExists(x -> {test}, {column}[{self._bind(path)}])"
        tests = [self._beside(field, operator, value) for field in fields_of(name)]
        return tests[0] if len(tests) == 1 else "(" + " OR ".join(tests) + ")"

    def _beside(self, field: Field, operator: str, value: str) -> str:
        if field.kind == "number":
            return f"{field.column} {operator} {self._bind(number(value, field.name))}"
        if field.kind == "time":
            # After a day means after its end, up to a day means up to its end.
            start, stop = span_ns(value, self._now_ns)
            at = {">=": start, "<": start, ">": stop, "<=": stop}[operator]
            return f"{field.column} {'<' if operator[0] == '<' else '>='} {self._bind(at)}"
        if field.kind == "ip":
            version, digits = compared_address(value, field.name)
            return self._addressed(field.column, version, operator, digits)
        if field.kind == "names":
            return f"arrayExists(x -> lower(x) {operator} {self._bind(lower(value))}, {field.column})"
        return f"lower({field.column}) {operator} {self._bind(lower(value))}"

    def _exists(self, name: str) -> str:
        member = open_member(name)
        if member:
            column, path = member
            below = f"arrayExists(x -> startsWith(x, {self._bind(path + '.')}), mapKeys({column}))"
            return f"(mapContains({column}, {self._bind(path)}) OR {below})"
        tests = [
            f"notEmpty({field.column})" if field.kind not in ("number", "time") else f"{field.column} != 0"
            for field in fields_of(name)
        ]
        return tests[0] if len(tests) == 1 else "(" + " OR ".join(tests) + ")"
