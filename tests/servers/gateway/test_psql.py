"""What a person with psql notices."""

from __future__ import annotations

import subprocess
import time


def test_select_works_and_is_recorded(gateway) -> None:
    assert gateway.ask("select id, city from customers where id = 1") == "1|Berlin"
    gateway.wait_for(lambda: gateway.sink.of("session.closed"))
    actions = [event.action for event in gateway.sink.events]
    assert actions == ["session.opened", "statement.run", "statement.finished", "session.closed"]
    assert [event.attrs["seq"] for event in gateway.sink.events] == [0, 1, 2, 3]
    opened, run, finished, _ = gateway.sink.events
    assert opened.client.ip == "127.0.0.1"
    assert opened.client.port > 0
    assert opened.actor.name == "alice"
    assert run.resource.id == "postgres/shop"
    assert run.decision.effect == "allow"
    assert run.decision.policy_hash == gateway.law.policy.hash
    assert run.request_id == finished.request_id
    assert finished.outcome.status == "success"
    assert finished.data.rows == 1


def test_masks_and_keeps_tokens_equal(gateway) -> None:
    first = gateway.ask("select email, name, phone from customers where id = 1")
    second = gateway.ask("select email from customers where id = 1")
    assert "canary" not in first.lower()
    assert first.startswith("<EMAIL:")
    assert first.split("|")[0] == second
    gateway.wait_for(lambda: len(gateway.sink.of("statement.finished")) == 2)
    data = gateway.sink.of("statement.finished")[0].data
    assert data.masked == 3
    assert "public.customers.email" in data.columns
    assert data.subjects


def test_destructive_statement_is_denied_and_never_sent(gateway) -> None:
    done = gateway.psql("DROP TABLE payments;\nselect count(*) from payments;")
    assert "refused by policy" in done.stderr
    assert "glasshatch request postgres/shop" in done.stderr
    assert done.stdout.strip() == "2"
    denied = gateway.sink.of("statement.denied")[0]
    assert denied.decision.rule == "production.no-destruction"
    assert denied.outcome.code == "42501"
    assert gateway.database.sql("select count(*) from payments") == "2"


def test_hidden_delete_is_denied(gateway) -> None:
    done = gateway.psql("/*x*/ DELETE FROM customers")
    assert "refused by policy" in done.stderr
    assert gateway.database.sql("select count(*) from customers") == "2"


def test_denial_fails_an_open_transaction_on_both_sides(gateway) -> None:
    script = (
        "BEGIN;\nINSERT INTO notes (body) VALUES ('gone');\nDROP TABLE notes;\nselect 1;\nCOMMIT;\nselect 2;"
    )
    done = gateway.psql(script)
    assert "refused by policy" in done.stderr
    assert "current transaction is aborted" in done.stderr
    assert done.stdout.strip() == "2"
    assert gateway.database.sql("select count(*) from notes where body = 'gone'") == "0"


def test_several_statements_in_one_text_are_decided_as_a_whole(gateway) -> None:
    done = gateway.psql("", "alice", "-c", "select 1; drop table notes; select 2")
    assert "refused by policy" in done.stderr
    assert done.stdout == ""
    done = gateway.psql("", "alice", "-c", "select 1; select 2")
    assert done.stdout.split() == ["1", "2"]


def test_each_of_several_answers_is_masked_by_its_own_columns(permissive) -> None:
    text = (
        "SELECT email FROM customers WHERE id = 1; SELECT count(*) FROM notes; SELECT 5 + 1;"
        " SELECT lower(name) FROM customers WHERE id = 1; SELECT max(visits) FROM customers"
    )
    for _ in range(3):
        rows = permissive.psql("", "alice", "-c", text).stdout.splitlines()
        assert rows[0].startswith("<EMAIL:")
        assert rows[1:3] == ["2", "6"]
        assert "canary" not in rows[3]
        assert rows[3] != ""
        assert rows[4] == "5"
    # Where a command may change what the next one means, nothing is believed of it.
    changed = "SET search_path = public; SELECT lower(name), 7 + 1 FROM customers WHERE id = 1"
    assert "canary" not in permissive.psql("", "alice", "-c", changed).stdout.lower()
    # Equal shapes of other origin, in another order.
    one = "SELECT upper({}) AS x FROM customers WHERE id = 1"
    swapped = f"{one.format('city')}; {one.format('email')}"
    for text in (swapped, "; ".join(reversed(swapped.split("; ")))):
        said = permissive.psql("", "alice", "-c", text).stdout
        assert "BERLIN" in said
        assert "CANARY" not in said


def test_review_says_how_to_ask(gateway) -> None:
    done = gateway.psql("DO $$ BEGIN EXECUTE 'sel' || 'ect 1'; END $$")
    assert "needs a review" in done.stderr or "refused" in done.stderr
    assert gateway.sink.of("statement.held") or gateway.sink.of("statement.denied")


def test_copy_in_and_out(gateway) -> None:
    out = gateway.ask("\\copy (select n, label from numbers where n <= 3) to stdout")
    assert out.splitlines() == ["1\trow 1", "2\trow 2", "3\trow 3"]
    finished = gateway.sink.of("statement.finished")[-1]
    assert finished.data.rows == 3


