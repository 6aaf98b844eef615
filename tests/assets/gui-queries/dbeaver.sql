-- What DBeaver asks a PostgreSQL, its JDBC driver's own questions included.
-- Source of the facts: the model of its PostgreSQL extension (dbeaver/dbeaver: plugins/org.jkiss.dbeaver.ext.postgresql,
-- the classes PostgreDataSource, PostgreDatabase, PostgreSchema, PostgreTable, PostgreDataTypeCache,
-- PostgreStructureAssistant and others) and the metadata of pgjdbc. The wording is ours.

-- connect: the driver
SET extra_float_digits = 3
-- connect: the driver's name
SET application_name = 'DBeaver 24.0.0 - Main <shop>'
-- connect: where am I
SELECT current_database(), current_schema(), session_user
-- connect: search path
SHOW search_path
-- connect: version
SELECT version()
-- connect: isolation
SHOW TRANSACTION ISOLATION LEVEL
-- connect: a category of types
SELECT typcategory FROM pg_catalog.pg_type WHERE 1<>1 LIMIT 1
-- connect: may it read this
SELECT 1 FROM pg_catalog.pg_class LIMIT 1
-- connect: databases
SELECT db.oid, db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate OR db.datname = 'shop' ORDER BY db.datname
-- connect: types of the driver
SELECT t.typname, t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON t.typnamespace = n.oid
WHERE n.nspname != 'pg_toast' AND (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid))
-- connect: keywords
SELECT string_agg(word, ',') FROM pg_catalog.pg_get_keywords() WHERE word <> ALL ('{abs,absolute,action}'::text[])
-- connect: schema of work
SET search_path = "public","$user"
-- tree: roles
SELECT a.oid, a.*, pd.description FROM pg_catalog.pg_roles a
LEFT JOIN pg_catalog.pg_shdescription pd ON a.oid = pd.objoid ORDER BY a.rolname
-- tree: access methods
SELECT am.oid, am.* FROM pg_catalog.pg_am am ORDER BY am.oid
-- tree: encodings
SELECT c.contoencoding AS encid, pg_catalog.pg_encoding_to_char(c.contoencoding) AS encname FROM pg_catalog.pg_conversion c
GROUP BY c.contoencoding ORDER BY 2
-- tree: languages
SELECT l.oid, l.* FROM pg_catalog.pg_language l ORDER BY l.oid
-- tree: foreign data wrappers
SELECT l.oid, l.*, p.pronamespace AS handler_schema_id FROM pg_catalog.pg_foreign_data_wrapper l
LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid = l.fdwhandler ORDER BY l.fdwname
-- tree: foreign servers
SELECT l.oid, l.* FROM pg_catalog.pg_foreign_server l ORDER BY l.srvname
-- tree: tablespaces
SELECT t.oid, t.*, pg_tablespace_location(t.oid) AS loc FROM pg_catalog.pg_tablespace t ORDER BY t.oid
-- tree: settings
SELECT * FROM pg_catalog.pg_settings
-- tree: event triggers
SELECT e.oid, e.*, p.pronamespace, pg_catalog.obj_description(e.oid, 'pg_event_trigger') FROM pg_catalog.pg_event_trigger e
INNER JOIN pg_catalog.pg_proc p ON e.evtfoid = p.oid ORDER BY e.evtname
-- tree: schemas
SELECT n.oid, n.*, d.description FROM pg_catalog.pg_namespace n
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass
ORDER BY nspname
-- tree: types of a schema
SELECT t.oid, t.*, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) AS base_type_name, d.description
FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid = t.typelem
LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid = t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid = d.objoid
WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')
AND t.typnamespace = {schema}
-- tree: labels of enumerations
SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = {table} ORDER BY e.enumsortorder
-- tree: tables of a schema
SELECT c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS partition_expr,
  pg_catalog.pg_get_partkeydef(c.oid) AS partition_key
FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0
  AND d.classoid = 'pg_class'::regclass
