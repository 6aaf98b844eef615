"""What names mean inside a query: relations in reach, and the columns that flow out of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .catalogue import is_catalogue
from .functions import is_personal, is_sensitive
from .native import Unparsed

_MAX_COLUMNS = 2000


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Flow:
    """Where a value comes from, and of which sources every row may come out with it.

    Such a source is a whole row (`customers.*`) or a column sensitive by its name.

    Attributes:
        bulk: One row of the source for each row of the answer: a condition or a LIMIT makes it small.
        gathered: All its rows in one value, by an aggregate of this query: a condition makes it small.
        held: Gathered further in, by a subquery used as a value: nothing out here makes it small.
        personal: As `bulk`, of columns about a person, which may be read where they are named one by one.
    """

    sources: frozenset[str] = _NONE
    bulk: frozenset[str] = _NONE
    direct: bool = False
    gathered: frozenset[str] = _NONE
    held: frozenset[str] = _NONE
    personal: frozenset[str] = _NONE

    @property
    def whole(self) -> bool:
        """Whether all rows of some source may come out."""
        return bool(self.bulk or self.gathered or self.held)

    @property
    def is_small(self) -> bool:
        """Whether no condition or LIMIT of this query could make it smaller."""
        return not (self.bulk or self.gathered or self.personal)

    def derived(self) -> Flow:
        """The same sources in a value that is made of them."""
        return replace(self, direct=False) if self.direct else self

    def paged(self) -> Flow:
        """Behind a LIMIT."""
        return replace(self, bulk=_NONE, personal=_NONE)

    def bounded(self) -> Flow:
        """Behind a condition that narrows."""
        return replace(self, bulk=_NONE, gathered=_NONE, personal=_NONE)

    def collected(self) -> Flow:
        """Put into one value by an aggregate."""
        gathered = self.gathered | self.bulk | self.personal
        return Flow(self.sources, _NONE, False, gathered, self.held)

    def closed(self) -> Flow:
        """Seen from outside the query that gathered it."""
        return replace(self, gathered=_NONE, held=self.held | self.gathered)

    def valued(self) -> Flow:
        """A whole query used as a value."""
        return Flow(self.sources, _NONE, False, _NONE, self.held | self.gathered | self.bulk | self.personal)

    def revealed(self) -> Flow:
        """Decrypted: what was made unreadable is as good as a secret."""
        return replace(self, bulk=self.bulk | self.sources, direct=False)

    def exposed(self) -> Flow:
        """Asked for in bulk: by a LIMIT or a condition that leaves out nobody."""
        return replace(self, bulk=self.bulk | self.personal, personal=_NONE) if self.personal else self


NOTHING = Flow()


def merged(flows: list[Flow]) -> Flow:
    """The flow of a value made of several."""
    if len(flows) == 1:
        return flows[0].derived()
    return Flow(
        _NONE.union(*(flow.sources for flow in flows)),
        _NONE.union(*(flow.bulk for flow in flows)),
        False,
        _NONE.union(*(flow.gathered for flow in flows)),
        _NONE.union(*(flow.held for flow in flows)),
        _NONE.union(*(flow.personal for flow in flows)),
    )


@dataclass(frozen=True)
class Column:
    """A column of a query's answer; the name `*` stands for all columns of one relation, in order."""

    name: str
    flow: Flow


@dataclass(frozen=True)
class Relation:
    """Something in FROM. A base relation has a name and no known columns; a derived one the reverse."""

    base: str = ""
    columns: tuple[Column, ...] = ()
    opaque: bool = False
    # Of the query of a WITH that leaves out no row: the relations that it reads.
    wide: frozenset[str] = frozenset()

    @property
    def spelled_out(self) -> bool:
        """Whether its text says which columns it has, each with its origin: a row of it holds no others."""
        return bool(self.columns) and not self.opaque and all(column.name != "*" for column in self.columns)

    def column(self, name: str) -> Flow | None:
        """The flow of one column; None if the relation is derived and has no such column."""
        if self.base:
            full = frozenset({f"{self.base}.{name}"})
            if is_catalogue(self.base):
                return Flow(full, direct=True)
            bulk, personal = is_sensitive(name), is_personal(name)
            return Flow(full, full if bulk else _NONE, direct=True, personal=full if personal else _NONE)
        for column in self.columns:
            if column.name == name:
                return column.flow
        stars = [column.flow for column in self.columns if column.name == "*"]
        if stars:
            return _through(stars, name)
        return NOTHING if self.opaque else None

    def star(self) -> tuple[Column, ...]:
        """All its columns, as `relation.*` gives them."""
        if self.base:
            return (Column("*", self.whole()),)
        return self.columns

    def whole(self) -> Flow:
        """The row as one value."""
        if self.base:
            rows = frozenset({f"{self.base}.*"})
            return Flow(rows, frozenset() if is_catalogue(self.base) else rows, direct=True)
        return merged([column.flow for column in self.columns]) if self.columns else NOTHING


def _through(stars: list[Flow], name: str) -> Flow:
    """One named column picked out of stars: `x.*` becomes `x.name`."""
    sources = frozenset(source.removesuffix("*") + name for flow in stars for source in flow.sources)
    bulk = frozenset(source.removesuffix("*") + name for flow in stars for source in flow.bulk)
    held = _NONE.union(*(flow.held for flow in stars))
    return Flow(
        sources,
        bulk if is_sensitive(name) else _NONE,
        direct=len(stars) == 1,
        held=held,
        personal=bulk if is_personal(name) else _NONE,
    )


@dataclass
class Scope:
    """The relations a column reference can mean, innermost query first."""

    parent: Scope | None = None
    relations: list[tuple[str, Relation]] = field(default_factory=list)
    grouped: bool = False

    def add(self, alias: str, relation: Relation) -> None:
        self.relations.append((alias, relation))

    def relation(self, alias: str) -> Relation | None:
        for name, relation in self.relations:
            if name == alias:
                return relation
        return self.parent.relation(alias) if self.parent else None

    def star(self) -> tuple[Column, ...]:
        columns: list[Column] = []
        for _, relation in self.relations:
            columns += relation.star()
            # Stars of stars double with every level; PostgreSQL itself stops at 1,664 columns.
            if len(columns) > _MAX_COLUMNS:
                raise Unparsed("too_complex")
        return tuple(columns)

    def bare(self, name: str) -> Flow | None:
        """An unqualified column: every base relation of the innermost query that may have it."""
        found = [(relation, relation.column(name)) for _, relation in self.relations]
        certain = [
            flow for relation, flow in found if flow is not None and not relation.base and flow.sources
        ]
        possible = certain or [flow for _, flow in found if flow is not None]
        if len(possible) == 1:
            return possible[0]
        if possible:
            return replace(merged(possible), direct=not certain)
        return self.parent.bare(name) if self.parent else None
