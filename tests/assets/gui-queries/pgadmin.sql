-- What pgAdmin 4 asks a PostgreSQL of version 15.
-- Source of the facts: the driver and the templates of its own repository (pgadmin-org/pgadmin4: web/pgadmin/utils/driver,
-- .../browser/server_groups/servers/**/templates, .../dashboard/templates, .../tools/sqleditor/templates). Which
-- catalogues, columns, functions, casts and operators are used is theirs, the wording is ours.

-- connect: settings
SET DateStyle=ISO; SET client_min_messages=notice; SELECT set_config('bytea_output','hex',false) FROM pg_settings WHERE name = 'bytea_output'; SET client_encoding='UTF-8';
-- connect: version
SELECT version()
-- connect: this database
SELECT d.oid AS did, d.datname, d.datallowconn, pg_encoding_to_char(d.encoding) AS serverencoding,
  has_database_privilege(d.oid, 'CREATE') AS cancreate, d.datistemplate
FROM pg_catalog.pg_database d WHERE d.datname = current_database()
-- connect: gssapi
SELECT gss_authenticated, encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_backend_pid()
-- connect: who am I
SELECT me.oid AS id, me.rolname AS name, me.rolsuper AS is_superuser,
  CASE WHEN me.rolsuper THEN true ELSE me.rolcreaterole END AS can_create_role,
  CASE WHEN me.rolsuper THEN true ELSE me.rolcreatedb END AS can_create_db,
  CASE WHEN 'pg_signal_backend' = ANY (ARRAY(WITH RECURSIVE up AS (
      SELECT pg_roles.oid, pg_roles.rolname FROM pg_roles WHERE pg_roles.oid = me.oid
      UNION ALL SELECT m.roleid, r.rolname FROM up JOIN pg_auth_members m ON m.member = up.oid
        JOIN pg_roles r ON r.oid = m.roleid)
    SELECT rolname FROM up)) THEN true ELSE false END AS can_signal_backend
FROM pg_catalog.pg_roles AS me WHERE rolname = current_user
-- connect: recovery
SELECT CASE WHEN usesuper THEN pg_catalog.pg_is_in_recovery() ELSE FALSE END AS inrecovery,
  CASE WHEN usesuper AND pg_catalog.pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE FALSE END AS isreplaypaused
FROM pg_catalog.pg_user WHERE usename = current_user
-- connect: kind of replication
SELECT CASE WHEN (SELECT count(extname) FROM pg_catalog.pg_extension WHERE extname = 'bdr') > 0 THEN 'pgd'
  WHEN (SELECT count(*) FROM pg_replication_slots) > 0 THEN 'log' ELSE NULL END AS type
-- connect: the name on the connection
SET application_name = 'pgAdmin 4 - CONN:4711'
-- tree: databases
SELECT d.oid AS did, d.datname AS name, t.spcname, d.datallowconn, d.datistemplate AS is_template,
  pg_catalog.has_database_privilege(d.oid, 'CREATE') AS cancreate, d.datdba AS owner, c.description
FROM pg_catalog.pg_database d LEFT OUTER JOIN pg_catalog.pg_tablespace t ON d.dattablespace = t.oid
  LEFT OUTER JOIN pg_catalog.pg_shdescription c ON (d.oid = c.objoid AND c.classoid = 'pg_database'::regclass)
WHERE d.oid > 16383::OID OR d.datname IN ('postgres', 'edb') ORDER BY datname
-- tree: properties of a database
SELECT d.oid AS did, d.datname AS name, d.dattablespace AS spcoid, t.spcname, d.datallowconn,
  pg_catalog.pg_encoding_to_char(encoding) AS encoding, pg_catalog.pg_get_userbyid(datdba) AS datowner,
  datcollate, datctype, datconnlimit, pg_catalog.has_database_privilege(d.oid, 'CREATE') AS cancreate,
  pg_catalog.current_setting('default_tablespace') AS default_tablespace,
  pg_catalog.shobj_description(d.oid, 'pg_database') AS comments, d.datistemplate,
  pg_catalog.array_to_string(d.datacl::text[], ', ') AS acl, (SELECT pg_catalog.array_agg(provider || '=' || label)
    FROM pg_catalog.pg_shseclabel s WHERE s.objoid = d.oid) AS seclabels
FROM pg_catalog.pg_database d LEFT OUTER JOIN pg_catalog.pg_tablespace t ON d.dattablespace = t.oid
WHERE d.oid = {database}::OID
-- tree: schemas
SELECT n.oid, n.nspname AS name, pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS can_create,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS has_usage, c.description
FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description c
  ON (c.objoid = n.oid AND c.classoid = 'pg_namespace'::regclass)
