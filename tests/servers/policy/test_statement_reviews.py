"""One statement asked for by itself: its approver sees what it would change, and nothing has changed."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from fixtures.glasshatch import run
from fixtures.page import Visitor
from glasshatch.api.change_values import StatementForm
from glasshatch.api.values import RequestView
from glasshatch.errors import ConfigError, Denied

from .conftest import CANARY, PolicyServer

REASON = "void orders of the import"
IMPACT = """
CREATE TABLE IF NOT EXISTS impact (id int PRIMARY KEY, state text, cents int);
CREATE TABLE IF NOT EXISTS impact_lines (id int PRIMARY KEY, impact int REFERENCES impact ON DELETE CASCADE);
INSERT INTO impact SELECT n, CASE WHEN n % 4 = 0 THEN 'void' ELSE 'paid' END, n FROM generate_series(1, 200) n
  ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS impact_heap AS SELECT n FROM generate_series(1, 3000000) n;
CREATE OR REPLACE FUNCTION sweep(int) RETURNS bool LANGUAGE plpgsql VOLATILE AS
  $$ BEGIN DELETE FROM impact; RETURN true; END $$;
CREATE OR REPLACE FUNCTION swept(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN PERFORM pg_notify('swept', 'x'); RETURN true; END $$;
CREATE OR REPLACE VIEW impact_view AS SELECT * FROM impact WHERE sweep(id);
ANALYZE;
"""


@pytest.fixture(scope="module", autouse=True)
def tables(server: PolicyServer) -> None:
    server.database.sql(IMPACT, database="policyshop")


def ask(server: PolicyServer, statement: str, person: str = "alice") -> RequestView:
    form = StatementForm(resource="postgres/shop", statement=statement, reason=REASON)
    return server.client(person).request_statement(form)


def judged(server: PolicyServer, asked: RequestView) -> Any:
    """What its approver sees."""
    return server.client("bob").show_request(asked.id).statement.preview


def test_the_approver_sees_rows_tables_plan_and_when(server: PolicyServer) -> None:
    asked = ask(server, "DELETE FROM impact WHERE state = 'void'")
    seen = server.client("bob").show_request(asked.id)
    assert (seen.kind, seen.resource, seen.verbs) == ("statement", "postgres/shop", ("delete",))
    preview = seen.statement.preview
    assert (preview.rows, preview.exact, preview.method) == (50, True, "counted")
    assert [(one.name, one.rows) for one in preview.tables] == [("public.impact", 50)]
    assert preview.estimate == 50
    assert preview.further == ("public.impact_lines",)
    assert int(preview.measured) > 1_700_000_000_000_000_000
    assert server.database.sql("SELECT count(*) FROM impact", database="policyshop") == "200"


def test_commands_list_and_show_it(server: PolicyServer) -> None:
    token = str(server.home.parent / "alice.token")
    done = run(
        "request", "postgres/shop", "--statement", "-", "--reason", REASON, "--data", str(server.home),
        "--token-file", token, typed="UPDATE impact SET cents = 0 WHERE state = 'void' AND id < 9",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 rows, counted" in done.stdout
    listed = server.command("requests", person="bob")
    assert "ROWS" in listed.stdout
    (mine,) = [one for one in server.jsonl("requests", person="bob") if "< " in one["statement"]["text"]]
    shown = server.command("requests", "show", mine["id"], person="bob")
    for words in ("public.impact 2", "plan        expects", "measured", REASON):
        assert words in shown.stdout, shown.stdout
    both = server.command("request", "postgres/shop", "--reason", REASON)
    assert "--statement" in both.stderr


def test_no_value_of_the_statement_or_of_a_row_is_in_the_clear(server: PolicyServer) -> None:
    asked = ask(server, f"UPDATE customers SET city = 'Bonn' WHERE email = '{CANARY}'")
    assert CANARY not in json.dumps(asked.statement.text)
    assert asked.statement.preview is None, "counts over masked columns are not for the asker"
    assert judged(server, asked).rows == 1
    (event,) = [one for one in server.events("statement.previewed") if one["request_id"] == asked.id]
    assert CANARY not in json.dumps(event)
    assert (event["attrs"]["rows"], event["attrs"]["method"]) == (1, "counted")
    for file in (server.home / "control.db", server.home / "control.db-wal"):
        assert not file.exists() or CANARY.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("statement", "method", "why"),
    [
        ("DELETE FROM impact WHERE sweep(id)", "planned", "sweep"),
        ("DELETE FROM impact WHERE id < 5 AND random() < 2", "planned", "random"),
        ("DELETE FROM impact_view WHERE id = 3", "planned", "is a view"),
        ("DELETE FROM impact WHERE id = 3 AND swept(3)", "none", "swept"),
        ("DELETE FROM impact_missing WHERE id = 3", "none", "no such table"),
        (
            "WITH gone AS (DELETE FROM impact WHERE id = 1 RETURNING id)"
            " DELETE FROM impact_lines WHERE impact IN (SELECT id FROM gone)",
            "planned", "carrying it out",
        ),
    ],
)  # fmt: skip
def test_what_could_run_code_is_not_run(server: PolicyServer, statement: str, method: str, why: str) -> None:
    found = judged(server, ask(server, statement, "dora"))
    assert (found.method, found.exact) == (method, False)
    assert why in found.why
    assert server.database.sql("SELECT count(*) FROM impact", database="policyshop") == "200"


def test_counting_has_a_time_limit_and_says_so(server: PolicyServer) -> None:
    slow = "DELETE FROM impact_heap a USING impact_heap b WHERE a.n + b.n = 7 AND a.n <> b.n"
    found = judged(server, ask(server, slow, "dora"))
    assert (found.capped, found.exact, found.method) == (True, False, "planned")
    assert found.rows == found.estimate > 1000
    assert found.took_ms < 8000


def test_a_locked_table_is_unknown_and_does_not_hang(server: PolicyServer) -> None:
    database = server.database
    account = {"PGHOST": database.host, "PGPORT": str(database.port), "PGDATABASE": "policyshop"}
    hold = subprocess.Popen(
        [database.psql, "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "PGUSER": database.user, "PGPASSWORD": database.password} | account,
    )  # fmt: skip
    try:
        assert hold.stdin is not None
        assert hold.stdout is not None
        hold.stdin.write(b"BEGIN; LOCK impact; SELECT 'held';\n")
        hold.stdin.flush()
        assert hold.stdout.readline() == b"held\n"
        found = judged(server, ask(server, "DELETE FROM impact WHERE id = 3"))
    finally:
        hold.kill()
        hold.wait()
    assert (found.method, found.rows, found.exact) == ("none", None, False)
    assert "locked" in found.why


def test_what_is_written_in_it_is_told_without_counting(server: PolicyServer) -> None:
    asked = ask(server, "INSERT INTO impact VALUES (1000, 'paid', 1), (1001, 'paid', 1)")
    assert (judged(server, asked).rows, judged(server, asked).method) == (2, "written")
    upsert = ask(server, "INSERT INTO impact VALUES (1, 'paid', 1) ON CONFLICT DO NOTHING")
    found = judged(server, upsert)
    assert (found.rows, found.exact, found.bound) == (1, False, "most")


def test_what_no_approval_could_let_run_is_not_filed_and_not_counted(server: PolicyServer) -> None:
    before = len(server.events("statement.previewed"))
    for statement in ("DELETE FROM impact", "DROP TABLE impact", "GRANT ALL ON impact TO PUBLIC"):
        with pytest.raises(Denied, match="no approval"):
            ask(server, statement)
    with pytest.raises(Denied, match="no approval"):
        ask(server, "DELETE FROM impact WHERE id = 1", "carol")
    assert len(server.events("statement.previewed")) == before


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM impact WHERE", "not understood"),
        ("DELETE FROM impact WHERE id = 1; DELETE FROM impact WHERE id = 2", "2 statements"),
        ("SELECT 1", "changes nothing"),
        ("COPY impact TO STDOUT", "changes nothing"),
        ("BEGIN", "changes nothing"),
        ("DELETE FROM impact WHERE id = $1", "places for values"),
    ],
)
def test_what_is_no_single_change_is_refused_with_the_cure(
    server: PolicyServer, statement: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        ask(server, statement)


def test_the_page_shows_it(server: PolicyServer) -> None:
    asked = ask(server, "DELETE FROM impact WHERE state = 'void' AND id < 100")
    page = Visitor(server.api_port).sign_in((server.home.parent / "bob.token").read_text().strip())
    shown = page.get("/requests").text
    assert f"/requests/{asked.id}/approve" in shown
    card = shown[: shown.index(f"/requests/{asked.id}/approve")].rpartition("<article")[2]
    for words in ("<b>24 rows</b>, counted", "public.impact</code> 24", "Measured", "public.impact_lines"):
        assert words in card