WHERE c.relnamespace = {schema} AND c.relkind NOT IN ('i','I','c')
-- tree: sizes of the tables of a schema
SELECT c.oid, pg_catalog.pg_total_relation_size(c.oid) AS total_rel_size, pg_catalog.pg_relation_size(c.oid) AS rel_size
FROM pg_class c WHERE c.relnamespace = {schema}
-- tree: sizes of databases
SELECT db.oid, db.datname, pg_catalog.pg_database_size(db.oid) AS db_size FROM pg_catalog.pg_database db
WHERE pg_catalog.has_database_privilege(db.datname, 'CONNECT')
-- tree: functions of a schema
SELECT p.oid AS poid, p.*, pg_catalog.pg_get_expr(p.proargdefaults, 0) AS arg_defaults, d.description
FROM pg_catalog.pg_proc p LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = p.oid AND d.objsubid = 0
LEFT JOIN pg_depend dep ON dep.objid = p.oid AND dep.deptype = 'e'
WHERE p.pronamespace = {schema} AND dep.objid IS NULL ORDER BY p.proname
-- tree: text of a function
SELECT pg_catalog.pg_get_functiondef({function})
-- tree: extensions
SELECT e.oid, a.rolname oname, cfg.tbls, n.nspname AS schema_name, e.* FROM pg_catalog.pg_extension e
JOIN pg_roles a ON a.oid = e.extowner JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN (SELECT ARRAY_AGG(n2.nspname || '.' || cls.relname) tbls, oid_ext FROM (SELECT e.oid oid_ext,
    unnest(e.extconfig) oid FROM pg_catalog.pg_extension e) c JOIN pg_catalog.pg_class cls ON cls.oid = c.oid
  JOIN pg_namespace n2 ON n2.oid = cls.relnamespace GROUP BY oid_ext) cfg ON cfg.oid_ext = e.oid ORDER BY e.oid
-- tree: sequences
SELECT seq.*, pg_catalog.obj_description(c.oid) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_sequences seq
  ON seq.sequencename = c.relname WHERE c.relkind = 'S' AND seq.schemaname = 'public'
-- tree: a sequence
SELECT last_value AS current_value, is_called FROM public.notes_id_seq LIMIT 1
-- table: columns
SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) AS def_value, dsc.description, dep.objid
FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid = c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid = ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid)
LEFT OUTER JOIN pg_depend dep ON dep.refobjid = a.attrelid AND dep.deptype = 'i' AND dep.refobjsubid = a.attnum
  AND dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.relkind NOT IN ('i','I','c') AND c.oid = {table} ORDER BY a.attnum
-- table: constraints
SELECT c.oid, c.*, t.relname AS tabrelname, rt.relnamespace AS refnamespace, d.description,
  CASE WHEN c.contype = 'c' THEN "substring"(pg_get_constraintdef(c.oid), 7) ELSE NULL END consrc_copy
FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid = c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_constraint'::regclass
WHERE c.conrelid = {table} ORDER BY c.oid
-- table: definition of a constraint
SELECT pg_catalog.pg_get_constraintdef(c.oid) FROM pg_catalog.pg_constraint c WHERE c.conrelid = {table}
-- table: indexes
SELECT i.*, i.indkey AS keys, c.relname, c.relnamespace, c.relam, c.reltablespace, tc.relname AS tabrelname, dsc.description,
  pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS pred_expr, pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) AS expr,
  pg_catalog.pg_relation_size(i.indexrelid) AS index_rel_size, pg_catalog.pg_stat_get_numscans(i.indexrelid) AS index_num_scans
FROM pg_catalog.pg_index i INNER JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
INNER JOIN pg_catalog.pg_class tc ON tc.oid = i.indrelid
LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid = dsc.objoid
WHERE i.indrelid = {table} ORDER BY tabrelname, c.relname
-- table: definition of an index
SELECT pg_catalog.pg_get_indexdef(i.indexrelid, 1, true) FROM pg_catalog.pg_index i WHERE i.indrelid = {table}
-- table: parents
SELECT i.*, c.relnamespace FROM pg_catalog.pg_inherits i, pg_catalog.pg_class c
WHERE i.inhrelid = {table} AND c.oid = i.inhparent ORDER BY i.inhseqno
-- table: children
SELECT i.*, c.relnamespace FROM pg_catalog.pg_inherits i, pg_catalog.pg_class c WHERE i.inhparent = {table} AND c.oid = i.inhrelid
-- table: who refers to it
SELECT DISTINCT connamespace FROM pg_catalog.pg_constraint WHERE confrelid = {table}
-- table: partition
SELECT pg_get_expr(c.relpartbound, c.oid, true) AS partition_range FROM pg_catalog.pg_class c WHERE relname = 'numbers' AND relnamespace = {schema};
-- table: triggers
SELECT x.oid, x.*, p.pronamespace AS func_schema_id, d.description FROM pg_catalog.pg_trigger x
LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid = x.tgfoid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = x.oid AND d.objsubid = 0
WHERE x.tgrelid = {table} AND NOT x.tgisinternal
-- table: policies
SELECT p.*, c.relname FROM pg_catalog.pg_policies p JOIN pg_catalog.pg_class c ON c.relname = p.tablename WHERE c.oid = {table}
-- table: rights
SELECT * FROM information_schema.table_privileges WHERE table_schema = 'public' AND table_name = 'customers'
-- table: rights on columns
SELECT * FROM information_schema.column_privileges WHERE table_catalog = 'shop' AND table_schema = 'public' AND table_name = 'customers'
-- table: what depends on it
SELECT DISTINCT dep.deptype, dep.classid, cl.relkind, attr.attname, pg_get_expr(ad.adbin, ad.adrelid) adefval,
  CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.objsubid::text, '') WHEN tg.oid IS NOT NULL THEN 'T'::text
    WHEN rw.oid IS NOT NULL THEN 'R'::text ELSE '' END AS type, COALESCE(cl.relname, co.conname, tg.tgname) AS refname