WHERE nspname NOT LIKE E'pg\\_%' AND NOT ((n.nspname = 'pg_catalog' AND EXISTS (SELECT 1 FROM pg_catalog.pg_class
  WHERE relname = 'pg_class' AND relnamespace = n.oid LIMIT 1)) OR (n.nspname = 'information_schema' AND EXISTS
  (SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'tables' AND relnamespace = n.oid LIMIT 1))) ORDER BY nspname
-- tree: rights on a schema
SELECT 'nspacl' AS deftype, COALESCE(gt.rolname, 'PUBLIC') AS grantee, g.rolname AS grantor,
  pg_catalog.array_agg(b.privilege_type) AS privileges, pg_catalog.array_agg(b.is_grantable) AS grantable
FROM (SELECT (d).grantee AS grantee, (d).grantor AS grantor, (d).is_grantable AS is_grantable,
    CASE (d).privilege_type WHEN 'CREATE' THEN 'C' WHEN 'USAGE' THEN 'U' ELSE 'UNKNOWN - ' || (d).privilege_type END
      AS privilege_type
  FROM (SELECT pg_catalog.aclexplode(n.nspacl) AS d FROM pg_catalog.pg_namespace n WHERE n.oid = {schema}::OID) a) b
  LEFT JOIN pg_catalog.pg_roles g ON (b.grantor = g.oid) LEFT JOIN pg_catalog.pg_roles gt ON (b.grantee = gt.oid)
GROUP BY g.rolname, gt.rolname ORDER BY grantee
-- tree: rights by default
SELECT CASE (a.deftype) WHEN 'r' THEN 'deftblacl' WHEN 'S' THEN 'defseqacl' WHEN 'f' THEN 'deffuncacl' END AS deftype,
  COALESCE(gt.rolname, 'PUBLIC') AS grantee, pg_catalog.array_agg(a.privilege_type) AS privileges
FROM (SELECT (acl).grantee AS grantee, (acl).privilege_type AS privilege_type, defaclobjtype AS deftype
  FROM (SELECT defaclobjtype, pg_catalog.aclexplode(defaclacl) AS acl FROM pg_catalog.pg_default_acl d
    WHERE d.defaclnamespace = {schema}::OID) x) a LEFT JOIN pg_catalog.pg_roles gt ON (a.grantee = gt.oid)
GROUP BY gt.rolname, a.deftype ORDER BY a.deftype
-- tree: how many tables
SELECT COUNT(*) FROM pg_catalog.pg_class rel WHERE rel.relkind IN ('r','s','t','p') AND rel.relnamespace = {schema}::oid
  AND NOT rel.relispartition
-- tree: tables
SELECT rel.oid, rel.relname AS name, (SELECT count(*) FROM pg_trigger WHERE tgrelid = rel.oid) AS triggercount,
  (SELECT count(*) FROM pg_trigger WHERE tgrelid = rel.oid AND tgenabled = 'O') AS has_enable_triggers,
  (SELECT count(1) FROM pg_inherits WHERE inhrelid = rel.oid LIMIT 1) AS is_inherits
FROM pg_class rel WHERE rel.relkind IN ('r','s','t') AND rel.relnamespace = {schema}::oid ORDER BY rel.relname
-- tree: properties of a table
SELECT *, (CASE WHEN before IS NULL THEN ARRAY[]::varchar[] ELSE before END) AS coll_inherits
FROM (SELECT rel.oid, rel.relname AS name, rel.reltablespace AS spcoid, rel.relacl AS relacl_str,
    (CASE WHEN length(spc.spcname::text) > 0 THEN spc.spcname ELSE (SELECT sp.spcname FROM pg_catalog.pg_database dtb
      JOIN pg_catalog.pg_tablespace sp ON dtb.dattablespace = sp.oid WHERE dtb.oid = {database}::oid) END) AS spcname,
    pg_get_userbyid(rel.relowner) AS relowner, rel.reltuples::bigint, des.description, con.conname, con.conkey,
    EXISTS (SELECT 1 FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid AND p.proname = 'logtrigger'
      WHERE tgrelid = rel.oid) AS isrepl,
    (SELECT ARRAY(SELECT CASE WHEN (nspname NOT LIKE 'pg\_%') THEN quote_ident(nspname)||'.'||quote_ident(c.relname)
        ELSE quote_ident(c.relname) END FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.inhrelid = rel.oid ORDER BY inhseqno)) AS before,
    substring(array_to_string(rel.reloptions, ',') FROM 'fillfactor=([0-9]*)') AS fillfactor,
    (substring(array_to_string(rel.reloptions, ',') FROM 'autovacuum_enabled=([a-z|0-9]*)'))::BOOL AS autovacuum_enabled,
    rel.reloptions, tst.reloptions AS toast_reloptions, typ.typname, typ.typrelid AS typoid,
    rel.relrowsecurity AS rlspolicy, rel.relforcerowsecurity AS forcerlspolicy,
    (SELECT pg_catalog.array_agg(provider || '=' || label) FROM pg_catalog.pg_seclabels s WHERE s.objoid = rel.oid
      AND s.objsubid = 0) AS seclabels, pg_catalog.pg_get_partkeydef(rel.oid) AS partkey
  FROM pg_class rel LEFT OUTER JOIN pg_tablespace spc ON spc.oid = rel.reltablespace
    LEFT OUTER JOIN pg_description des ON (des.objoid = rel.oid AND des.objsubid = 0 AND des.classoid = 'pg_class'::regclass)
    LEFT OUTER JOIN pg_constraint con ON con.conrelid = rel.oid AND con.contype = 'p'
    LEFT OUTER JOIN pg_class tst ON tst.oid = rel.reltoastrelid LEFT JOIN pg_type typ ON rel.reloftype = typ.oid
  WHERE rel.relkind IN ('r','s','t') AND rel.relnamespace = {schema}::oid AND rel.oid = {table}::oid) AS about ORDER BY name
