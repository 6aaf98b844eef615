-- What DataGrip asks a PostgreSQL when it reads its structure.
-- Source of the facts: statements that servers have logged of it, as they are found in tests of programs that speak the
-- protocol. The wording is ours.

-- connect: settings
SET extra_float_digits = 3
-- connect: nameless
SET application_name = ''
-- connect: name
SET application_name = 'DataGrip 2025.2.3'
-- connect: version
select version()
-- connect: schemas
select current_database() as a, current_schemas(false) as b
-- connect: who
select current_database(), current_schema(), current_user
-- connect: since when it runs
select round(extract(epoch from pg_postmaster_start_time() at time zone 'UTC')) as startup_time
-- connect: the oldest transaction
select l.transactionid::varchar::bigint as transaction_id from pg_catalog.pg_locks l
where l.transactionid is not null order by pg_catalog.age(l.transactionid) desc limit 1
-- connect: this transaction
select case when pg_catalog.pg_is_in_recovery() then null
  else (pg_catalog.txid_current() % 4294967296)::varchar::bigint end as current_txid
-- connect: how dates read
show DateStyle
-- connect: time zones
select name, is_dst from pg_catalog.pg_timezone_names union distinct select abbrev, is_dst from pg_catalog.pg_timezone_abbrevs
-- connect: am I a superuser
select usesuper from pg_user where usename = current_user
-- tree: databases
select d.oid::bigint as id, datname as name, c.description, datistemplate, datallowconn, pg_catalog.pg_get_userbyid(d.datdba) as "owner"
from pg_catalog.pg_database d left join pg_catalog.pg_shdescription c on d.oid = c.objoid
order by case when datname = pg_catalog.current_database() then -1::bigint else d.oid::bigint end
-- tree: roles
select r.oid::bigint as role_id, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
  rolconnlimit, rolvaliduntil, rolbypassrls, rolconfig, c.description
from pg_catalog.pg_roles r left join pg_catalog.pg_shdescription c on c.objoid = r.oid
-- tree: members
select member id, roleid role_id, admin_option from pg_catalog.pg_auth_members order by id, roleid::text
-- tree: tablespaces
select t.oid::bigint as id, t.spcname, t.xmin as state_number, pg_catalog.pg_get_userbyid(t.spcowner) as owner,
  pg_catalog.pg_tablespace_location(t.oid) as location, t.spcoptions, c.description
from pg_catalog.pg_tablespace t left join pg_catalog.pg_shdescription c on c.objoid = t.oid
-- tree: rights on databases and tablespaces
select t.oid as object_id, t.spcacl as acl from pg_catalog.pg_tablespace t
union all select d.oid, d.datacl from pg_catalog.pg_database d
-- tree: schemas
select n.oid::bigint as id, n.xmin as state_number, nspname as name, c.description, pg_catalog.pg_get_userbyid(n.nspowner) as "owner"
from pg_catalog.pg_namespace n left join pg_catalog.pg_description c on n.oid = c.objoid
order by case when nspname = pg_catalog.current_schema() then -1::bigint else n.oid::bigint end
-- tree: event triggers
select t.oid, t.xmin, t.evtname, t.evtevent, t.evtfoid, pg_catalog.pg_get_userbyid(t.evtowner) as owner, t.evttags,
  case when t.evtenabled = 'D' then 1 else 0 end as is_disabled from pg_catalog.pg_event_trigger t
-- tree: foreign data wrappers
select f.oid, f.xmin, f.fdwname, p.proname as handler, n.nspname as handler_schema, f.fdwoptions
from pg_catalog.pg_foreign_data_wrapper f left outer join pg_catalog.pg_proc p on f.fdwhandler = p.oid
  left outer join pg_catalog.pg_namespace n on p.pronamespace = n.oid
-- tree: foreign servers
select s.oid, s.srvfdw, s.xmin, s.srvname, s.srvtype, s.srvversion, s.srvoptions, pg_catalog.pg_get_userbyid(s.srvowner)
from pg_catalog.pg_foreign_server s
-- tree: access methods
select a.oid, a.xmin, a.amname, a.amhandler::oid as handler_id,
  pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) as handler_name, a.amtype
