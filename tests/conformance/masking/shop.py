# ruff: noqa: E501
"""The shop whose customers must stay unknown, and every way to ask for them that we know of."""

from __future__ import annotations

import base64

from glasshatch.masking import ColumnRule

RULES = (
    ColumnRule(pattern="*.customers.email", type="EMAIL", operator="token", subject=True),
    ColumnRule(pattern="*.customers.name", type="NAME", operator="token"),
    ColumnRule(pattern="*.customers.phone", type="PHONE", operator="partial"),
    ColumnRule(pattern="*.payments.card", type="CARD", operator="partial"),
    ColumnRule(pattern="*.vault.secret_*", type="NAME", operator="token"),
    ColumnRule(pattern="*.members.label", type="NAME", operator="token"),
    ColumnRule(pattern="*.clan_west.label", type="NAME", operator="token"),
    ColumnRule(pattern="*.odd.one.label", type="NAME", operator="token"),
)

SHOP = """
CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION dblink; CREATE EXTENSION pg_stat_statements;
CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE, name text, phone text, city text, visits int,
  loud text GENERATED ALWAYS AS (upper(name)) STORED);
INSERT INTO customers VALUES
  (1, 'alice.canary@example.com', 'Alicia Canarywoman', '+4915112345678', 'Berlin', 3),
  (2, 'bob.canary@example.org', 'Roberto Canaryman', '+4915112345679', 'Hamburg', 5);
CREATE TABLE payments (id int PRIMARY KEY, customer int, card text, cents int);
INSERT INTO payments VALUES (1, 1, '4111111111111111', 1299), (2, 2, '5555555555554444', 450);
CREATE TABLE friends (email text REFERENCES customers (email), nick text CHECK (nick <> 'Alicia Canarywoman'));
INSERT INTO friends (email) SELECT 'alice.canary@example.com' FROM generate_series(1, 3);
CREATE TABLE notes (id serial PRIMARY KEY, body text);
INSERT INTO notes (body) VALUES ('plain note'), ('write to alice.canary@example.com today');
CREATE VIEW contact AS SELECT id, email AS e, city FROM customers;
CREATE VIEW cities AS SELECT id, city FROM customers;
CREATE MATERIALIZED VIEW roll AS SELECT id, name AS label FROM customers;
CREATE FUNCTION all_customers() RETURNS SETOF customers LANGUAGE sql AS 'SELECT * FROM customers';
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
CREATE FUNCTION first_name_of() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT name FROM customers WHERE id = 1';
CREATE FUNCTION tell() RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN RAISE NOTICE 'name is %', (SELECT name FROM customers WHERE id = 1); END $$;
CREATE FUNCTION blow() RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN EXECUTE format('SELECT %L::int', (SELECT name FROM customers WHERE id = 1)); END $$;
CREATE FUNCTION hand_over(OUT label text) LANGUAGE plpgsql AS
  $$ BEGIN SELECT name INTO label FROM customers WHERE id = 1; END $$;
CREATE FUNCTION gossip() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE WARNING 'changing %', OLD.name; RETURN NEW; END $$;
CREATE TRIGGER gossip BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION gossip();
CREATE DOMAIN nickname AS text CHECK (length(VALUE) < 12);
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TYPE person AS (title text, age int);
CREATE TABLE vault (id int, secret_list text[], secret_map hstore, secret_doc jsonb, secret_raw bytea,
  secret_xml xml, secret_one person, secret_many person[], secret_ci citext, secret_nick nickname, secret_mood mood,
  secret_number numeric, secret_day date, secret_span daterange, secret_uuid uuid,
  list text[], map hstore, doc jsonb, raw bytea, x xml, one person, ci citext, origin inet, nic macaddr, moods mood[]);
INSERT INTO vault VALUES (1, '{Alicia Canarywoman,"x, \\"y\\"",NULL}', 'a=>"Alicia Canarywoman", b=>NULL',
  '{"a": ["Alicia Canarywoman"]}', 'Alicia Canarywoman', '<a>Alicia Canarywoman</a>', ROW('Alicia Canarywoman', 41),
  ARRAY[ROW('Alicia Canarywoman', 41)::person], 'Alicia Canarywoman', 'Al Canary', 'glad', 4111111111111111,
  '1981-02-03', '[1981-02-03,1981-02-04)', 'c0ffee00-0000-4000-8000-00000000cafe',
  '{plain,alice.canary@example.com}', 'mail=>alice.canary@example.com', '{"m": "alice.canary@example.com"}',
  'to alice.canary@example.com', '<m>alice.canary@example.com</m>', ROW('alice.canary@example.com', 7),
  'alice.canary@example.com', '203.0.113.77', '08:00:2b:01:02:03', '{glad,sad}');
CREATE TABLE labelled (id int, a text, b int, c text);
COMMENT ON COLUMN labelled.a IS 'personal: full name';
INSERT INTO labelled VALUES (1, 'Alicia Canarywoman', 5, 'plain');
CREATE TABLE members (id int, label text) PARTITION BY RANGE (id);
CREATE TABLE members_low PARTITION OF members FOR VALUES FROM (0) TO (9) PARTITION BY RANGE (id);
CREATE TABLE members_lowest PARTITION OF members_low FOR VALUES FROM (0) TO (5);
INSERT INTO members VALUES (1, 'Alicia Canarywoman');
CREATE TABLE clan (id int, label text);
CREATE TABLE clan_west (seat text) INHERITS (clan);
INSERT INTO clan_west VALUES (1, 'Alicia Canarywoman', 'Oslo');
CREATE TABLE "odd.one" (id int, label text);
INSERT INTO "odd.one" VALUES (1, 'Alicia Canarywoman');
CREATE DOMAIN mail_list AS text[]; CREATE DOMAIN one_person AS person;
CREATE TYPE family AS (head person, mails nickname[], doc jsonb);
CREATE TABLE rarer (grid text[][], mails mail_list, kin family, kins family[], solo one_person, docs jsonb[],
  maps hstore[], xs xml[], net cidr, nets cidr[], padded char(40), vector tsvector, way jsonpath, raws bytea[], called name);
INSERT INTO rarer VALUES ('{{x,alice.canary@example.com},{y,z}}', '{alice.canary@example.com}',
  ROW(ROW('alice.canary@example.com', 3), '{a@canary.io}', '{"k": ["alice.canary@example.com"]}'),
  ARRAY[ROW(ROW('alice.canary@example.com', 3), NULL, 'null')::family], ROW('alice.canary@example.com', 4),
  ARRAY['{"a": {"alice.canary@example.com": 1}}'::jsonb], ARRAY['k=>alice.canary@example.com'::hstore],
  ARRAY['<a b="alice.canary@example.com"/>'::xml], '203.0.113.77/32', '{203.0.113.77/32}', 'alice.canary@example.com',
  to_tsvector('simple', 'alice.canary@example.com'), '$."alice.canary@example.com"',
  ARRAY['alice.canary@example.com'::bytea], 'alice.canary@example.com');
ANALYZE;
"""

