"""The shipped set `production`: roles, grants, agents, masked columns."""

from __future__ import annotations

import msgspec
import pytest

from glasshatch.identity import Identity
from glasshatch.policy import Ask, Decision, Grant, PolicySet, ResourceFacts
from glasshatch.statements import analyze_sql

SECOND = 1_000_000_000
PRODUCTION = PolicySet.load("production")
ORDERS = ResourceFacts(type="postgres", name="orders")
ENGINEER = Identity(id="u1", tenant="default", type="human", name="erin", roles=("engineer",))
EMAIL = ("public.customers.email",)
UPDATE = "UPDATE payments SET amount = 1 WHERE id = 5"


def grant(**changes: object) -> Grant:
    base = Grant(
        id="g1",
        tenant="default",
        request_id="r1",
        actor_id="u1",
        resource="postgres/orders",
        verbs=("delete", "insert", "merge", "select", "update"),
        approvers=("u2",),
        reason="fix order 5",
        starts_ns=10 * SECOND,
        expires_ns=20 * SECOND,
    )
    return msgspec.structs.replace(base, **changes)


def decide(
    text: str,
    *,
    roles: tuple[str, ...] = ("engineer",),
    kind: str = "human",
    grants: tuple[Grant, ...] = (),
    masked: tuple[str, ...] = (),
    resource: ResourceFacts = ORDERS,
    now_ns: int = 15 * SECOND,
    **actor: object,
) -> Decision:
    who = msgspec.structs.replace(ENGINEER, roles=roles, type=kind, **actor)
    ask = Ask(
        actor=who, resource=resource, statement=analyze_sql(text), grants=grants, now_ns=now_ns, masked=masked
    )
    return PRODUCTION.decide(ask, "d1")


def test_a_decision_carries_its_id_rule_reason_and_the_policy_hash() -> None:
    decision = decide("DROP TABLE t")
    assert decision.id == "d1"
    assert (decision.effect, decision.rule) == ("deny", "production.no-destruction")
    assert decision.reason
    assert decision.policy_hash == PRODUCTION.hash
    assert len(PRODUCTION.hash) == 64


@pytest.mark.parametrize("roles", [(), ("auditor",), ("admin",), ("stranger",)])
def test_who_holds_no_role_for_data_gets_none_of_it(roles: tuple[str, ...]) -> None:
    who = msgspec.structs.replace(ENGINEER, roles=roles)
    assert PRODUCTION.authorise(who, ORDERS).effect == "deny"
    for text in ("SELECT 1", "SELECT unknown_function()", "SELEC", "DROP TABLE t"):
        decision = decide(text, roles=roles)
        assert decision.effect == "deny"
    assert decide("SELECT 1", roles=roles).rule == "policy.default"


def test_a_disabled_actor_holds_no_role() -> None:
    assert decide("SELECT 1", disabled=True).effect == "deny"


@pytest.mark.parametrize("roles", [("engineer",), ("dba",), ("agent",), ("admin", "engineer")])
def test_sessions_open_for_roles_with_access(roles: tuple[str, ...]) -> None:
    who = msgspec.structs.replace(ENGINEER, roles=roles)
    assert PRODUCTION.authorise(who, ORDERS).effect == "allow"


def test_a_resource_may_be_kept_for_some_roles() -> None:
    kept = ResourceFacts(type="postgres", name="payroll", labels={"roles": "dba, payroll"})
    assert PRODUCTION.authorise(ENGINEER, kept).rule == "production.resource-roles"
    assert decide("SELECT 1", resource=kept).effect == "deny"
    assert decide("SELECT 1", roles=("engineer", "payroll"), resource=kept).effect == "allow"


def test_a_write_needs_a_grant_and_says_how_to_get_one() -> None:
    denied = decide(UPDATE)
    assert (denied.effect, denied.rule) == ("deny", "production.write-needs-grant")
    assert "glasshatch request" in denied.reason
    allowed = decide(UPDATE, grants=(grant(),))
    assert (allowed.effect, allowed.grant_id) == ("allow", "g1")


@pytest.mark.parametrize(
    "changes",
    [
        {"actor_id": "u9"},
        {"resource": "postgres/other"},
        {"verbs": ("insert",)},
        {"expires_ns": 15 * SECOND},
        {"starts_ns": 16 * SECOND},
        {"revoked_ns": 12 * SECOND},
    ],
)
def test_a_grant_that_does_not_cover_lifts_nothing(changes: dict[str, object]) -> None:
    decision = decide(UPDATE, grants=(grant(**changes),))
    assert (decision.effect, decision.grant_id) == ("deny", "")


def test_an_answer_from_under_a_grant_does_not_outlive_it() -> None:
    assert decide(UPDATE, grants=(grant(),), now_ns=19 * SECOND).effect == "allow"
    assert decide(UPDATE, grants=(grant(),), now_ns=20 * SECOND).effect == "deny"


def test_a_read_needs_no_grant_and_names_none() -> None:
    assert decide("SELECT name FROM customers", grants=(grant(),)).grant_id == ""


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE payments",
        "TRUNCATE payments",
        "DELETE FROM payments",
        "UPDATE payments SET amount = 0 WHERE true",
        "GRANT ALL ON payments TO public",
        "ALTER SYSTEM SET log_statement = 'none'",
        "COPY payments TO PROGRAM 'id'",
        "PREPARE x AS DELETE FROM payments WHERE id = 1",
        "SELECT * FROM customers",
        "SELECT pg_read_file('x')",
        "DO $$ BEGIN DELETE FROM payments; END $$",
        "SELECT rolpassword FROM pg_authid",
    ],
)
@pytest.mark.parametrize("roles", [("engineer",), ("dba",), ("admin", "dba", "engineer")])
def test_what_no_grant_and_no_role_lifts(text: str, roles: tuple[str, ...]) -> None:
    everything = "alter call copy_in create delete do drop grant insert merge select truncate update".split()
    decision = decide(text, roles=roles, grants=(grant(verbs=tuple(everything)),))
    assert decision.effect == "deny"
    assert decision.grant_id == ""