from pg_am a join pg_proc p on a.amhandler::oid = p.oid join pg_namespace n on p.pronamespace = n.oid
-- tree: extensions
select e.oid, e.xmin, extname, extversion, extnamespace, nspname,
  array(select unnest from unnest(available_versions) where unnest > extversion) as available_updates
from pg_catalog.pg_extension e join pg_namespace n on e.extnamespace = n.oid
  left join (select name, array_agg(version) as available_versions from pg_available_extension_versions() group by name) v
    on e.extname = v.name
-- tree: element of a type
SELECT e.oid, n.nspname = ANY(current_schemas(true)), n.nspname, e.typname FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_type e ON t.typelem = e.oid JOIN pg_catalog.pg_namespace n ON t.typnamespace = n.oid WHERE t.oid = 1007
-- tree: languages
select l.oid, l.xmin, lanname, lanpltrusted, h.proname as handler, i.proname as inline from pg_catalog.pg_language l
  left join pg_catalog.pg_proc h on h.oid = lanplcallfoid left join pg_catalog.pg_proc i on i.oid = laninline order by lanname
-- tree: comments
select d.objoid id, case when 'pg_catalog.pg_event_trigger'::regclass = classoid then 'T'
  when 'pg_catalog.pg_am'::regclass = classoid then 'A' when 'pg_catalog.pg_cast'::regclass = classoid then 'C' end as kind,
  d.objsubid, d.description from pg_catalog.pg_description d
where classoid in ('pg_catalog.pg_event_trigger'::regclass, 'pg_catalog.pg_am'::regclass, 'pg_catalog.pg_cast'::regclass)
-- tree: rights on schemas
select t.oid as object_id, t.fdwacl as acl from pg_catalog.pg_foreign_data_wrapper t
union all select l.oid, l.lanacl from pg_catalog.pg_language l union all select n.oid, n.nspacl from pg_catalog.pg_namespace n
-- tree: casts
select c.oid, c.xmin, c.castsource, pg_catalog.quote_ident(sn.nspname) || '.' || pg_catalog.quote_ident(s.typname) as source,
  c.castfunc, c.castcontext, c.castmethod
from pg_cast c left outer join pg_proc f on c.castfunc::oid = f.oid join pg_type s on c.castsource::oid = s.oid
  join pg_namespace sn on s.typnamespace = sn.oid
-- tree: members of extensions
select e.oid as extension_id, d.objid as member_id from pg_extension e
join pg_depend d on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass::oid where d.deptype = 'e' order by extension_id
-- schema: what there is
select t.oid as oid, relnamespace as schemaid, pg_catalog.translate(relkind, 'rmvpfS', 'rmvrfS') as kind, relname as name
from pg_catalog.pg_class t where relnamespace in ({schema}) and relkind in ('r', 'm', 'v', 'p', 'f', 'S')
union all select t.oid, t.typnamespace, 'T', t.typname from pg_catalog.pg_type t
  left outer join pg_catalog.pg_class c on t.typrelid = c.oid where t.typnamespace in ({schema})
  and (t.typtype in ('d','e') or c.relkind = 'c'::"char" or (t.typtype = 'b' and (t.typelem = 0 or t.typcategory <> 'A'))
    or t.typtype = 'p' and not t.typisdefined)
union all select oid, collnamespace, 'C', collname from pg_catalog.pg_collation where collnamespace in ({schema})
union all select oid, oprnamespace, 'O', oprname from pg_catalog.pg_operator where oprnamespace in ({schema})
union all select oid, opcnamespace, 'c', opcname from pg_catalog.pg_opclass where opcnamespace in ({schema})
union all select oid, opfnamespace, 'F', opfname from pg_catalog.pg_opfamily where opfnamespace in ({schema})
union all select oid, pronamespace, case when prokind != 'a' then 'R' else 'a' end, proname from pg_catalog.pg_proc
  where pronamespace in ({schema}) order by schemaid
