"""What the kernel is told of events: every member in its order, and the column that takes it.

It is read off the model and off the list of fields, so a member or a field that is added there is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from ..events import SCHEMA_VERSION, TIME_MAX_NS, Event
from .columns import FIELDS, NAMES_OF, OPEN_FIELDS, WORDS_OF
from .shortening import CUT_OUT, MARKS


class Kind(IntEnum):
    """What a member holds, and how it is taken; the order is the kernel's."""

    TEXT = 0
    LITERAL = 1
    NUMBER = 2
    FLAG = 3
    NAMES = 4
    PART = 5
    PARTS = 6
    TEXT_MAP = 7
    NUMBER_MAP = 8
    OPEN_MAP = 9
    LABEL_MAP = 10
    ANYTHING = 11
    TIME = 12
    VERSION = 13
    INTO = 14
    INTO_FILLED = 15


class Member(msgspec.Struct, frozen=True):
    """A member of a part: `slot` is where it goes, -1 nowhere; `cut` its place among the names to cut out."""

    name: bytes
    kind: Kind
    slot: int = -1
    required: bool = False
    cut: int = -1
    missing: bytes = b""
    choices: bytes = b""
    part: int = -1


class Cut(msgspec.Struct, frozen=True):
    """A member that is cut out of the bytes: the column of its text or its time, its name, its mark."""

    text: int
    time: int
    name: int
    mark: int


_TIMES = ("time", "observed_time")
_OF_LISTS = {"resources": ("more_resources", Kind.INTO_FILLED, ("id", "name")),
             "links": ("link_ids", Kind.INTO, ("id",))}  # fmt: skip
"""Lists of parts of which one column takes some members: with empty ones, or without."""
_NESTED = {"actor.raw.principal": "actor_raw", "actor.raw.namespace": "actor_raw_namespace"}
_READ = {"time", "observed_time", "resources", "ledger", "links.id", *_NESTED}
"""The fields that are no plain member of a part; what is done for each stands in this module."""


class Told:
    """The plan: slots by kind as names of columns, shapes with the whole event last."""

    def __init__(self) -> None:
        plain = {field.name: field for field in FIELDS.values() if field.member}
        if FIELDS.keys() - plain.keys() != _READ:
            raise TypeError("a field that is read in a way of its own is not known to the kernel")
        self._columns = {name: field.column for name, field in plain.items()} | _NESTED
        kinds = {field.column: field.kind for field in FIELDS.values()}
        self.texts = [one for one in self._columns.values() if kinds[one] not in ("number", "names")]
        self.numbers = [one for one in self._columns.values() if kinds[one] == "number"]
        self.names = [one for one in self._columns.values() if kinds[one] == "names"]
        self.names += [column for column, _, _ in _OF_LISTS.values()]
        self.opens = list(OPEN_FIELDS)
        self.cut_names = list(dict.fromkeys(name.encode() for name, _, _ in CUT_OUT))
        self.cuts = [self._cut(*one) for one in zip(MARKS, CUT_OUT, strict=False)]
        self.worded = [self.texts.index(field.column) for field in WORDS_OF]
        of = {"resources": "more_resources"}
        self.worded_names = [self.names.index(of.get(field.column, field.column)) for field in NAMES_OF]
        self.version, self.time_most = SCHEMA_VERSION, TIME_MAX_NS
        self.shapes: list[list[Member]] = []
        self._shape(inspect.type_info(Event), "")

    def _cut(self, mark: str, cut: tuple[str, str, str]) -> Cut:
        name, field, _ = cut
        time = _TIMES.index(field) if field in _TIMES else -1
        text = -1 if time >= 0 else self.texts.index(self._columns[field])
        return Cut(text, time, self.cut_names.index(name.encode()), ord(mark))

    def _shape(self, info: Any, path: str) -> int:
        """Add a part and those within it; its place."""
        members = [self._member(field, path) for field in info.fields]
        self.shapes.append(sorted(members, key=lambda member: member.name))
        return len(self.shapes) - 1

    def _member(self, field: Any, path: str) -> Member:
        name, kind = f"{path}{field.encode_name}", _bare(field.type)
        spelled = field.encode_name.encode()
        cut = self.cut_names.index(spelled) if spelled in self.cut_names else -1
        found = Member(spelled, *self._place(name, kind), required=field.required, cut=cut)
        if found.kind in (Kind.TEXT, Kind.LITERAL) and isinstance(field.default, str):
            found = msgspec.structs.replace(found, missing=field.default.encode())
        if isinstance(kind, inspect.LiteralType):
            choices = b"".join(str(value).encode() + b"\0" for value in kind.values)
            return msgspec.structs.replace(found, choices=choices)
        if found.kind in (Kind.PART, Kind.PARTS):
            inner = _bare(kind.item_type) if found.kind is Kind.PARTS else kind
            return msgspec.structs.replace(found, part=self._shape(inner, f"{name}."))
        return found

    def _place(self, name: str, kind: Any) -> tuple[Kind, int]:
        if name in _TIMES:
            return Kind.TIME, _TIMES.index(name)
        if name == "schema":
            return Kind.VERSION, -1
        if name in self.opens:
            text = isinstance(kind, inspect.DictType) and isinstance(kind.value_type, inspect.StrType)
            whole = Kind.OPEN_MAP if isinstance(kind, inspect.DictType) else Kind.ANYTHING
            return Kind.LABEL_MAP if text else whole, self.opens.index(name)
        into = self._into(name)
        return into or (_kind(kind), self._slot(self._columns.get(name, "")))

    def _into(self, name: str) -> tuple[Kind, int] | None:
        part, _, member = name.partition(".")
        column, kind, members = _OF_LISTS.get(part, ("", Kind.INTO, ()))
        return (kind, self.names.index(column)) if member in members else None

    def _slot(self, column: str) -> int:
        for slots in (self.texts, self.numbers, self.names):
            if column in slots:
                return slots.index(column)
        return -1


def _bare(kind: Any) -> Any:
    """Without `| None`: a member that is null is no canonical one."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    (found,) = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    return found


def _kind(kind: Any) -> Kind:
    simple: Sequence[tuple[type, Kind]] = (
        (inspect.StrType, Kind.TEXT), (inspect.LiteralType, Kind.LITERAL), (inspect.IntType, Kind.NUMBER),
        (inspect.BoolType, Kind.FLAG), (inspect.StructType, Kind.PART),
    )  # fmt: skip
    for one, found in simple:
        if isinstance(kind, one):
            return found
    if isinstance(kind, inspect.VarTupleType):
        return Kind.NAMES if isinstance(kind.item_type, inspect.StrType) else Kind.PARTS
    if isinstance(kind, inspect.DictType):
        return Kind.TEXT_MAP if isinstance(kind.value_type, inspect.StrType) else Kind.NUMBER_MAP
    raise TypeError(f"the kernel knows no members like {kind}")


@cache
def told() -> Told:
    """The plan, made once."""
    return Told()