-- table: columns
SELECT att.attname AS name, att.attnum AS oid, pg_catalog.format_type(ty.oid, NULL) AS datatype,
  pg_catalog.format_type(ty.oid, att.atttypmod) AS displaytypname, att.attnotnull AS not_null,
  CASE WHEN att.atthasdef OR att.attidentity != '' OR ty.typdefault IS NOT NULL THEN true ELSE false END AS has_default_val,
  des.description
FROM pg_catalog.pg_attribute att JOIN pg_catalog.pg_type ty ON ty.oid = atttypid
  LEFT OUTER JOIN pg_catalog.pg_attrdef def ON adrelid = att.attrelid AND adnum = att.attnum
  LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = att.attrelid AND des.objsubid = att.attnum
    AND des.classoid = 'pg_class'::regclass)
WHERE att.attrelid = {table}::oid AND att.attnum > 0 AND att.attisdropped IS FALSE ORDER BY att.attnum
-- table: properties of its columns
WITH parents AS (SELECT a.attname AS name, ph.inhparent AS inheritedid, ph.inhseqno,
    pg_catalog.concat(pn.nspname, '.', parent.relname) AS inheritedfrom
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_inherits ph ON ph.inhparent = a.attrelid AND ph.inhrelid = {table}::oid
    JOIN pg_catalog.pg_class parent ON ph.inhparent = parent.oid
    JOIN pg_catalog.pg_namespace pn ON pn.oid = parent.relnamespace
  GROUP BY a.attname, ph.inhparent, ph.inhseqno, inheritedfrom ORDER BY a.attname, ph.inhparent, ph.inhseqno)
SELECT DISTINCT ON (att.attnum) att.attname AS name, att.atttypid, att.attlen, att.attnum, att.attndims, att.atttypmod,
  att.attacl, att.attnotnull, att.attoptions, att.attfdwoptions, att.attstattarget, att.attstorage, att.attidentity,
  pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS defval, pg_catalog.format_type(ty.oid, NULL) AS typname,
  i.inheritedfrom, CASE WHEN ty.typelem > 0 THEN ty.typelem ELSE ty.oid END AS elemoid,
  (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = ty.typnamespace) AS typnspname,
  description, pi.indkey, (SELECT count(1) FROM pg_catalog.pg_type t2 WHERE t2.typname = ty.typname) > 1 AS isdup,
  CASE WHEN length(coll.collname::text) > 0 THEN pg_catalog.concat(pg_catalog.quote_ident(nspc.nspname), '.',
    pg_catalog.quote_ident(coll.collname)) ELSE '' END AS collspcname,
  EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = att.attrelid AND contype = 'f'
    AND att.attnum = ANY(conkey)) AS is_fk,
  (CASE WHEN att.attidentity IN ('a', 'd') THEN 'i' WHEN att.attgenerated IN ('s') THEN 'g' ELSE 'n' END) AS colconstype,
  (SELECT d.refobjid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON d.refclassid =
    'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND c.relkind = 'S' WHERE d.classid =
    'pg_catalog.pg_attrdef'::regclass AND d.objid = def.oid ORDER BY d.refobjid LIMIT 1) AS defseqrelid, seq.*