-- schema: arguments
select pronamespace as schemaid, oid as majoroid, proargnames, proargmodes, array_length(proargtypes, 1) as nargs
from pg_catalog.pg_proc where pronamespace in ({schema}) order by schemaid
-- schema: columns
with t as (select c.oid as oid, c.relkind as kind, c.relnamespace as schemaid from pg_catalog.pg_class c
  where c.relnamespace in ({schema}) and c.relkind in ('r', 'm', 'v', 'f', 'p'))
select t.schemaid, t.oid as majoroid, pg_catalog.translate(t.kind, 'rmvpf', 'rmvrf') as kind, c.attnum as position, c.attname
from t join pg_catalog.pg_attribute c on t.oid = c.attrelid where c.attnum > 0 and not c.attisdropped order by schemaid, majoroid
-- schema: tables
select t.relkind, t.relname, t.oid, t.xmin as table_state_number, false as table_with_oids, t.reltablespace, t.reloptions,
  t.relpersistence, (select pg_catalog.array_agg(inhparent::bigint order by inhseqno)::varchar from pg_catalog.pg_inherits
    where t.oid = inhrelid) as ancestors, t.relispartition, pg_catalog.pg_get_partkeydef(t.oid) as partition_key,
  pg_catalog.pg_get_expr(t.relpartbound, t.oid) as partition_expression, t.relam, pg_catalog.pg_get_userbyid(t.relowner)
from pg_catalog.pg_class t where relnamespace = {schema}::oid and relkind in ('r', 'm', 'v', 'f', 'p')
  and pg_catalog.age(t.xmin) <= coalesce(nullif(greatest(pg_catalog.age('3'::varchar::xid), -1), -1), 2147483647)
order by relkind, t.oid
-- schema: columns in full
with t as (select distinct c.oid as table_id, c.relname as table_name from pg_catalog.pg_class c, pg_catalog.pg_attribute a
  where c.relnamespace = {schema}::oid and c.relkind in ('r', 'm', 'v', 'f', 'p') and a.attrelid = c.oid
    and (pg_catalog.age(a.xmin) <= coalesce(nullif(greatest(pg_catalog.age('3'::varchar::xid), -1), -1), 2147483647)
      or pg_catalog.age(c.xmin) <= 2147483647))
select t.table_id, c.attnum as column_position, c.attname, c.xmin, c.atttypmod, c.attndims, pg_catalog.format_type(c.atttypid,
  c.atttypmod) as type_spec, c.atttypid, c.attnotnull, pg_catalog.pg_get_expr(d.adbin, t.table_id) as column_default,
  not c.attislocal, c.attfdwoptions, c.attisdropped, c.attidentity, c.attgenerated
from t join pg_catalog.pg_attribute c on t.table_id = c.attrelid left join pg_catalog.pg_attrdef d
  on (c.attrelid, c.attnum) = (d.adrelid, d.adnum) where attnum > 0 order by table_id, attnum
-- schema: indexes
select tab.oid, tab.relkind, s.relname, h.indexrelid, s.xmin, h.indisunique, h.indisprimary,
  pg_catalog.pg_get_expr(h.indpred, h.indrelid) as condition, s.reltablespace, opcmethod
from pg_catalog.pg_class tab join pg_catalog.pg_index h on h.indrelid = tab.oid
  join pg_catalog.pg_class s on tab.relnamespace = s.relnamespace and s.oid = h.indexrelid
  left join pg_catalog.pg_opclass on pg_opclass.oid = any(indclass)
where tab.relnamespace = {schema}::oid and tab.relkind in ('r', 'm', 'v', 'p') and s.relkind in ('i', 'I')
-- schema: columns of indexes
select h.indexrelid, k, k <= indnkeyatts, h.indkey[k-1], h.indoption[k-1], h.indcollation[k-1], colln.nspname,
  case when opcdefault then null else opcname end, case when indexprs is null then null when h.indkey[k-1] = 0
    then chr(27) || pg_catalog.pg_get_indexdef(h.indexrelid, k::int, true) else pg_catalog.pg_get_indexdef(h.indexrelid,
    k::int, true) end as expression, amcanorder
