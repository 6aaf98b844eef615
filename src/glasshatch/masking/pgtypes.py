"""What PostgreSQL's built-in types can carry, by OID (pg_type.dat; built-in OIDs never change)."""

from __future__ import annotations

from typing import Literal

TypeClass = Literal["text", "json", "fixed", "opaque"]

TEXT = frozenset({25, 1043, 1042, 19, 705})
"""text, varchar, bpchar, name, unknown: any text is a value, and binary format is the text itself."""

JSON, JSONB, BYTEA = 114, 3802, 17
BOOL, INT8, INT2, INT4, OID, FLOAT4, FLOAT8, NUMERIC = 16, 20, 21, 23, 26, 700, 701, 1700
DATE, TIMESTAMP, TIMESTAMPTZ, UUID = 1082, 1114, 1184, 2950
INTEGERS = {INT2: "!h", INT4: "!i", INT8: "!q", OID: "!I"}
FLOATS = {FLOAT4: "!f", FLOAT8: "!d"}

FIXED = frozenset(
    {
        BOOL, INT8, INT2, INT4, OID, FLOAT4, FLOAT8, NUMERIC, DATE, TIMESTAMP, TIMESTAMPTZ, UUID,
        18,  # "char", one byte
        27, 28, 29, 5069, 2970, 3220, 5038,  # tid, xid, cid, xid8, txid_snapshot, pg_lsn, pg_snapshot
        790, 1083, 1266, 1186, 1560, 1562,  # money, time, timetz, interval, bit, varbit
        829, 774, 869, 650,  # macaddr, macaddr8, inet, cidr: covered by a rule or a column's name
        600, 601, 602, 603, 604, 628, 718,  # geometry
        24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191, 2278,  # reg*: names of objects; void
        1000, 1005, 1006, 1007, 1016, 1028, 1021, 1022, 1231, 1182, 1115, 1185, 2951, 1183, 1270, 1187,
        3904, 3906, 3908, 3910, 3912, 3926, 22, 30,  # ranges, int2vector, oidvector
    }
)  # fmt: skip
"""Types without room for free text, and arrays and ranges of them."""


def type_class(oid: int) -> TypeClass:
    """How a type is masked: as text, as JSON, not at all (`fixed`), or only by NULL (`opaque`)."""
    if oid in TEXT:
        return "text"
    if oid in (JSON, JSONB):
        return "json"
    return "fixed" if oid in FIXED else "opaque"