def test_a_grant_may_name_other_verbs_than_writes() -> None:
    assert decide("CREATE INDEX ON t (a)").effect == "deny"
    assert decide("CREATE INDEX ON t (a)", grants=(grant(verbs=("create",)),)).effect == "allow"


def test_dynamic_code_is_reviewed_even_under_a_grant() -> None:
    text = "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$"
    decision = decide(text, grants=(grant(verbs=("do",)),))
    assert (decision.effect, decision.rule, decision.grant_id) == ("review", "production.unknown", "")


def test_a_plain_denial_outweighs_a_review() -> None:
    assert decide("SELECT unknown_function()").effect == "review"
    assert decide("SELECT unknown_function(); DROP TABLE t").rule == "production.no-destruction"


def test_database_administrators_change_rows_and_maintain_but_stay_inside_the_rules() -> None:
    for text in (UPDATE, "VACUUM t", "REINDEX TABLE t", "SELECT pg_cancel_backend(1)"):
        assert decide(text, roles=("dba",)).effect == "allow", text
        assert decide(text).effect == "deny", text


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE t (a int)",
        "CREATE INDEX ON t (a)",
        "ALTER TABLE t ADD COLUMN b int, ALTER a SET NOT NULL",
    ],
)
def test_a_definition_that_only_adds_is_for_database_administrators(text: str) -> None:
    assert decide(text, roles=("dba",)).effect == "allow"
    assert decide(text).rule == "production.write-needs-grant"


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE customers RENAME COLUMN email TO note",
        "ALTER TABLE customers RENAME TO people",
        "ALTER TABLE customers SET SCHEMA hidden",
        "ALTER TABLE customers ADD COLUMN note text GENERATED ALWAYS AS (email) STORED",
        "ALTER TABLE customers ALTER COLUMN note TYPE text USING email",
        "CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
        "CREATE TRIGGER t AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE OPERATOR = (leftarg = text, rightarg = text, function = f)",
        "CREATE VIEW v AS SELECT id FROM customers",
    ],
)
def test_a_definition_that_masking_could_be_led_astray_by_needs_a_grant(text: str) -> None:
    assert decide(text, roles=("dba",)).rule == "production.write-needs-grant"


def test_an_agent_reads_and_changes_under_a_grant_only_whatever_its_roles() -> None:
    insert = "INSERT INTO log VALUES (1)"
    assert decide("SELECT 1", roles=("agent",), kind="agent").effect == "allow"
    assert decide(insert).effect == "allow"
    assert decide(insert, roles=("agent", "engineer", "dba"), kind="agent").effect == "deny"
    assert decide(UPDATE, roles=("agent", "dba"), kind="agent").effect == "deny"
    assert decide(insert, roles=("agent",), kind="agent", grants=(grant(),)).grant_id == "g1"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("SELECT email FROM customers WHERE email LIKE 'a%'", "production.masked-guess"),
        ("SELECT id FROM customers ORDER BY email", "production.masked-guess"),
        ("SELECT id FROM customers c WHERE c.email > 'm'", "production.masked-guess"),
        ("SELECT x.e FROM (SELECT email AS e FROM customers) x WHERE e < 'm'", "production.masked-guess"),
        ("SELECT email::int FROM customers WHERE id = 1", "production.masked-guess"),
        ("SELECT row_to_json(c) FROM customers c WHERE id = 1", "production.masked-row"),
        ("SELECT c FROM customers c WHERE id = 1", "production.masked-row"),
        ("COPY (SELECT email FROM customers WHERE id = 1) TO STDOUT", "production.masked-copy"),
        ("COPY customers (email) TO STDOUT", "production.masked-copy"),
    ],
)
def test_what_masking_cannot_hide_is_denied(text: str, rule: str) -> None:
    assert decide(text, masked=EMAIL).rule == rule


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id, email FROM customers",
        "SELECT id FROM customers WHERE email = $1",
        "SELECT email, count(*) FROM customers GROUP BY email",
        "SELECT id FROM customers WHERE email IS NULL ORDER BY id",
        "SELECT id FROM orders WHERE note LIKE '%x%'",
        "SELECT c.email FROM customers c WHERE c.name LIKE 'b%' ORDER BY c.created_at",
        "SELECT s.email FROM staff s WHERE s.email LIKE 'a%'",
    ],
)
def test_reading_and_looking_up_masked_columns_stays_practical(text: str) -> None:
    assert decide(text, masked=EMAIL).effect == "allow"


def test_a_grant_does_not_let_masked_values_be_copied_where_nobody_masks_them() -> None:
    wide = (grant(verbs=("create", "delete", "insert", "merge", "select", "update")),)
    for text in (
        "INSERT INTO notes SELECT email FROM customers WHERE id = 1",
        "CREATE TABLE t AS SELECT email FROM customers",
        "UPDATE customers SET name = email WHERE id = 1",
    ):
        assert decide(text, grants=wide, masked=EMAIL).rule == "production.masked-guess"
    assert (
        decide("UPDATE customers SET email = 'x' WHERE id = 1", grants=wide, masked=EMAIL).effect == "allow"
    )