SECRETS = (
    "canary", "Canary", "CANARY", "nairanac", "yranac", "4111111111111111", "5555555555554444", "411111111111",
    "15112345678", "203.0.113.77", "08:00:2b", "1981-02-03", "c0ffee00",
    b"Alicia".hex(), b"alice.".hex(), b"Canary".hex(),
    base64.b64encode(b"Alicia Canar").decode(), base64.b64encode(b"alice.canary").decode(),
)  # fmt: skip

SHAPES = [
    "select label from members_lowest",
    "select upper(label) from members_low",
    "table members_lowest",
    "select label from clan",
    "select left(label, 16) as id from clan where id = 1",
    "select c from clan c",
    'select label from "odd.one"',
    'copy "odd.one" to stdout',
    "copy members_lowest (label) to stdout",
    "select email as e from customers",
    "select email e, id from customers c",
    "select substr(email, 1, 99) from customers",
    "select email || '' from customers",
    "select encode(email::bytea, 'hex') from customers",
    "select encode(email::bytea, 'base64') from customers",
    "select reverse(email) from customers",
    "select upper(name) from customers",
    "select loud from customers",
    "select substr(name, 1, 16) as city from customers",
    "select left(card, 12) from payments",
    "select overlay(name placing '' from 1 for 0) from customers",
    "select c from customers c",
    "select customers from customers",
    "select row_to_json(c) from customers c",
    "select to_jsonb(c) from customers c",
    "select json_agg(c) from customers c",
    "select json_agg(name) from customers",
    "select jsonb_object_agg(id, name) from customers",
    "select j.value from customers c, lateral json_each_text(row_to_json(c)) j",
    "select jsonb_path_query(to_jsonb(c), '$.name') from customers c",
    "select to_jsonb(c) ->> 'name' from customers c",
    "select to_jsonb(c) #>> '{name}' from customers c",
    "select hstore(c) from customers c",
    "select hstore(c) -> 'name' from customers c",
    "select (each(hstore(c))).value from customers c",
    "select query_to_xml('select name from customers', true, true, '')",
    "select table_to_xml('customers', true, true, '')",
    "select xmlserialize(content xmlelement(name a, name) as text) from customers",
    "select xmlforest(name, email) from customers",
    "select array_agg(name) from customers",
    "select string_agg(name, ',') from customers",
    "select array[name, email] from customers",
    "select array(select name from customers)",
    "select row(name, email) from customers",
    "select row(1, row(name, 2)) from customers",
    "select unnest(array[name, email]) from customers",
    "select (c).name from customers c",
    "select name, * from customers",
    "select city, name, c.*, id from customers c",
    "select x from (select name as x from customers) s",
    "select x from (select name || '' as x from customers) s",
    "with t as (select name n from customers) select n from t",
    "with t as (select name || ' ' n from customers) select * from t",
    "with recursive t(n, i) as (select name, 1 from customers union all select n, i + 1 from t where i < 2) select n from t",
    "select e from contact",
    "select * from contact",
    "select e || '' from contact",
    "select label from roll",
    "select label || '' from roll",
    "select 'x' union all select name from customers",
    "select city from customers union select name from customers",
    "select city from customers except select name from customers union select name from customers",
    "select * from all_customers()",
    "select name from all_customers()",
    "select all_customers()",
    "select hand_over()",
    "select label from hand_over()",
    "select shout(name) from customers",
    "select first_name_of()",
    "explain select * from notes where body = first_name_of()",
    "explain (verbose, costs off) select first_name_of()",
    "explain (analyze, verbose, format json) select * from notes where body = first_name_of()",
    "begin ;; update customers set visits = visits returning name ;; rollback",
    "begin ;; update customers set visits = visits returning name || '' ;; rollback",
    "begin ;; with u as (update customers set visits = visits returning *) select name from u ;; rollback",
    "begin ;; delete from payments returning card ;; rollback",
    "begin ;; insert into notes (body) values ('x') returning (select name from customers where id = 1) ;; rollback",
    "begin ;; declare c cursor for select name || '' from customers ;; fetch all from c ;; rollback",
    "begin ;; declare c binary cursor for select name from customers ;; fetch all from c ;; rollback",
    "begin ;; declare c scroll cursor for select name as city from customers ;; fetch last from c ;; fetch prior from c ;; rollback",
    "begin ;; declare c cursor for select * from customers ;; fetch 1 from c ;; move 1 in c ;; fetch backward 1 from c ;; rollback",
    "prepare p as select name || '' from customers ;; execute p ;; deallocate p",
    "prepare q(text) as select name from customers where $1 = 'x' ;; execute q('x') ;; deallocate q",
    "select coalesce(null, name) from customers",
    "select case when true then name end from customers",
    "select max(name) from customers",
    "select mode() within group (order by name) from customers",
    "select percentile_disc(0) within group (order by name) from customers",
    "select first_value(name) over () from customers",
    "select lag(name) over (order by id) from customers",
    "select format('%s', name) from customers",
    "select format('%L', c) from customers c",
    "select concat_ws('-', id, name) from customers",
    "select quote_literal(name) from customers",
    "select regexp_matches(name, '.*') from customers",
    "select regexp_replace(name, '^', '') from customers",
    "select string_to_array(name, ' ') from customers",
    "select string_to_table(name, ' ') from customers",
    "select translate(name, '', '') from customers",
    "select (select name from customers where id = 1)",
    "select (select name from customers where ctid = '(0,1)')",
    "select name from customers tablesample system (100)",
    "select name from only customers",
    "select name from customers for share",
    "select distinct on (city) name from customers",
    "select name::varchar from customers",
    "select name::bytea from customers",
    "select name::citext from customers",
    "select name::name from customers",
    "select convert_to(name, 'UTF8') from customers",
    "select jsonb_build_object('a', name) from customers",
    "select jsonb_build_object(name, 1) from customers",
    "select to_tsvector('simple', name) from customers",
    "select (name, 1)::person from customers",
    "select daterange(secret_day, null) from vault",
    "values ((select name from customers where id = 1))",
    "table customers",
    "select * from (values (1)) v(i), lateral (select name from customers) l",
    "select c.name from customers c join payments p on p.customer = c.id",
    "select * from customers natural join (select id from customers) x",
    "select most_common_vals from pg_stats where tablename = 'friends'",
    "select most_common_vals::text from pg_stats",
    "select histogram_bounds::text from pg_stats where tablename = 'customers'",
    "select stavalues1 from pg_statistic",
    "select t.* from pg_stats t where tablename = 'customers'",
    "copy customers to stdout",
    "copy customers (id, name) to stdout",
    "copy (select name from customers) to stdout",
    "copy (select name from customers) to stdout with (format csv)",
    "copy (select id, name || '' from customers) to stdout with (format csv, header, delimiter ';', force_quote *)",
    "copy (select e from contact) to stdout with (format binary)",
    "copy customers to stdout with (format binary)",
    "copy (select first_name_of()) to stdout",
    "select secret_list, secret_map, secret_doc, secret_raw, secret_xml, secret_one, secret_many from vault",
    "select secret_ci, secret_nick, secret_number, secret_day, secret_span, secret_uuid from vault",
    "select secret_list[1], secret_map -> 'a', secret_doc -> 'a', (secret_one).title from vault",
    "select list, map, doc, raw, x, one, ci from vault",
    "select list[2], map -> 'mail', doc -> 'm', (one).title from vault",
    "select array[one], row(one, ci) from vault",
    "select origin, nic from vault",
    "select array[origin], host(origin), nic::text from vault",
    "select grid, mails, kin, kins, solo, docs, maps, xs from rarer",
    "select net, nets, padded, vector, way, raws, called from rarer",
    "select grid[1][2], (kin).head.title, (kin).doc -> 'k' ->> 0, unnest(kins) from rarer",
    "copy rarer to stdout",
    "copy rarer to stdout with (format csv)",
    "copy rarer to stdout with (format binary)",
    "select a from labelled",
    "select a || '' from labelled",
    "select body from notes",
    "select to_json(n) from notes n",
]  # fmt: skip
"""Each shows a secret when asked directly; the suite checks that too."""