FROM pg_catalog.pg_attribute att JOIN pg_catalog.pg_type ty ON ty.oid = atttypid
  LEFT OUTER JOIN pg_catalog.pg_attrdef def ON adrelid = att.attrelid AND adnum = att.attnum
  LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = att.attrelid AND des.objsubid = att.attnum)
  LEFT OUTER JOIN (pg_catalog.pg_depend dep JOIN pg_catalog.pg_class cs ON dep.classid = 'pg_class'::regclass
    AND dep.objid = cs.oid AND cs.relkind = 'S') ON dep.refobjid = att.attrelid AND dep.refobjsubid = att.attnum
  LEFT OUTER JOIN pg_catalog.pg_index pi ON pi.indrelid = att.attrelid AND indisprimary
  LEFT OUTER JOIN pg_catalog.pg_collation coll ON att.attcollation = coll.oid
  LEFT OUTER JOIN pg_catalog.pg_namespace nspc ON coll.collnamespace = nspc.oid
  LEFT OUTER JOIN pg_catalog.pg_sequence seq ON cs.oid = seq.seqrelid LEFT OUTER JOIN parents AS i ON att.attname = i.name
WHERE att.attrelid = {table}::oid AND att.attnum > 0 AND att.attisdropped IS FALSE ORDER BY att.attnum
-- table: checks
SELECT c.oid, conname AS name, relname, nspname, description AS comment,
  pg_catalog.pg_get_expr(conbin, conrelid, true) AS consrc, connoinherit, NOT convalidated AS convalidated, conislocal
FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class cl ON cl.oid = conrelid
  JOIN pg_catalog.pg_namespace nl ON nl.oid = relnamespace
  LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = c.oid AND des.classoid = 'pg_constraint'::regclass)
WHERE contype = 'c' AND conrelid = {table}::oid
-- table: foreign keys
SELECT convalidated, ct.oid, conname AS name, condeferrable, condeferred, confupdtype, confdeltype,
  CASE confmatchtype WHEN 's' THEN FALSE WHEN 'f' THEN TRUE END AS confmatchtype, conkey, confkey, confrelid,
  nl.nspname AS fknsp, cl.relname AS fktab, nr.nspname AS refnsp, cr.relname AS reftab, description AS comment
FROM pg_catalog.pg_constraint ct JOIN pg_catalog.pg_class cl ON cl.oid = conrelid
  JOIN pg_catalog.pg_namespace nl ON nl.oid = cl.relnamespace JOIN pg_catalog.pg_class cr ON cr.oid = confrelid
  JOIN pg_catalog.pg_namespace nr ON nr.oid = cr.relnamespace LEFT OUTER JOIN pg_catalog.pg_description des
    ON (des.objoid = ct.oid AND des.classoid = 'pg_constraint'::regclass)
WHERE contype = 'f' AND conrelid = {table}::oid ORDER BY conname
-- table: columns of a foreign key
SELECT a1.attname AS conattname, a2.attname AS confattname FROM pg_catalog.pg_attribute a1, pg_catalog.pg_attribute a2
WHERE a1.attrelid = {table}::oid AND a1.attnum = 2 AND a2.attrelid = {table}::oid AND a2.attnum = 1
UNION ALL SELECT a1.attname, a2.attname FROM pg_catalog.pg_attribute a1, pg_catalog.pg_attribute a2
WHERE a1.attrelid = {table}::oid AND a1.attnum = 3 AND a2.attrelid = {table}::oid AND a2.attnum = 2
-- table: indexes
SELECT DISTINCT ON (cls.relname) cls.oid, cls.relname AS name, indrelid, indkey, indisclustered, indisvalid, indisunique,
  indisprimary, n.nspname, indnatts, conname, tab.relname AS tabname, indclass, con.oid AS conoid,
  CASE WHEN contype IN ('p', 'u', 'x') THEN desp.description ELSE des.description END AS description,
  pg_catalog.pg_get_expr(indpred, indrelid, true) AS indconstraint, contype, condeferrable, condeferred, amname,
  (SELECT (CASE WHEN count(i.inhrelid) > 0 THEN true ELSE false END) FROM pg_inherits i WHERE i.inhrelid = cls.oid)
    AS is_inherited, substring(pg_catalog.array_to_string(cls.reloptions, ',') FROM 'fillfactor=([0-9]*)') AS fillfactor
