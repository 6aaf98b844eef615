"""What is known of a database's tables, views and functions: which column an answer really comes from.

A snapshot, read by the gateway itself. What it does not know is answered with "unknown", which the
column plan masks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ....masking import (
    ColumnFacts,
    ColumnRule,
    MayMask,
    TypeRow,
    builtin_type,
    masked_columns,
    read_types,
    rule_by_comment,
)
from ....statements import OutputColumn, Statement, analyze_sql
from .answers import ColumnShape, Row
from .catalogue_queries import CARRIERS, FIRST_USER_OID, READ_ELSEWHERE, SYSTEM_RULES
from .relations import Relation, kinships

_FROM_OUTSIDE = (
    "dblink", "crosstab", "connectby", "xpath_table", "get_raw_page", "heap_page", "tuple_data_split",
    "bt_page", "brin_page", "gin_", "gist_page", "hash_page", "fsm_page",
)  # fmt: skip
_WORD = re.compile(r"[a-z_\x80-\U0010ffff][\w$]*", re.IGNORECASE)
_UNREADABLE_RISKS = frozenset({"dynamic_sql", "unknown_syntax", "too_complex"})
_CACHE = 4096


class Catalogue:
    """One snapshot. `masked` are the full names of all masked columns."""

    def __init__(
        self,
        relations: Mapping[int, Relation],
        functions: Iterable[Row],
        rules: Sequence[ColumnRule],
        types: Sequence[TypeRow] = (),
        may_mask: MayMask | None = None,
    ) -> None:
        self._may_mask = may_mask
        self._relations = dict(relations)
        self.types = read_types(types)
        self._bases = {row.oid: row.base for row in types if row.typtype == "d"}
        self.rules = (*rules, *self._rules_of_comments(), *SYSTEM_RULES)
        self._by_name: dict[str, list[Relation]] = {}
        for relation in self._relations.values():
            self._by_name.setdefault(relation.name, []).append(relation)
        self.masked: tuple[str, ...] = ()
        self._touched: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
        self._find_masked()
        self._opaque = self._find_opaque([[_text(value) for value in row] for row in functions])

    @classmethod
    def read(
        cls,
        answers: Sequence[Sequence[Row]],
        rules: Sequence[ColumnRule],
        may_mask: MayMask | None = None,
    ) -> Catalogue:
        """Build a snapshot from the rows that the `QUERIES` gave, in their order."""
        tables, views, functions, types = answers
        relations: dict[int, Relation] = {}
        generated: list[tuple[Relation, str, str]] = []
        for oid, schema, name, attribute, column, kind, comment, made_of, parents in (
            map(_text, row) for row in tables
        ):
            relation = relations.setdefault(int(oid), Relation(schema, name, {}))
            relation.parents = tuple(int(parent) for parent in parents.split(",") if parent)
            relation.columns[int(attribute)] = column
            relation.types[int(attribute)] = int(kind)
            if comment:
                relation.comments[int(attribute)] = comment
            if made_of:
                generated.append((relation, column, made_of))
        catalogue_views = {int(_text(row[0])): _text(row[1]) for row in views}
        for oid_number in catalogue_views.keys() & relations.keys():
            relations[oid_number].is_view = True
        catalogue = cls(relations, functions, rules, [_type_row(row) for row in types], may_mask)
        catalogue._trace_generated(generated)
        catalogue._trace_views(catalogue_views)
        return catalogue

    def touched(self, statement: Statement) -> tuple[str, ...]:
        """The masked columns that a statement may read or write, in full; all if it cannot be told."""
        key = (statement.shape, statement.verbs)
        known = self._touched.get(key)
        if known is None or not statement.shape:
            if len(self._touched) >= _CACHE:
                self._touched.clear()
            known = self._touched[key] = self._find_touched(statement)
        return known

    def is_opaque(self, statement: Statement) -> bool:
        """Whether values may flow in ways that the statement's own text does not show."""
        if (
            _UNREADABLE_RISKS.intersection(statement.risks)
            or "unknown" in statement.verbs
            or not statement.shape
        ):
            return True
        return not self._opaque.isdisjoint(_words(statement.shape))

    def carries_out(self, statement: Statement) -> bool:
        """Whether it hands values to something that keeps or sends them: a setting, a channel, an object."""
        reads = bool(statement.resources) or self.is_opaque(statement)
        return reads and not CARRIERS.isdisjoint(_words(statement.shape))

    def near_masked(self, statement: Statement) -> bool:
        """Whether it works on a table that has masked columns: its constraints speak of their values."""
        return any(relation.flows for name in statement.resources for relation in self.named(name))

    def knows(self, shape: Sequence[ColumnShape]) -> bool:
        """Whether every table that the answer names is in this snapshot."""
        return all(column.table_oid < FIRST_USER_OID or self._column(column) is not None for column in shape)

    def facts(
        self, column: ColumnShape, output: OutputColumn | None, *, lineage_known: bool, format: int
    ) -> ColumnFacts:
        """What the column plan is told of one column of an answer.

        Args:
            output: The column's lineage by the statement's text, if it has one.
            lineage_known: Whether that lineage may be relied upon.
        """
        if column.table_oid:
            return self._base_facts(column, format)
        sources = None
        if lineage_known and output is not None:
            sources = self.flowing(output.sources)
        return self._facts(column, format, sources)

    def _facts(
        self,
        column: ColumnShape,
        format: int,
        sources: tuple[str, ...] | None,
        base: tuple[str, str] | None = None,
    ) -> ColumnFacts:
        table, name = base or (None, None)
        type = self.types.get(column.type_oid)
        return ColumnFacts(column.name, column.type_oid, format, table, name, sources, type)

    def flowing(self, sources: Iterable[str]) -> tuple[str, ...] | None:
        """The masked columns among sources written as `table.column`; None if a table is not known."""
        found: dict[str, None] = {}
        for source in sources:
            table, _, column = source.rpartition(".")
            relations = self.named(table)
            if not relations or not any(relation.has(column) for relation in relations):
                return None
            for relation in relations:
                for name in relation.flows if column == "*" else (column,):
                    found.update(dict.fromkeys(relation.flows.get(name, ())))
        return tuple(found)

    def _base_facts(self, column: ColumnShape, format: int) -> ColumnFacts:
        known = self._column(column)
        if known is not None:
            relation, name = known
            flows = relation.flows.get(name, ())
            if relation.is_view or (flows and flows != (f"{relation.full_name}.{name}",)):
                return self._facts(column, format, flows)
            return self._facts(column, format, (), (relation.full_name, name))
        is_system = column.table_oid < FIRST_USER_OID
        return self._facts(column, format, () if is_system else None)

    def _column(self, column: ColumnShape) -> tuple[Relation, str] | None:
        relation = self._relations.get(column.table_oid)
        name = relation.columns.get(column.attribute) if relation else None
        if relation is None or name is None:
            return None
        # Another type than was read: somebody has changed the column past the gateway.
        kind = self.base_type(relation.types.get(column.attribute, column.type_oid))
        return (relation, name) if kind == column.type_oid else None

    def base_type(self, oid: int) -> int:
        """A domain's own base type, which is what the database says of its columns."""
        for _ in range(8):
            if oid not in self._bases:
                break
            oid = self._bases[oid]
        return oid

    def _rules_of_comments(self) -> Iterator[ColumnRule]:
        for relation in self._relations.values():
            for number, comment in relation.comments.items():
                oid = self.base_type(relation.types.get(number, 0))
                kind = self.types.get(oid, builtin_type(oid)).kind
                rule = rule_by_comment(
                    relation.full_name, relation.columns[number], comment, oid, is_fixed=kind == "fixed"
                )
                if rule is not None:
                    yield rule

    def named(self, name: str) -> list[Relation]:
        """Relations that a written name may mean; without a schema it may be in any."""
        schema, _, table = name.rpartition(".")
        schema = schema.rpartition(".")[2]
        found = [found for found in self._by_name.get(table, ()) if not schema or found.schema == schema]
        return found or self._named_with_dots(name)

    def _named_with_dots(self, name: str) -> list[Relation]:
        """Relations whose own name, or whose schema's, holds a dot: every one that the name may mean."""
        parts = name.split(".")
        splits = ((".".join(parts[:at]), ".".join(parts[at:])) for at in range(len(parts) - 1))
        return [
            found
            for schema, table in splits
            for found in self._by_name.get(table, ())
            if not schema or found.schema == schema or schema.endswith(f".{found.schema}")
        ]

    def _find_masked(self) -> None:
        masked: dict[str, None] = {}
        for relation in self._relations.values():
            if relation.is_view:
                continue
            for column in relation.columns.values():
                full = f"{relation.full_name}.{column}"
                if masked_columns((full,), self.rules, self._may_mask):
                    relation.flows[column] = (full,)
                    masked[full] = None
        self.masked = tuple(masked)
        self._find_inherited()

    def _find_inherited(self) -> None:
        """A column is as masked as that of a table above or below it: each shows rows of the other."""
        flows: list[tuple[Relation, str, tuple[str, ...]]] = []
        for relation, kin in kinships(self._relations):
            for column in relation.columns.values():
                theirs = [name for one in kin for name in one.flows.get(column, ())]
                if column not in relation.flows and theirs:
                    flows.append((relation, column, tuple(dict.fromkeys(theirs))))
        for relation, column, masked in flows:
            relation.flows[column] = masked

    def _trace_generated(self, columns: Sequence[tuple[Relation, str, str]]) -> None:
        """A generated column holds what its expression reads of its row."""
        for relation, column, expression in columns:
            relation.generated |= {column}
            if column in relation.flows:
                continue
            statement = analyze_sql(f"select {expression} from {relation.full_name}")  # noqa: S608
            known = statement.outputs is not None and not self.is_opaque(statement)
            sources = self.flowing(statement.outputs[0].sources) if known and statement.outputs else None
            if sources is None:
                sources = tuple(name for name in self.masked if name.startswith(f"{relation.full_name}."))
            if sources:
                relation.flows[column] = sources

    def _trace_views(self, definitions: Mapping[int, str]) -> None:
        """Find what flows out of each view; views over views settle after as many rounds as they are deep."""
        statements = {oid: analyze_sql(text) for oid, text in definitions.items() if oid in self._relations}
        for _ in range(len(statements) + 1):
            before = [self._relations[oid].flows for oid in statements]
            for oid, statement in statements.items():
                self._relations[oid].flows = self._view_flows(self._relations[oid], statement)
            if before == [self._relations[oid].flows for oid in statements]:
                break
        self._touched.clear()

    def _view_flows(self, view: Relation, statement: Statement) -> dict[str, tuple[str, ...]]:
        everything = self._find_touched(statement)
        names = [view.columns[number] for number in sorted(view.columns)]
        outputs = aligned(statement.outputs, len(names))
        if outputs is None or self.is_opaque(statement):
            return dict.fromkeys(names, everything) if everything else {}
        flows: dict[str, tuple[str, ...]] = {}
        for name, output in zip(names, outputs, strict=True):
            sources = self.flowing(output.sources)
            if sources is None:
                sources = everything
            if sources:
                flows[name] = sources
        return flows

    def _find_opaque(self, functions: list[list[str]]) -> frozenset[str]:
        """Functions that may read masked columns: by the words of their bodies, to a fixed point."""
        hot = {relation.name for relation in self._relations.values() if relation.flows or relation.is_view}
        bodies: dict[str, set[str]] = {}
        opaque: set[str] = set(READ_ELSEWHERE)
        for name, language, source in functions:
            if language == "c":
                if name.startswith(_FROM_OUTSIDE):
                    opaque.add(name)
                continue
            words = _words(source)
            if (
                language not in ("sql", "plpgsql")
                or not source
                or "execute" in words
                or not words.isdisjoint(hot)
            ):
                opaque.add(name)
            bodies.setdefault(name, set()).update(words)
        grown = True
        while grown:
            more = {
                name for name, words in bodies.items() if name not in opaque and not words.isdisjoint(opaque)
            }
            opaque |= more
            grown = bool(more)
        return frozenset(opaque)

    def _mistaken(self, statement: Statement) -> bool:
        """Whether the statement's account names a column that its table does not have.

        Without a catalogue it had to guess whose column that is, so a function's may be among them.
        """
        for name in statement.columns:
            table, _, column = name.rpartition(".")
            relations = self.named(table)
            if relations and not any(relation.has(column) for relation in relations):
                return True
        return False

    def _find_touched(self, statement: Statement) -> tuple[str, ...]:
        if self.is_opaque(statement):
            return self.masked
        mentioned = {column.rpartition(".")[2] for column in statement.columns}
        for output in statement.outputs or ():
            mentioned.update(source.rpartition(".")[2] for source in output.sources)
        everything = "*" in mentioned or "whole_row" in statement.risks or self._mistaken(statement)
        found: dict[str, None] = {}
        for name in statement.resources:
            for relation in self.named(name):
                for column, sources in relation.flows.items():
                    if everything or column in mentioned:
                        found.update(dict.fromkeys(sources))
        return tuple(found)


def aligned(outputs: Sequence[OutputColumn] | None, count: int) -> Sequence[OutputColumn] | None:
    """Lineage for each of `count` columns; None if it cannot be told which belongs to which.

    A `*` stands for as many columns as are left over, which is only known if there is one.
    """
    if outputs is None:
        return None
    stars = [index for index, output in enumerate(outputs) if output.name == "*"]
    if not stars:
        return outputs if len(outputs) == count else None
    spread = count - len(outputs) + 1
    if len(stars) > 1 or spread < 0:
        return None
    at = stars[0]
    return [*outputs[:at], *([outputs[at]] * spread), *outputs[at + 1 :]]


def _type_row(row: Row) -> TypeRow:
    oid, name, typtype, element, base, fields = (_text(value) for value in row)
    parts = tuple(int(part) for part in fields.split(",") if part)
    return TypeRow(int(oid), name, typtype, int(element), int(base), parts)


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
