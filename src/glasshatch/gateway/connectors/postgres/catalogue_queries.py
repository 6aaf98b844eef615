"""What the gateway asks a database about itself, and where PostgreSQL shows values of its own accord."""

from __future__ import annotations

from ....masking import ColumnRule

FIRST_USER_OID = 16_384
"""PostgreSQL's FirstNormalObjectId: everything below is made by initdb."""

READ_TABLES = """
select c.oid, n.nspname, c.relname, a.attnum, a.attname, a.atttypid,
  pg_catalog.col_description(c.oid, a.attnum),
  case when a.attgenerated <> '' then (select pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    from pg_catalog.pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum) end,
  (select pg_catalog.string_agg(i.inhparent::pg_catalog.text, ',') from pg_catalog.pg_inherits i
   where i.inhrelid = c.oid)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm', 'p', 'f', 'S')
  and (c.oid >= 16384 or c.relname in ('pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs', 'pg_statistic',
       'pg_statistic_ext_data', 'pg_largeobject', 'pg_stat_activity', 'pg_prepared_statements', 'pg_cursors'))
"""
READ_VIEWS = """
select c.oid, pg_catalog.pg_get_viewdef(c.oid)
from pg_catalog.pg_class c where c.relkind in ('v', 'm') and c.oid >= 16384
"""
READ_FUNCTIONS = """
select p.proname, l.lanname, p.prosrc
from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
where p.oid >= 16384 and l.lanname <> 'internal'
"""
READ_TYPES = """
select t.oid, t.typname, t.typtype, case when t.typcategory = 'A' then t.typelem else 0 end, t.typbasetype,
  (select pg_catalog.string_agg(a.atttypid::text, ',' order by a.attnum) from pg_catalog.pg_attribute a
   where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)
from pg_catalog.pg_type t where t.oid >= 16384
"""
QUERIES = (READ_TABLES, READ_VIEWS, READ_FUNCTIONS, READ_TYPES)

_LEAKS = (
    "pg_catalog.pg_stat_activity.query",
    "pg_catalog.pg_prepared_statements.statement",
    "pg_catalog.pg_cursors.statement",
    "*.pg_stat_statements.query",
)
_STATISTICS = (
    "pg_catalog.pg_stats*.most_common_*",
    "pg_catalog.pg_stats*.histogram_bounds",
    "pg_catalog.pg_stats*.range_*_histogram",
    "pg_catalog.pg_statistic.stavalues?",
    "pg_catalog.pg_statistic_ext_data.stx*",
    "pg_catalog.pg_largeobject.data",
)
SYSTEM_RULES: tuple[ColumnRule, ...] = (
    *(ColumnRule(pattern=pattern, type="SQL", operator="redact") for pattern in _LEAKS),
    *(ColumnRule(pattern=pattern, type="STATISTICS", operator="null") for pattern in _STATISTICS),
)
"""Where PostgreSQL itself shows values of tables: other people's statements and column statistics."""

READ_ELSEWHERE = frozenset(
    """
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema
    table_to_xml table_to_xml_and_xmlschema schema_to_xml schema_to_xml_and_xmlschema
    database_to_xml database_to_xml_and_xmlschema ts_stat ts_rewrite
    lo_get loread pg_read_file pg_read_binary_file pg_logical_slot_get_changes
    pg_logical_slot_peek_changes pg_logical_slot_get_binary_changes pg_logical_slot_peek_binary_changes
    """.split()
)
"""PostgreSQL's own functions that read what no table of the statement's text shows."""

CARRIERS = frozenset(
    """
    set_config pg_notify pg_logical_emit_message lo_from_bytea lo_put lowrite lo_export lo_import
    dblink dblink_exec dblink_open dblink_send_query
    """.split()
)
"""Functions that carry their arguments out of the answer, where no column plan reaches them."""