FROM pg_catalog.pg_index idx JOIN pg_catalog.pg_class cls ON cls.oid = indexrelid
  JOIN pg_catalog.pg_class tab ON tab.oid = indrelid LEFT OUTER JOIN pg_catalog.pg_tablespace ta ON ta.oid = cls.reltablespace
  JOIN pg_catalog.pg_namespace n ON n.oid = tab.relnamespace JOIN pg_catalog.pg_am am ON am.oid = cls.relam
  LEFT JOIN pg_catalog.pg_depend dep ON (dep.classid = cls.tableoid AND dep.objid = cls.oid AND dep.refobjsubid = '0'
    AND dep.refclassid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = 'pg_constraint') AND dep.deptype = 'i')
  LEFT OUTER JOIN pg_catalog.pg_constraint con ON (con.tableoid = dep.refclassid AND con.oid = dep.refobjid)
  LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = cls.oid AND des.classoid = 'pg_class'::regclass)
  LEFT OUTER JOIN pg_catalog.pg_description desp ON (desp.objoid = con.oid AND desp.objsubid = 0)
WHERE indrelid = {table}::OID AND conname IS NULL ORDER BY cls.relname
-- table: columns of an index
SELECT i.indexrelid, CASE i.indoption[i.attnum - 1] WHEN 0 THEN ARRAY['ASC', 'NULLS LAST'] WHEN 1 THEN
    ARRAY['DESC', 'NULLS FIRST'] ELSE ARRAY['UNKNOWN OPTION' || i.indoption[i.attnum - 1]::text, ''] END::text[] AS options,
  pg_catalog.pg_get_indexdef(i.indexrelid, i.attnum, true) AS attdef, i.attnum,
  CASE WHEN (o.opcdefault = FALSE) THEN o.opcname ELSE null END AS opcname,
  CASE WHEN length(nspc.nspname::text) > 0 THEN pg_catalog.concat(quote_ident(nspc.nspname), '.', quote_ident(coll.collname))
    ELSE '' END AS collnspname, pg_catalog.format_type(ty.oid, NULL) AS datatype
FROM (SELECT indexrelid, i.indoption, i.indclass,
    pg_catalog.unnest(ARRAY(SELECT pg_catalog.generate_series(1, i.indnatts) AS n)) AS attnum
  FROM pg_catalog.pg_index i WHERE i.indrelid = {table}::OID) i
  LEFT JOIN pg_catalog.pg_opclass o ON (o.oid = i.indclass[i.attnum - 1])
  LEFT JOIN pg_catalog.pg_attribute a ON (a.attrelid = i.indexrelid AND a.attnum = i.attnum)
  LEFT JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid LEFT OUTER JOIN pg_catalog.pg_collation coll
    ON a.attcollation = coll.oid LEFT OUTER JOIN pg_catalog.pg_namespace nspc ON coll.collnamespace = nspc.oid
ORDER BY i.attnum
-- table: triggers
SELECT t.oid, t.tgname AS name, t.tgenabled AS is_enable_trigger, t.tgrelid, nspname, des.description, lanname, prosrc,
  pg_catalog.pg_get_triggerdef(t.oid, true) AS definition, COALESCE(substring(pg_catalog.pg_get_triggerdef(t.oid),
    'WHEN (.*) EXECUTE (PROCEDURE|FUNCTION)'), substring(pg_catalog.pg_get_triggerdef(t.oid), 'WHEN (.*)')) AS whenclause,
  pg_catalog.encode(tgargs, 'escape') AS tgargs, tgoldtable, tgnewtable
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class cl ON cl.oid = tgrelid
  JOIN pg_catalog.pg_namespace na ON na.oid = relnamespace LEFT OUTER JOIN pg_catalog.pg_description des
    ON (des.objoid = t.oid AND des.classoid = 'pg_trigger'::regclass)
  LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid LEFT OUTER JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE NOT tgisinternal AND tgrelid = {table}::OID ORDER BY tgname
-- table: rules and policies
SELECT rw.oid, rw.rulename AS name, CASE WHEN relkind = 'r' THEN TRUE ELSE FALSE END AS parentistable, nspname AS schemaname,
  relname AS view, pg_catalog.pg_get_ruledef(rw.oid, true) AS definition, rw.ev_enabled
FROM pg_catalog.pg_rewrite rw JOIN pg_catalog.pg_class cl ON cl.oid = rw.ev_class
  JOIN pg_catalog.pg_namespace nsp ON nsp.oid = cl.relnamespace WHERE rw.ev_class = {table}::oid ORDER BY rw.rulename
-- table: row security
SELECT pl.oid, pl.polname AS name, rw.permissive, rw.cmd AS event, rw.qual AS using, rw.with_check AS withcheck,
  pg_catalog.array_to_string(rw.roles::name[], ', ') AS policyowner
