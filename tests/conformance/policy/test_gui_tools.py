"""Programs with a window must work under the set `production`: what they ask for their trees is allowed."""

from __future__ import annotations

import pytest

from fixtures.gui import GuiQuery, gui_queries
from glasshatch.identity import Identity
from glasshatch.policy import Ask, Decision, PolicySet, ResourceFacts
from glasshatch.statements import analyze_sql

POLICY = PolicySet.load("production")
QUERIES = gui_queries()


def decided(text: str, role: str = "engineer") -> Decision:
    actor = Identity(id="a", tenant="acme", type="human", name="ada", roles=(role,))
    shop = ResourceFacts("postgres", "shop", "production")
    return POLICY.decide(Ask(actor, shop, analyze_sql(text), (), 0, ()), "d")


def test_there_are_enough_of_each_moment() -> None:
    for tool in ("pgadmin", "dbeaver", "datagrip"):
        mine = [query for query in QUERIES if query.tool == tool]
        assert len(mine) > 40
        assert {"connect", "tree", "data"} <= {query.moment for query in mine}
    assert len({query.text for query in QUERIES}) > 150


@pytest.mark.parametrize("query", [query for query in QUERIES if query.moment != "refused"], ids=str)
def test_what_a_window_asks_is_allowed(query: GuiQuery) -> None:
    for role in ("engineer", "dba", "agent"):
        decision = decided(query.of(), role)
        assert decision.effect == "allow", (role, decision.rule)


@pytest.mark.parametrize("query", [query for query in QUERIES if query.moment == "refused"], ids=str)
def test_what_shows_values_or_files_stays_refused(query: GuiQuery) -> None:
    assert decided(query.of()).effect == "deny"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT subname, subenabled FROM pg_catalog.pg_subscription WHERE subdbid = 5 ORDER BY 1",
        "SELECT s.oid, s.subname AS name FROM pg_subscription s WHERE s.subdbid = 5",
        "SELECT count(*) FROM pg_catalog.pg_subscription",
        'SELECT um.srvname AS "Server", um.usename FROM pg_catalog.pg_user_mappings um ORDER BY 1, 2',
    ],
)
def test_names_of_subscriptions_and_mappings_may_be_listed(text: str) -> None:
    assert decided(text).effect == "allow"


@pytest.mark.parametrize(
    "text",
    [
        # The like of what windows ask, with something in it that they do not.
        "SET DateStyle=ISO; SET client_min_messages=notice; SET client_encoding='SJIS'",
        "SET DateStyle=ISO; SET role = postgres",
        "SELECT set_config('log_statement', 'none', false) FROM pg_settings WHERE name = 'log_statement'",
        "SELECT set_config(name, 'x', false) FROM pg_settings",
        "SELECT r.oid, r.rolpassword FROM pg_catalog.pg_authid r",
        "SELECT a.oid, a.* FROM pg_catalog.pg_authid a ORDER BY a.rolname",
        "SELECT * FROM pg_catalog.pg_shadow",
        "SELECT pg_catalog.pg_get_viewdef(c.oid), pg_read_file('/etc/passwd') FROM pg_catalog.pg_class c",
        "SELECT * FROM pg_catalog.pg_stats",
        "SELECT s.* FROM pg_catalog.pg_statistic s",
        "SELECT * FROM pg_catalog.pg_user_mappings",
        "SELECT row_to_json(t)::jsonb FROM (SELECT * FROM customers) t",
        "SELECT x.* FROM public.customers x ORDER BY x.id DESC",
        "/*pga4dash*/ DROP TABLE customers",
        "/*pga4dash*/ SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity",
        "SELECT pg_catalog.lo_get(16400)",
        "SELECT subconninfo FROM pg_catalog.pg_subscription",
        "SELECT * FROM pg_catalog.pg_subscription",
        "SELECT s.* FROM pg_subscription s",
        "TABLE pg_subscription",
        "SELECT s FROM pg_subscription s",
        "SELECT row_to_json(s) FROM pg_subscription s",
        "SELECT row_to_json(t) FROM (SELECT subname FROM pg_subscription) t",
        'SELECT U&"subconn\\0069nfo" FROM pg_subscription',
        'SELECT "subconninfo" FROM pg_subscription',
        "SELECT subconninfo(s) FROM pg_subscription s",
        "SELECT h FROM pg_subscription AS s(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r)",
        "SELECT j.h FROM (pg_subscription s JOIN pg_class c ON true) AS j(a, b, c, d, e, f, g, h)",
        "WITH t(a) AS (SELECT subname FROM pg_subscription) SELECT a FROM t",
        "WITH g(umoptions) AS (VALUES (ARRAY['password=x'])) SELECT 1 FROM g NATURAL JOIN pg_user_mappings",
        "SELECT 1 FROM pg_user_mapping JOIN (SELECT ARRAY['password=x'] AS x) t USING (oid)",
        "SELECT subname FROM pg_subscription UNION ALL TABLE pg_subscription",
        "COPY pg_subscription (subname) TO STDOUT",
        "COPY (SELECT subname FROM pg_subscription) TO STDOUT",
        "CREATE TEMP TABLE t AS SELECT subname FROM pg_subscription",
        "UPDATE customers SET city = (SELECT subname FROM pg_subscription LIMIT 1) WHERE id = 1",
        "DO $$ BEGIN PERFORM subconninfo FROM pg_subscription; END $$",
        "EXPLAIN (FORMAT JSON, ANALYZE TRUE) DELETE FROM customers",
    ],
)
def test_the_like_of_it_with_a_sting_is_not(text: str) -> None:
    assert decided(text).effect != "allow"