def test_copy_out_text_is_scanned(gateway) -> None:
    out = gateway.ask("\\copy (select body from notes where id < 3) to stdout")
    assert "canary" not in out
    assert "<EMAIL:" in out


def test_copy_of_masked_columns_is_refused(gateway) -> None:
    for text in (
        "\\copy customers to stdout",
        "\\copy (select email from customers where id = 1) to stdout csv",
        "\\copy (select email from customers where id = 1) to stdout with (format binary)",
        "\\copy (select e from contact where id = 1) to stdout",
    ):
        done = gateway.psql(text)
        assert "refused by policy" in done.stderr, text
        assert "canary" not in done.stdout


def test_binary_copy_out_is_masked(gateway) -> None:
    done = gateway.psql("\\copy (select body from notes where id = 2) to stdout with (format binary)")
    assert "canary" not in done.stdout
    assert "write to <EMAIL:" in done.stdout
    assert not done.stderr


def test_errors_are_real_and_clean(gateway) -> None:
    done = gateway.psql("select 1/0;\nselect nothing from notes;")
    assert "division by zero" in done.stderr
    assert 'column "nothing" does not exist' in done.stderr
    gateway.wait_for(lambda: len(gateway.sink.of("statement.finished")) == 2)
    assert [event.outcome.code for event in gateway.sink.of("statement.finished")] == ["22012", "42703"]


def test_constraint_detail_is_dropped(gateway) -> None:
    done = gateway.psql("insert into customers values (9, 'alice.canary@example.com', 'x', 'y', 'z', 1)")
    assert "duplicate key" in done.stderr
    assert "canary" not in done.stderr


def test_wrong_token_is_refused_and_recorded(gateway) -> None:
    done = gateway.psql("select 1", "alice", PGPASSWORD="gh_wrong")
    assert done.returncode == 2
    assert "the token is not valid" in done.stderr
    refused = gateway.sink.of("session.refused")[0]
    assert refused.outcome.code == "28P01"
    assert "gh_wrong" not in gateway.sink.everything()


def test_policy_refuses_a_session(gateway) -> None:
    done = gateway.psql("select 1", "viewer")
    assert "refused by policy" in done.stderr
    assert gateway.sink.of("session.refused")[0].decision.effect == "deny"


def test_unknown_resource_is_refused(gateway) -> None:
    done = gateway.psql("select 1", "alice", PGDATABASE="nowhere")
    assert "no such resource" in done.stderr


def test_nothing_personal_is_recorded(gateway) -> None:
    gateway.psql("select id from customers where email = 'alice.canary@example.com'")
    gateway.psql("insert into notes (body) values ('call Roberto Canaryman +4915112345679')")
    gateway.wait_for(lambda: len(gateway.sink.of("session.closed")) == 2)
    recorded = gateway.sink.everything()
    for canary in ("alice.canary", "Canaryman", "4915112345679"):
        assert canary not in recorded


def test_notice_and_notification_are_cleaned(gateway) -> None:
    done = gateway.psql("LISTEN mail;\n\\! sleep 0.3\nselect 1;")
    assert done.returncode == 0
    import threading

    def notify() -> None:
        time.sleep(0.8)
        gateway.database.sql("NOTIFY mail, 'alice.canary@example.com'")

    thread = threading.Thread(target=notify)
    thread.start()
    done = gateway.psql("LISTEN mail;\n\\! sleep 1.5\nselect 1;")
    thread.join()
    assert "Asynchronous notification" in done.stdout
    assert "canary" not in done.stdout
    assert "<EMAIL:" in done.stdout


def test_cancel_reaches_only_its_own_session(gateway) -> None:
    process = subprocess.Popen(
        [gateway.server.psql, "-XAtq", "-c", "select pg_sleep(20)"],
        env={
            "PATH": "/usr/bin:/bin",
            "PGHOST": gateway.host,
            "PGPORT": str(gateway.port),
            "PGUSER": "alice",
            "PGPASSWORD": "gh_alice_secret",
            "PGDATABASE": "shop",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    gateway.wait_for(lambda: gateway.sink.of("statement.run"))
    time.sleep(0.2)
    begun = time.monotonic()
    process.send_signal(2)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - begun < 10
    assert "canceling statement due to user request" in errors
    assert gateway.sink.of("statement.cancelled")


def test_a_large_answer_is_whole(gateway) -> None:
    lines = gateway.ask("select n, label from numbers where n > 0 order by n limit 5000").splitlines()
    assert len(lines) == 5000
    assert lines[-1] == "5000|row 5000"


def test_catalogue_commands_of_psql(gateway) -> None:
    done = gateway.psql("\\d\n\\d customers\n\\dv\n\\df\n\\l\n\\dn\n\\du")
    assert not done.stderr
    assert "customers" in done.stdout


def test_encoding_may_not_be_changed(gateway) -> None:
    done = gateway.psql("SET client_encoding TO 'SJIS';\nselect 1;")
    assert "refused" in done.stderr
    assert done.stdout.strip() == "1"
    done = gateway.psql("select 1", PGCLIENTENCODING="LATIN1")
    assert "UTF8" in done.stderr