FROM pg_catalog.pg_policy pl JOIN pg_catalog.pg_policies rw ON pl.polname = rw.policyname
  JOIN pg_catalog.pg_namespace n ON n.nspname = rw.schemaname
  JOIN pg_catalog.pg_class rel ON rel.relnamespace = n.oid AND rel.relname = rw.tablename WHERE pl.polrelid = {table}
-- table: statistics
SELECT seq_scan AS "Sequential scans", seq_tup_read AS "Sequential tuples read", n_tup_ins AS "Tuples inserted",
  last_autoanalyze AS "Last autoanalyze", pg_catalog.pg_relation_size(stat.relid) AS "Table size",
  CASE WHEN cl.reltoastrelid = 0 THEN NULL ELSE pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(cl.reltoastrelid)
    + COALESCE((SELECT SUM(pg_catalog.pg_relation_size(indexrelid)) FROM pg_catalog.pg_index
    WHERE indrelid = cl.reltoastrelid)::int8, 0)) END AS "Toast table size"
FROM pg_catalog.pg_stat_all_tables stat JOIN pg_catalog.pg_statio_all_tables statio ON stat.relid = statio.relid
  JOIN pg_catalog.pg_class cl ON cl.oid = stat.relid WHERE stat.relid = {table}::oid
-- table: what depends on it
SELECT DISTINCT dep.deptype, dep.classid, cl.relkind, ad.adbin, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid) AS adsrc,
  CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.objsubid::text, '') WHEN tg.oid IS NOT NULL
    THEN 'T'::text WHEN ty.oid IS NOT NULL THEN 'y'::text WHEN co.oid IS NOT NULL THEN 'C'::text || contype::text ELSE '' END AS type,
  COALESCE(coc.relname, clrw.relname) AS ownertable, COALESCE(cl.relname, co.conname, pr.proname, tg.tgname, ty.typname,
    la.lanname, rw.rulename, fs.srvname, fdw.fdwname) AS refname
FROM pg_depend dep LEFT JOIN pg_class cl ON dep.objid = cl.oid
  LEFT JOIN pg_attribute att ON dep.objid = att.attrelid AND dep.objsubid = att.attnum
  LEFT JOIN pg_proc pr ON dep.objid = pr.oid LEFT JOIN pg_trigger tg ON dep.objid = tg.oid
  LEFT JOIN pg_type ty ON dep.objid = ty.oid LEFT JOIN pg_constraint co ON dep.objid = co.oid
  LEFT JOIN pg_class coc ON co.conrelid = coc.oid LEFT JOIN pg_rewrite rw ON dep.objid = rw.oid
  LEFT JOIN pg_class clrw ON clrw.oid = rw.ev_class LEFT JOIN pg_language la ON dep.objid = la.oid
  LEFT JOIN pg_attrdef ad ON ad.oid = dep.objid LEFT JOIN pg_foreign_server fs ON fs.oid = dep.objid
  LEFT JOIN pg_foreign_data_wrapper fdw ON fdw.oid = dep.objid
WHERE dep.refobjid = {table}::OID AND classid IN (SELECT oid FROM pg_class WHERE relname IN ('pg_class', 'pg_constraint',
  'pg_proc', 'pg_rewrite', 'pg_trigger', 'pg_type', 'pg_attrdef')) ORDER BY classid, cl.relkind
-- table: which roles it depends on
SELECT rolname AS refname, refclassid, deptype FROM pg_catalog.pg_shdepend dep LEFT JOIN pg_catalog.pg_roles r
  ON refclassid = 1260 AND refobjid = r.oid WHERE dep.objid = {table}::OID ORDER BY 1
-- tree: views
SELECT c.oid, c.xmin, c.relname AS name, description AS comment, nspname AS schema,
  pg_catalog.pg_get_userbyid(c.relowner) AS owner, pg_catalog.pg_get_viewdef(c.oid, true) AS definition,
  substring(pg_catalog.array_to_string(c.reloptions, ',') FROM 'security_barrier=([a-z|0-9]*)')::boolean AS security_barrier
FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = c.oid AND des.objsubid = 0)
WHERE ((c.relhasrules AND (EXISTS (SELECT r.rulename FROM pg_catalog.pg_rewrite r WHERE ((r.ev_class = c.oid)
  AND (bpchar(r.ev_type) = '1'::bpchar))))) AND (c.relkind = 'v'::char)) AND c.relnamespace = {schema}::oid ORDER BY c.relname
-- tree: sequences
SELECT cl.oid, relname AS name, nspname AS schema, pg_catalog.pg_get_userbyid(relowner) AS seqowner, description AS comment,
  pg_catalog.array_to_string(cl.relacl::text[], ', ') AS acl