FROM pg_depend dep LEFT JOIN pg_class cl ON dep.objid = cl.oid
LEFT JOIN pg_attribute attr ON attr.attnum = dep.objsubid AND attr.attrelid = dep.objid
LEFT JOIN pg_trigger tg ON dep.objid = tg.oid LEFT JOIN pg_constraint co ON dep.objid = co.oid
LEFT JOIN pg_rewrite rw ON dep.objid = rw.oid LEFT JOIN pg_attrdef ad ON ad.oid = dep.objid
WHERE dep.refobjid = {table} ORDER BY type
-- table: text of a view
SELECT pg_catalog.pg_get_viewdef(c.oid, true) AS definition FROM pg_catalog.pg_class c WHERE c.relkind = 'v' AND c.relnamespace = {schema}
-- table: text of a rule
SELECT pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r WHERE r.ev_class = {table}
-- data: the first rows
SELECT * FROM public.customers LIMIT 200
-- data: with conditions
SELECT x.* FROM public.customers x WHERE id = 1 ORDER BY x.id DESC LIMIT 200
-- data: columns by name
SELECT c.id, c.city FROM public.customers c WHERE c.city = 'Berlin' LIMIT 200 OFFSET 200
-- data: how many rows
SELECT count(*) FROM public.customers
-- data: by the row's place
SELECT ctid, xmin, n FROM public.numbers WHERE n = 3 LIMIT 200
-- data: key of a table, by the driver
SELECT result.TABLE_CAT, result.TABLE_SCHEM, result.TABLE_NAME, result.COLUMN_NAME, result.KEY_SEQ, result.PK_NAME
FROM (SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, ct.relname AS TABLE_NAME, a.attname AS COLUMN_NAME,
    (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, ci.relname AS PK_NAME,
    information_schema._pg_expandarray(i.indkey) AS KEYS, a.attnum AS A_ATTNUM
  FROM pg_catalog.pg_class ct JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid)
    JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid)
    JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid)
  WHERE true AND n.nspname = 'public' AND ct.relname = 'customers' AND i.indisprimary) result
WHERE result.A_ATTNUM = (result.KEYS).x ORDER BY result.table_name, result.pk_name, result.key_seq
-- data: columns of a table, by the driver
SELECT * FROM (SELECT n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)
    AS attnotnull, a.atttypmod, a.attlen, t.typtypmod, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum,
    nullif(a.attidentity, '') AS attidentity, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, dsc.description
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid)
    JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid) JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid)
    LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid = def.adrelid AND a.attnum = def.adnum)
    LEFT JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid)
  WHERE c.relkind IN ('r','p','v','f','m') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname LIKE 'public') c
WHERE true AND attname LIKE '%' ORDER BY nspname, c.relname, attnum
-- search: tables
SELECT x.oid, x.relname, x.relnamespace FROM pg_catalog.pg_class x
WHERE x.relkind IN ('r','v','m','f') AND x.relname ILIKE '%cust%' AND x.relnamespace IN ({schema}) ORDER BY x.relname LIMIT 100
-- search: functions
SELECT DISTINCT x.oid, x.proname, x.pronamespace FROM pg_catalog.pg_proc x WHERE x.proname ILIKE '%sh%' ORDER BY x.proname LIMIT 100
-- search: columns
SELECT x.attname, x.attrelid, x.atttypid, c.relnamespace FROM pg_catalog.pg_attribute x, pg_catalog.pg_class c
WHERE c.oid = x.attrelid AND x.attname LIKE '%mail%' ORDER BY x.attname LIMIT 100
-- sessions: all
SELECT sa.* FROM pg_catalog.pg_stat_activity sa
-- sessions: locks
WITH locks AS (SELECT pid, locktype, mode, granted, transactionid tid, relation, page, tuple FROM pg_locks),
  conflict AS (SELECT * FROM (VALUES ('AccessShareLock', 'AccessExclusiveLock', 1), ('RowShareLock', 'ExclusiveLock', 1))
    AS t (mode1, mode2, prt))
SELECT ARRAY[l.pid] AS blocking, l.mode, c.prt FROM locks l LEFT JOIN conflict c ON l.mode = c.mode1 WHERE NOT l.granted
-- editor: a plan
EXPLAIN (FORMAT XML, VERBOSE, COSTS) SELECT * FROM public.numbers WHERE n = 5