SIDE_CHANNELS = [
    "select name::int from customers",
    "select cast(name as date) from customers where id = 1",
    "select email::uuid from customers",
    "select secret_raw::text::xml from vault",
    "select tell()",
    "select blow()",
    "do $$ begin raise notice '%', (select name from customers where id = 1); end $$",
    "do $$ begin raise exception '%', (select name from customers where id = 1); end $$",
    "do $$ begin raise exception 'x' using detail = (select name from customers where id = 1); end $$",
    "do $$ begin raise exception 'x' using hint = (select name from customers where id = 1); end $$",
    "do $$ begin assert false, (select name from customers where id = 1); end $$",
    "begin ;; update customers set visits = visits where id = 1 ;; rollback",
    "begin ;; insert into customers (id, email) select 9, email from customers where id = 1 ;; rollback",
    "begin ;; delete from customers where id = 1 ;; rollback",
    "begin ;; insert into friends (email) select 'x' || email from customers ;; rollback",
    "begin ;; insert into friends (nick) select name from customers where id = 1 ;; rollback",
    "select set_config('my.v', name, false) from customers where id = 1 ;; select current_setting('my.v')",
    "select set_config('my.v', name, false) from customers where id = 1 ;; show my.v",
    "select set_config('application_name', name, false) from customers where id = 1 ;;"
    " select application_name from pg_stat_activity where pid = pg_backend_pid()",
    "listen ears ;; select pg_notify('ears', name) from customers where id = 1 ;; select 1",
    "create temp table stolen as select name as harmless from customers ;; select harmless from stolen ;; drop table stolen",
    "select name as harmless into temp stolen from customers ;; select harmless from stolen ;; drop table stolen",
    "create temp view stolen as select name as harmless from customers ;; select harmless from stolen ;; drop view stolen",
    "create materialized view stolen as select name as h from customers ;; select h from stolen ;; drop materialized view stolen",
    "create temp table stolen (h text) ;; insert into stolen select name from customers ;; select h from stolen ;; drop table stolen",
    "create temp table stolen (h text) ;; with x as (select name from customers) insert into stolen select * from x ;;"
    " select h from stolen ;; drop table stolen",
    "create function pg_temp.steal() returns text language sql as 'select name from customers limit 1' ;; select pg_temp.steal()",
    "begin ;; select lo_from_bytea(777, convert_to(name, 'UTF8')) from customers where id = 1 ;; select lo_get(777) ;; rollback",
    "begin ;; select lo_from_bytea(778, convert_to(name, 'UTF8')) from customers where id = 1 ;;"
    " select data from pg_largeobject where loid = 778 ;; rollback",
]  # fmt: skip
"""Ways around the answer itself."""

