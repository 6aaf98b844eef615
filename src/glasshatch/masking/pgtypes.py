"""What PostgreSQL's types can carry: built-in ones by their OID (pg_type.dat), others as they were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal

import msgspec

Kind = Literal["text", "json", "xml", "bytea", "array", "composite", "hstore", "fixed", "opaque"]
"""How values of a type are masked.

`fixed` has no room for free text. `opaque` is not understood: it is scanned as it reads, and becomes
NULL if anything is found. Of `array`, `composite` and `hstore` the parts are masked one by one.
"""

TEXT = frozenset({25, 1043, 1042, 19, 705})
"""text, varchar, bpchar, name, unknown: any text is a value, and binary format is the text itself."""

JSON, JSONB, BYTEA, XML, RECORD = 114, 3802, 17, 142, 2249
BOOL, INT8, INT2, INT4, OID, FLOAT4, FLOAT8, NUMERIC = 16, 20, 21, 23, 26, 700, 701, 1700
DATE, TIMESTAMP, TIMESTAMPTZ, UUID = 1082, 1114, 1184, 2950
MACADDR, MACADDR8, INET, CIDR = 829, 774, 869, 650
INTEGERS = {INT2: "!h", INT4: "!i", INT8: "!q", OID: "!I"}
FLOATS = {FLOAT4: "!f", FLOAT8: "!d"}

FIXED = frozenset(
    {
        BOOL, INT8, INT2, INT4, OID, FLOAT4, FLOAT8, NUMERIC, DATE, TIMESTAMP, TIMESTAMPTZ, UUID,
        18,  # "char", one byte
        27, 28, 29, 5069, 2970, 3220, 5038,  # tid, xid, cid, xid8, txid_snapshot, pg_lsn, pg_snapshot
        790, 1083, 1266, 1186, 1560, 1562,  # money, time, timetz, interval, bit, varbit
        MACADDR, MACADDR8, INET, CIDR,  # their type decides, see `PERSONAL`
        600, 601, 602, 603, 604, 628, 718,  # geometry
        24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191, 2278,  # reg*: names of objects; void
        1000, 1005, 1006, 1007, 1016, 1028, 1021, 1022, 1231, 1182, 1115, 1185, 2951, 1183, 1270, 1187,
        3904, 3906, 3908, 3910, 3912, 3926, 22, 30,  # ranges, int2vector, oidvector
        3905, 3907, 3909, 3911, 3913, 3927, 4451, 4532, 4533, 4534, 4535, 4536,  # of ranges; multiranges
    }
)  # fmt: skip
"""Types without room for free text, and arrays and ranges of them."""

PERSONAL = {INET: "IP", CIDR: "IP", MACADDR: "MAC", MACADDR8: "MAC"}
"""Types all of whose values are personal, whatever the column is called; a `cidr` may be one address."""

ARRAYS = {
    1009: 25, 1015: 1043, 1014: 1042, 1003: 19, 199: JSON, 3807: JSONB, 143: XML, 1001: BYTEA, 2287: RECORD,
    1041: INET, 651: CIDR, 1040: MACADDR, 775: MACADDR8,
}  # fmt: skip
"""Element types of the built-in arrays that can carry text or addresses."""


class ValueType(msgspec.Struct, frozen=True):
    """A type as masking sees it. `fields` of a composite are () if they are not known."""

    kind: Kind
    oid: int = 0
    element: ValueType | None = None
    fields: tuple[ValueType, ...] = ()


ANY_TEXT = ValueType("text")
OPAQUE = ValueType("opaque")


@lru_cache(maxsize=4096)
def builtin_type(oid: int) -> ValueType:
    """A built-in type; any other OID is opaque."""
    if oid in ARRAYS:
        return ValueType("array", oid, builtin_type(ARRAYS[oid]))
    return ValueType(_kind(oid), oid)


_KINDS: dict[int, Kind] = {
    JSON: "json",
    JSONB: "json",
    XML: "xml",
    BYTEA: "bytea",
    RECORD: "composite",
}


def _kind(oid: int) -> Kind:
    if oid in TEXT:
        return "text"
    return "fixed" if oid in FIXED else _KINDS.get(oid, "opaque")


class TypeRow(msgspec.Struct, frozen=True):
    """A row of pg_type for a type that is not built in; `fields` are the types of a composite's columns."""

    oid: int
    name: str
    typtype: str
    element: int
    base: int
    fields: tuple[int, ...] = ()


_MAX_DEPTH = 8


def read_types(rows: Iterable[TypeRow]) -> dict[int, ValueType]:
    """What the types of a database can carry, by OID; domains are what they are made of."""
    known = {row.oid: row for row in rows}
    return {oid: _resolved(oid, known, 0) for oid in known}


def _resolved(oid: int, known: Mapping[int, TypeRow], depth: int) -> ValueType:
    row = known.get(oid)
    if row is None:
        return builtin_type(oid)
    if depth > _MAX_DEPTH:
        return OPAQUE
    if row.typtype == "d":
        return _resolved(row.base, known, depth + 1)
    if row.typtype == "c":
        return ValueType(
            "composite", oid, fields=tuple(_resolved(one, known, depth + 1) for one in row.fields)
        )
    if row.typtype == "e":
        return ValueType("fixed", oid)  # the labels of an enum are part of the schema
    if row.typtype != "b":
        return OPAQUE
    if row.element:
        return _array(oid, _resolved(row.element, known, depth + 1))
    kind = _EXTENSIONS.get(row.name, "opaque")
    return ValueType(kind, oid)


def _array(oid: int, element: ValueType) -> ValueType:
    if element.kind in ("fixed", "opaque") and element.oid not in PERSONAL:
        return ValueType("fixed" if element.kind == "fixed" else "opaque", oid)
    return ValueType("array", oid, element)


_EXTENSIONS: dict[str, Kind] = {"citext": "text", "hstore": "hstore"}
"""Types of extensions that come with PostgreSQL, by name: their OIDs differ in every database."""
