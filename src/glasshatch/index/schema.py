"""The table of the index, in ClickHouse's SQL: one dialect for chDB, a server and a cluster."""

from __future__ import annotations

import hashlib

from .columns import FIELDS, OPEN_FIELDS, Field

TABLE = "events"
FORMAT = 5
"""Grows when the same events make other rows; an index of another format is made anew from the ledger."""

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
    settings = "index_granularity = 4096, min_bytes_for_wide_part = 10485760"
    if not cluster:
        # A replicated table remembers tokens by itself.
        settings += ", non_replicated_deduplication_window = 1000"
    told = f" COMMENT '{comment}'" if comment else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {TABLE}{on} ({', '.join([*_columns(), *_indexes()])})"
        f" ENGINE = {engine} PARTITION BY month ORDER BY (tenant, time, ledger, `index`)"
        f" SETTINGS {settings}{told}"
    )


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
    found = [
        "tenant LowCardinality(String) CODEC(ZSTD(1))",
        "`index` UInt64 CODEC(Delta, ZSTD(1))",
        "month UInt32 CODEC(ZSTD(1))",
    ]
    found += [_column(field) for field in FIELDS.values()]
    found += [f"{name} Map(LowCardinality(String), Array(String)) CODEC(ZSTD(1))" for name in OPEN_FIELDS]
    found += [
        # Beside the map, so that a label is looked up without reading every label of every event.
        "label_pairs Array(LowCardinality(String)) CODEC(ZSTD(1))",
        "body String CODEC(ZSTD(6))",
        "rest String CODEC(ZSTD(6))",
    ]
    return found


def _column(field: Field) -> str:
    if field.name == "observed_time":
        return "delay Int64 CODEC(ZSTD(1)), observed_time Int64 ALIAS time + delay"
    if field.name == "resources":
        own = "arrayFilter(text -> text != '', [resource_id, resource_name])"
        return (
            "more_resources Array(String) CODEC(ZSTD(1)),"
            f" resources Array(String) ALIAS arrayDistinct(arrayConcat({own}, more_resources))"
        )
    if field.kind == "time":
        return f"{field.column} Int64 CODEC(Delta, ZSTD(1))"
    if field.kind == "number":
        return f"{field.column} Int64 CODEC(ZSTD(1))"
    if field.kind == "names":
        return f"{field.column} Array(String) CODEC(ZSTD(1))"
    shared = field.kind == "name" and field.name != "resource.id"
    kind = "LowCardinality(String)" if shared else "String"
    return f"{field.column} {kind} CODEC(ZSTD(1))"


def _indexes() -> list[str]:
    found = [f"INDEX bloom_{name} {name} TYPE bloom_filter(0.01) GRANULARITY 1" for name in _BLOOM]
    return [
        *found,
        "INDEX bloom_label_pairs label_pairs TYPE bloom_filter(0.01) GRANULARITY 1",
        "INDEX words body TYPE text(tokenizer = 'splitByNonAlpha') GRANULARITY 1",
        "INDEX by_index `index` TYPE minmax GRANULARITY 1",
    ]
