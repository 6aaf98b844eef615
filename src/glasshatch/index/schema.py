"""The table of the index, in ClickHouse's SQL: one dialect for chDB, a server and a cluster."""

from __future__ import annotations

import hashlib

from .columns import FIELDS, OPEN_FIELDS, Field

TABLE = "events"
FORMAT = 6
"""Grows when the same events make other rows; an index of another format is made anew from the ledger."""

_MINUTE_NS = 60 * 10**9
FAILED = "(outcome_status = 'failure' OR decision_effect = 'deny')"
"""When an event counts as failed, in SQL."""

_OUTCOME = "outcome_status, decision_effect"
_COUNTED_BY = {
    "by_minute": (f"tenant, ledger, action, {_OUTCOME}, intDiv(time, {_MINUTE_NS})", False),
    "by_actor": (f"tenant, ledger, actor_id, actor_name, {_OUTCOME}", True),
}
"""What the rows of each part are counted by, and whether the first and last time is kept as well.

A question that needs more is answered from the rows: one about a time, a resource, or asked by somebody
who may see some sources only. Each has to be written with these very expressions to be answered from here.
"""

_BLOOM_ROWS = 4_096
_GRANULE_ROWS = 512
_BLOCK_BYTES = 262_144
_SHOWN = (
    "`index`", "ledger", "time", "delay", "id", "statement_text", "statement_hash", "statement_shape",
    "trace_id", "span_id", "session_id", "request_id", "client_ip", "resource_id",
)  # fmt: skip
"""Columns of which a page reads single rows, far from each other, `rest` beside them."""

_BLOCKS = dict.fromkeys(_SHOWN, 8_192) | {"rest": 65_536, "body": 1_048_576}
"""From how many bytes on a column is packed: small where single rows are read, for a whole block is unpacked
for each. With granules of 4,096 rows and blocks of 64 KiB it was ten times as much for a scattered event."""

_BLOOM = (
    "id", "trace_id", "session_id", "request_id", "grant_id", "approval_id", "statement_hash", "link_ids",
)  # fmt: skip


def create_sql(cluster: str = "", comment: str = "") -> str:
    """The table, ordered by time, then by ledger and index, a partition a month.

    Args:
        cluster: Of these hosts each keeps a copy.
        comment: What the table says of itself; plain characters.
    """
    on = f" ON CLUSTER '{cluster}'" if cluster else ""
    engine = (
        "ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')" if cluster else "MergeTree"
    )
    settings = (
        f"index_granularity = {_GRANULE_ROWS}, min_bytes_for_wide_part = 10485760,"
        f" min_compress_block_size = {_BLOCK_BYTES}, default_compression_codec = 'ZSTD(3)'"
    )
    if not cluster:
        # A replicated table remembers tokens by itself.
        settings += ", non_replicated_deduplication_window = 1000"
    told = f" COMMENT '{comment}'" if comment else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {TABLE}{on} ({', '.join([*_columns(), *_indexes(), *_projections()])})"
        f" ENGINE = {engine} PARTITION BY month ORDER BY (tenant, time, ledger, `index`)"
        f" SETTINGS {settings}{told}"
    )


def bar_sql(width_ns: int) -> str:
    """Where the bar of this width begins that holds an event, by its time.

    Of whole minutes it is written so that bars are added up from the minutes that each part has counted.
    """
    if width_ns % _MINUTE_NS:
        return f"intDiv(time, {width_ns:d}) * {width_ns:d}"
    return f"intDiv(intDiv(time, {_MINUTE_NS}), {width_ns // _MINUTE_NS:d}) * {width_ns:d}"


def ddl(database: str, user: str, cluster: str = "") -> list[str]:
    """What an administrator of a server runs once, and the table that is then made by itself.

    The last statement is for reading: on the server the table also gets a comment that says whose it is.
    """
    on = f" ON CLUSTER '{cluster}'" if cluster else ""
    rights = "SELECT, INSERT, TRUNCATE, CREATE TABLE, DROP TABLE, ALTER DELETE, ALTER SETTINGS"
    found = [
        f"CREATE DATABASE IF NOT EXISTS {database}{on}",
        f"GRANT{on} {rights} ON {database}.* TO {user}",
        f"GRANT{on} SELECT ON system.tables TO {user}",
    ]
    if cluster:
        found.append(f"GRANT{on} CLUSTER ON *.* TO {user}")
        found.append(f"GRANT{on} SYSTEM SYNC REPLICA ON {database}.* TO {user}")
    return [*found, create_sql(cluster).replace(f" {TABLE}", f" {database}.{TABLE}", 1)]


def fingerprint() -> str:
    """What an index must have been made by to be used: the format and the very table."""
    return f"{FORMAT} {hashlib.sha256(create_sql().encode()).hexdigest()[:16]}\n"


def _columns() -> list[str]:
    found = [_stored("tenant", "LowCardinality(String)"), _stored("`index`", "UInt64", "Delta, ZSTD(1)")]
    found.append(_stored("month", "UInt32"))
    for field in FIELDS.values():
        found += _of_field(field)
    found += [_stored(name, "Map(LowCardinality(String), Array(String))", "ZSTD(3)") for name in OPEN_FIELDS]
    # Beside the map, so that a label is looked up without reading every label of every event.
    found.append(_stored("label_pairs", "Array(LowCardinality(String))"))
    return [*found, _stored("body", "String", "ZSTD(9)"), _stored("rest", "String", "ZSTD(6)")]


def _stored(name: str, kind: str, codec: str = "ZSTD(1)") -> str:
    block = f" SETTINGS (min_compress_block_size = {_BLOCKS[name]})" if name in _BLOCKS else ""
    return f"{name} {kind} CODEC({codec}){block}"


def _of_field(field: Field) -> list[str]:
    """The columns of a field; two fields are not stored as they are."""
    if field.name == "observed_time":
        return [_stored("delay", "Int64"), "observed_time Int64 ALIAS time + delay"]
    if field.name == "resources":
        own = "arrayFilter(text -> text != '', [resource_id, resource_name])"
        made = f"resources Array(String) ALIAS arrayDistinct(arrayConcat({own}, more_resources))"
        return [_stored("more_resources", "Array(String)"), made]
    if field.kind == "time":
        return [_stored(field.column, "Int64", "Delta, ZSTD(1)")]
    if field.kind == "number":
        return [_stored(field.column, "Int64")]
    if field.kind == "names":
        return [_stored(field.column, "Array(String)")]
    shared = field.kind == "name" and field.name != "resource.id"
    return [_stored(field.column, "LowCardinality(String)" if shared else "String")]


def _indexes() -> list[str]:
    rows = _BLOOM_ROWS // _GRANULE_ROWS
    found = [f"INDEX bloom_{name} {name} TYPE bloom_filter(0.01) GRANULARITY {rows}" for name in _BLOOM]
    return [
        *found,
        "INDEX pairs label_pairs TYPE text(tokenizer = 'array')",
        "INDEX words body TYPE text(tokenizer = 'splitByNonAlpha')",
        f"INDEX by_index `index` TYPE minmax GRANULARITY {rows}",
    ]


def _projections() -> list[str]:
    """Counts that are kept within each part, so that they come, merge and go with its rows."""
    found = []
    for name, (keys, times) in _COUNTED_BY.items():
        counts = f"count(), countIf({FAILED})" + (", min(time), max(time)" if times else "")
        settings = "WITH SETTINGS (index_granularity = 8192)"
        found.append(f"PROJECTION {name} (SELECT {keys}, {counts} GROUP BY {keys}) {settings}")
    return found