from pg_catalog.pg_index h join pg_catalog.pg_class s on s.oid = h.indexrelid
  cross join unnest(h.indkey) with ordinality u(u, k)
  left join pg_catalog.pg_collation on pg_collation.oid = h.indcollation[k-1]
  left join pg_catalog.pg_namespace colln on collnamespace = colln.oid
  cross join pg_catalog.pg_indexam_has_property(s.relam, 'can_order') amcanorder
  left join pg_catalog.pg_opclass on pg_opclass.oid = h.indclass[k-1]
where s.relnamespace = {schema}::oid and s.relkind in ('i', 'I') order by h.indexrelid, k
-- schema: constraints
select t.oid, relkind, c.oid::bigint, c.xmin::varchar::bigint, conname, contype, conkey, conindid, confrelid, condeferrable,
  confupdtype, pg_catalog.pg_get_expr(conbin, t.oid) con_expression, confkey, conexclop::int[],
  array(select unnest::regoper::varchar from unnest(conexclop)) excl_operators_str
from pg_catalog.pg_constraint c join pg_catalog.pg_class t on c.conrelid = t.oid
where relkind in ('r', 'v', 'f', 'p') and relnamespace = {schema}::oid and contype in ('p', 'u', 'f', 'c', 'x')
-- schema: rights
select t.oid as object_id, t.relacl as acl from pg_catalog.pg_class t where relnamespace = {schema}::oid
union all select p.oid, p.proacl from pg_catalog.pg_proc p where pronamespace = {schema}::oid
union all select t.oid, t.typacl from pg_catalog.pg_type t where typnamespace = {schema}::oid order by object_id
-- schema: owners of sequences
select d.objid as dependent_id, d.refobjid as owner_id, d.refobjsubid from pg_depend d
  join pg_class s on d.objid = s.oid and d.classid = 'pg_class'::regclass::oid
  join pg_class t on d.refobjid = t.oid and d.refclassid = 'pg_class'::regclass::oid
where s.relkind = 'S' and t.relkind = 'r' and d.refobjsubid <> 0 and (d.deptype = 'a' or d.deptype = 'i') order by owner_id
-- schema: functions
with languages as (select oid as lang_oid, lanname as lang from pg_catalog.pg_language),
  routines as (select proname as r_name, prolang as lang_oid, oid as r_id, xmin as r_state_number, proargnames, proargmodes,
    proargtypes::int[] as in_arg_types, proallargtypes::int[] as all_arg_types,
    pg_catalog.pg_get_expr(proargdefaults, 0) as arg_defaults, provariadic as arg_variadic_id, prorettype, proretset,
    prokind, provolatile, proisstrict, prosecdef, proconfig, procost, pg_catalog.pg_get_userbyid(proowner) as "owner",
    prorows, proleakproof, proparallel from pg_catalog.pg_proc where pronamespace = {schema}::oid and not (prokind = 'a'))
select * from routines natural join languages
-- schema: texts of views
select t.relkind as view_kind, t.oid as view_id, pg_catalog.pg_get_viewdef(t.oid, true) as source_text
from pg_catalog.pg_class t join pg_catalog.pg_namespace n on t.relnamespace = n.oid
where n.oid = {schema}::oid and t.relkind in ('m', 'v')
-- schema: texts of functions
with system_languages as (select oid as lang from pg_catalog.pg_language where lanname in ('c', 'internal'))
select oid as id, pg_catalog.pg_get_function_arguments(oid) as arguments_def, pg_catalog.pg_get_function_result(oid) as result_def,
  prosrc as source_text from pg_catalog.pg_proc where pronamespace = {schema}::oid and prolang not in (select lang from system_languages)
-- data: the first rows
SELECT t.* FROM public.customers t LIMIT 501
-- data: how many rows
SELECT COUNT(*) FROM public.customers
-- refused: options of other servers' users
select oid as id, umserver as server_id, case when umuser = 0 then null else pg_catalog.pg_get_userbyid(umuser) end as user, umoptions as options
from pg_catalog.pg_user_mapping order by server_id