COPIES = [
    "update notes set body = (select name from customers where id = 1) where id = 1",
    "update customers set city = name where id = 1",
    "insert into notes (id, body) values (1, 'x') on conflict (id) do update set body = (select name from customers where id = 1)",
    "merge into notes n using customers c on n.id = c.id when matched then update set body = c.name",
    "merge into notes n using customers c on n.id = -c.id when not matched then insert (body) values (c.name)",
]  # fmt: skip
"""They give a masked value a new home, where no rule knows it."""

GUESSES = [
    "select count(*) from customers where email like 'alice%'",
    "select id from customers where name between 'Alicia' and 'Alicib'",
    "select id from customers order by name",
    "select count(*) from customers group by left(name, 1)",
    "select count(*) from customers having min(name) > 'A'",
    "select c.id from customers c join (values ('Alicia Canarywoman')) g(n) on c.name like g.n",
    "select id from customers where substr(name, 1, 1) = 'A'",
    "select id from customers where name ~ '^A'",
    "select ascii(name) from customers",
    "select length(name) from customers",
    "select hashtext(name) from customers",
    "select md5(name) from customers",
    "select name = 'Alicia Canarywoman' from customers",
    "select case when name like 'Al%' then 1/0 end from customers",
    "select pg_sleep(case when name like 'Al%' then 0 else 0 end) from customers",
    "select dense_rank() over (order by name) from customers",
    "select width_bucket(length(name), 0, 100, 10) from customers",
    "select strpos(name, 'Can') from customers",
]
"""They tell something about a value without showing it."""
