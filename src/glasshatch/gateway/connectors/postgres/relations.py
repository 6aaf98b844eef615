"""Tables and views as a snapshot of the catalogue knows them, and which show rows of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

_SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"})


class Relation(msgspec.Struct):
    """A table or view. `flows` are, per column name, the masked columns that may come out of it."""

    schema: str
    name: str
    columns: dict[int, str]
    types: dict[int, int] = msgspec.field(default_factory=dict)
    comments: dict[int, str] = msgspec.field(default_factory=dict)
    generated: frozenset[str] = frozenset()
    is_view: bool = False
    flows: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    parents: tuple[int, ...] = ()
    """What it is a partition of, or inherits from: their rows are its own too, and the other way round."""

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    def has(self, column: str) -> bool:
        """Whether it has a column of that name; `*` stands for all of them."""
        return column == "*" or column in _SYSTEM_COLUMNS or column in self.columns.values()


def kinships(relations: Mapping[int, Relation]) -> Iterator[tuple[Relation, list[Relation]]]:
    """Every relation that is part of others or has parts, with the relations above and below it."""
    kin: dict[int, set[int]] = {oid: _above(oid, relations) for oid in relations}
    for oid, above in [(oid, set(found)) for oid, found in kin.items()]:
        for parent in above:
            kin[parent].add(oid)
    for oid, others in kin.items():
        if others:
            yield relations[oid], [relations[other] for other in sorted(others)]


def _above(oid: int, relations: Mapping[int, Relation]) -> set[int]:
    wanted, found = list(relations[oid].parents), set[int]()
    while wanted:
        parent = wanted.pop()
        if parent in relations and parent not in found:
            found.add(parent)
            wanted += relations[parent].parents
    return found