FROM pg_catalog.pg_class cl LEFT JOIN pg_catalog.pg_namespace nsp ON cl.relnamespace = nsp.oid
  LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = cl.oid AND des.classoid = 'pg_class'::regclass)
WHERE relkind = 'S' AND relnamespace = {schema}::oid ORDER BY cl.relname
-- tree: properties of functions
SELECT pr.oid, pr.xmin, CASE WHEN pr.prokind = 'w' THEN true ELSE false END AS proiswindow, pr.prosrc, pr.pronamespace,
  pr.proargmodes, pr.proacl, pr.proname AS name, pg_catalog.pg_get_function_result(pr.oid) AS prorettypename,
  typns.nspname AS typnsp, lanname, proargnames, pg_catalog.oidvectortypes(proargtypes) AS proargtypenames,
  pg_catalog.pg_get_expr(proargdefaults, 'pg_catalog.pg_class'::regclass) AS proargdefaultvals,
  pg_catalog.pg_get_function_sqlbody(pr.oid) AS prosrc_sql, proconfig, pg_catalog.pg_get_userbyid(proowner) AS funcowner,
  (SELECT array_agg(DISTINCT e.extname) FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON d.refobjid = e.oid
    WHERE d.objid = pr.oid) AS dependsonextensions, CASE WHEN prosupport = 0::oid THEN '' ELSE 'some' END AS support
FROM pg_catalog.pg_proc pr JOIN pg_catalog.pg_type typ ON typ.oid = prorettype
  JOIN pg_catalog.pg_namespace typns ON typns.oid = typ.typnamespace JOIN pg_catalog.pg_language lng ON lng.oid = prolang
WHERE pr.prokind IN ('f', 'w') AND typname NOT IN ('trigger', 'event_trigger') AND pronamespace = {schema}::oid
ORDER BY proname
-- tree: text of a function
SELECT pg_catalog.pg_get_functiondef({function}::oid) AS func_def,
  COALESCE(pg_catalog.pg_get_function_identity_arguments({function}::oid), '') AS func_args
-- tree: roles
SELECT r.oid, r.*, pg_catalog.shobj_description(r.oid, 'pg_authid') AS description,
  ARRAY(SELECT CASE WHEN am.admin_option THEN '1' ELSE '0' END || rm.rolname
    FROM (SELECT * FROM pg_catalog.pg_auth_members WHERE member = r.oid) am
    LEFT JOIN pg_catalog.pg_roles rm ON (rm.oid = am.roleid) ORDER BY rm.rolname) AS rolmembership
FROM pg_catalog.pg_roles r ORDER BY r.rolcanlogin, r.rolname
-- tree: extensions
SELECT x.oid, pg_catalog.pg_get_userbyid(extowner) AS owner, x.extname AS name, n.nspname AS schema,
  x.extrelocatable AS relocatable, x.extversion AS version, e.comment
FROM pg_catalog.pg_extension x LEFT JOIN pg_catalog.pg_namespace n ON x.extnamespace = n.oid
  JOIN pg_catalog.pg_available_extensions() e(name, default_version, comment) ON x.extname = e.name ORDER BY x.extname
-- tree: types
SELECT t.oid, t.typname AS name, CASE WHEN t.typtype = 'e' THEN (SELECT pg_catalog.array_agg(e.enumlabel ORDER BY
    e.enumsortorder)::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) ELSE format_type(t.oid, null) END AS alias,
  pg_catalog.pg_get_userbyid(t.typowner) AS typeowner, e.typname AS element, ct.oid AS taboid
FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_type e ON e.oid = t.typelem
  LEFT OUTER JOIN pg_catalog.pg_class ct ON ct.oid = t.typrelid AND ct.relkind <> 'c'
WHERE t.typtype != 'd' AND t.typname NOT LIKE E'\\_%' AND t.typnamespace = {schema}::oid AND ct.oid IS NULL ORDER BY t.typname
-- data: primary key
SELECT at.attname, at.attnum, ty.typname FROM pg_catalog.pg_attribute at
  LEFT JOIN pg_catalog.pg_type ty ON (ty.oid = at.atttypid) JOIN pg_catalog.pg_class AS cl ON cl.oid = at.attrelid
WHERE attrelid = {table}::oid AND attnum = ANY ((SELECT con.conkey FROM pg_catalog.pg_class rel LEFT OUTER JOIN
  pg_catalog.pg_constraint con ON con.conrelid = rel.oid AND con.contype = 'p'
  WHERE rel.relkind IN ('r','s','t','p') AND rel.oid = {table}::oid)::oid[])
