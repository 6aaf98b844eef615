"""What an answer shows depends on who asks, and a dry run shows everything but secrets and says so."""

from __future__ import annotations

from glasshatch.masking import MaskingPolicy, MaskRule

MAIL = "alice.canary@example.com"
POLICY = MaskingPolicy(
    [
        MaskRule(operator="keep", type="EMAIL", role="dba"),
        MaskRule(operator="format-preserving", column="*.payments.card", role="engineer"),
        MaskRule(operator="bucket", column="*.customers.visits", role="engineer"),
        MaskRule(operator="redact", column="*.numbers.label", role="dba"),
    ]
)
ASK = "select email, city, visits from customers where id = 1"


def test_each_role_meets_its_rules(start) -> None:
    gateway = start(masking=POLICY)
    mail, city, visits = gateway.ask(ASK).split("|")
    assert mail.startswith("<EMAIL:")
    assert (city, visits) == ("Berlin", "0")
    assert gateway.ask(ASK, "dba").split("|") == [MAIL, "Berlin", "0"]
    # Found in free text, and derived from the column, it is shown to the same people.
    assert gateway.ask("select body from notes where id = 2", "dba") == f"write to {MAIL} today"
    assert "canary" not in gateway.ask("select body from notes where id = 2")
    assert gateway.ask("select upper(email) from customers where id = 1", "dba") == MAIL.upper()
    assert "CANARY" not in gateway.ask("select upper(email) from customers where id = 1")
    assert gateway.ask("select upper(label) from numbers where n = 1") == "ROW 1"
    assert "ROW" not in gateway.ask("select upper(label) from numbers where n = 1", "dba")
    card = gateway.ask("select card from payments where id = 1")
    assert card != "4111111111111111"
    assert (len(card), card[:4]) == (16, "4111")
    gateway.wait_for(lambda: len(gateway.sink.of("statement.finished")) == 9)
    shown = gateway.sink.of("statement.finished")[1].data
    assert (shown.clear, shown.masked, "EMAIL" in shown.classes) == (1, 1, True)
    assert shown.subjects
    # The record keeps nothing in clear because of a role.
    assert "canary" not in gateway.sink.everything().lower()


def test_a_role_that_is_lost_counts_from_the_next_statement(start) -> None:
    import psycopg

    gateway = start(masking=POLICY)
    with psycopg.connect(gateway.dsn("dba"), autocommit=True) as connection:
        query = "select email from customers where id = %s"
        assert connection.execute(query, (1,), prepare=True).fetchone() == (MAIL,)
        gateway.law.roles["dba"] = ("engineer",)
        (shown,) = connection.execute(query, (1,), prepare=True).fetchone()
        assert shown.startswith("<EMAIL:")


def test_a_dry_run_shows_and_counts(start) -> None:
    gateway = start(dry_run=True)
    gateway.database.sql(
        "create table logins (id int, password text); insert into logins values (1, 'hunter2')"
    )
    assert gateway.ask("select email, city from customers where id = 1") == f"{MAIL}|Berlin"
    assert gateway.ask("select body from notes order by id").splitlines()[1] == f"write to {MAIL} today"
    assert gateway.ask("select password from logins where id = 1") == "<SECRET>"
    gateway.wait_for(lambda: len(gateway.sink.of("statement.finished")) == 3)
    first, second, third = gateway.sink.of("statement.finished")
    assert [one.attrs["dry_run"] for one in (first, second, third)] == [
        {"would_mask": 1}, {"would_mask": 1}, {"would_mask": 0},
    ]  # fmt: skip
    assert (first.data.masked, first.data.clear, first.data.classes) == (0, 1, ("EMAIL",))
    assert (third.data.masked, third.data.clear) == (1, 0)
    assert "canary" not in gateway.sink.everything().lower()