-- data: columns
SELECT DISTINCT att.attname AS name, att.attnum AS "OID", pg_catalog.format_type(ty.oid, NULL) AS datatype,
  att.attnotnull AS not_null, att.attgenerated FROM pg_catalog.pg_attribute att
  JOIN pg_catalog.pg_type ty ON ty.oid = atttypid WHERE att.attrelid = {table}::oid AND att.attnum > 0
  AND att.attisdropped IS FALSE ORDER BY att.attnum
-- data: the first rows
SELECT * FROM public.customers
ORDER BY id ASC LIMIT 100
-- data: filtered
SELECT * FROM public.customers
WHERE id = 2
ORDER BY id DESC LIMIT 1000
-- data: how many rows
SELECT COUNT(*)::text FROM public.customers
-- data: a plan
EXPLAIN (FORMAT JSON, ANALYZE FALSE, VERBOSE FALSE, COSTS FALSE, BUFFERS FALSE, TIMING FALSE, SUMMARY FALSE, SETTINGS FALSE, WAL FALSE) SELECT * FROM public.numbers WHERE n = 5
-- data: transaction
BEGIN
-- data: end of transaction
ROLLBACK
-- completion: schemas and tables
SELECT n.nspname schema_name, c.relname object_name FROM pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY(ARRAY['v','r','m','p']) ORDER BY 1, 2
-- completion: functions
SELECT n.nspname schema_name, p.proname func_name, p.proargnames, COALESCE(proallargtypes::regtype[],
  proargtypes::regtype[])::text[], p.proargmodes, prorettype::regtype::text return_type, p.prokind = 'a' is_aggregate,
  p.proretset is_set_returning, pg_get_expr(proargdefaults, 0) AS arg_defaults
FROM pg_catalog.pg_proc p INNER JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.prorettype::regtype != 'trigger'::regtype ORDER BY 1, 2
-- completion: keywords
SELECT upper(word) AS word FROM pg_get_keywords()
-- dashboard: figures
/*pga4dash*/
SELECT 'session_stats' AS chart_name, row_to_json(t)::jsonb AS chart_data FROM (SELECT
  (SELECT count(*) FROM pg_catalog.pg_stat_activity) AS "Total",
  (SELECT count(*) FROM pg_stat_activity WHERE state = 'active') AS "Active") t
UNION ALL SELECT 'tps_stats' AS chart_name, row_to_json(t)::jsonb AS chart_data FROM (SELECT
  (SELECT sum(xact_commit) + sum(xact_rollback) FROM pg_stat_database) AS "Transactions",
  (SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = (SELECT datname FROM pg_database
    WHERE oid = {database})) AS "Commits") t
-- dashboard: sessions
/*pga4dash*/
SELECT pid, datname, usename, application_name, client_addr,
  pg_catalog.to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS backend_start, state,
  wait_event_type || ': ' || wait_event AS wait_event, array_to_string(pg_catalog.pg_blocking_pids(pid), ', ') AS blocking,
  query, backend_type, CASE WHEN state = 'active' THEN ROUND((extract(epoch FROM now() - query_start) / 60)::numeric, 2)
  ELSE 0 END AS active_since FROM pg_catalog.pg_stat_activity
WHERE datname = (SELECT datname FROM pg_catalog.pg_database WHERE oid = {database}) ORDER BY pid
-- dashboard: locks
/*pga4dash*/
SELECT pid, locktype, datname, relation::regclass, page, tuple, virtualxid transactionid, classid::regclass, objid,
  objsubid, virtualtransaction, mode, granted, fastpath
FROM pg_catalog.pg_locks l LEFT OUTER JOIN pg_catalog.pg_database d ON (l.database = d.oid) ORDER BY pid, locktype
-- dashboard: prepared transactions
SELECT transaction, gid, database, owner, pg_catalog.to_char(prepared, 'YYYY-MM-DD HH24:MI:SS TZ') FROM pg_catalog.pg_prepared_xacts
-- dashboard: configuration
/*pga4dash*/
SELECT name, category, setting, unit, short_desc FROM pg_catalog.pg_show_all_settings() ORDER BY category
-- dashboard: replication
SELECT * FROM pg_stat_replication
-- dashboard: slots
SELECT * FROM pg_replication_slots
-- refused: logs of the server
SELECT pg_read_file(pg_current_logfile('csvlog'), 0, 1000)
-- refused: sampled values of a column
SELECT null_frac, avg_width, n_distinct, most_common_vals, most_common_freqs, histogram_bounds, correlation
FROM pg_catalog.pg_stats WHERE schemaname = 'public' AND tablename = 'customers' AND attname = 'email'
