"""A running server takes a changed policy, refuses a broken one, and says so in the record."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from fixtures.glasshatch import run
from glasshatch.api.policy_values import PolicyFile, PolicyText
from glasshatch.api.values import EventFilter, RequestForm
from glasshatch.errors import ConfigError, Denied

from .conftest import PRODUCTION, PolicyServer, until

CLOSED = """
@id("own.orders-are-closed")
@reason("nobody looks at orders today")
forbid(principal, action == Action::"statement.run", resource)
when { context.tables.contains("orders") };
"""
READ = "SELECT count(*) FROM orders WHERE id < 10;"


@pytest.fixture(autouse=True)
def production(server: PolicyServer) -> None:
    """Each test begins and ends with the shipped text in force."""
    put(server, PRODUCTION)


def put(server: PolicyServer, text: str, then: Callable[[], object] = lambda: None) -> str:
    """Write the policy as a careful editor does, and wait until it is in force; its hash."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    fresh = server.policy_file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(server.policy_file)
    then()
    admin = server.client("admin")
    until(lambda: admin.status().policy_hash == digest, "new policy in force")
    return digest


def test_a_changed_file_is_in_force_for_open_sessions_and_recorded_with_both_hashes(
    server: PolicyServer,
) -> None:
    before = hashlib.sha256(PRODUCTION.encode()).hexdigest()
    token = (server.home.parent / "alice.token").read_text().strip()
    session = subprocess.Popen(
        [server.database.psql, "-XAtq",
         f"host=127.0.0.1 port={server.gateway_port} dbname=shop user=alice"],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": token}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, bufsize=1,
    )  # fmt: skip
    assert session.stdin
    assert session.stdout
    session.stdin.write(READ + "\n")
    assert session.stdout.readline() == "9\n"
    running = "SELECT pg_sleep(1.5), 'through' FROM orders WHERE id = 1;\n"
    activity = "SELECT query FROM pg_stat_activity"
    session.stdin.write(running)
    session.stdin.flush()
    until(lambda: "pg_sleep" in server.database.sql(activity), "running statement")
    after = put(server, PRODUCTION + CLOSED)
    # What was decided before goes on; what comes after it in the same session is judged anew.
    assert session.stdout.readline() == "|through\n"
    out, _ = session.communicate(READ + "\n", timeout=120)
    assert "nobody looks at orders today" in out
    change = server.events("policy.loaded")[-1]
    assert (change["attrs"]["before"], change["attrs"]["policy_hash"]) == (before, after)
    assert change["attrs"]["cause"] == "its files changed"
    denied = server.events("statement.denied")[-1]["decision"]
    assert (denied["rule"], denied["policy_hash"]) == ("own.orders-are-closed", after)


def test_a_broken_file_is_refused_with_its_line_and_the_old_one_stays(server: PolicyServer) -> None:
    said = len(server.events("policy.refused"))
    server.policy_file.write_text(PRODUCTION + "\npermit(principal, axtion, resource);\n")
    refused = until(lambda: server.events("policy.refused")[said:], "refusal")
    line = PRODUCTION.count("\n") + 2
    assert f"own.cedar:{line}" in refused[0]["attrs"]["problem"]
    assert refused[0]["attrs"]["policy_hash"] == hashlib.sha256(PRODUCTION.encode()).hexdigest()
    assert server.psql("alice", READ).stdout == "9\n"
    with pytest.raises(ConfigError, match=f"own.cedar:{line}"):
        server.client("admin").load_policy()
    assert server.events("policy.refused")[-1]["actor"]["name"] == "admin"
    server.policy_file.unlink()
    until(lambda: len(server.events("policy.refused")) >= said + 3, "refusal of a file that is gone")
    assert server.psql("alice", READ).stdout == "9\n"


def test_who_asks_for_it_is_named_and_only_administrators_may(server: PolicyServer) -> None:
    with pytest.raises(Denied):
        server.client("alice").load_policy()
    admin = server.client("admin")
    assert admin.load_policy().changed is False
    for number in range(5):
        # The server may see the change by itself first; in five tries it will not always.
        server.policy_file.write_text(f"{PRODUCTION}// remark {number}\n")
        if admin.load_policy().changed:
            break
    change = server.events("policy.loaded")[-1]
    assert (change["actor"]["name"], change["attrs"]["cause"]) == ("admin", "asked for")


def test_a_hangup_makes_it_look_at_once_and_ends_nobody(server: PolicyServer) -> None:
    assert server.process
    front, supervisor = server.part("front"), server.process.pid
    for number in range(5):
        # The server may see the change by itself first; in five tries it will not always.
        put(server, f"{PRODUCTION}// hangup {number}\n", then=lambda: os.kill(supervisor, signal.SIGHUP))
        if server.events("policy.loaded")[-1]["attrs"]["cause"] == "SIGHUP":
            break
    else:
        pytest.fail("no change was taken because of SIGHUP")
    assert server.part("front") == front
    assert server.process.poll() is None


def test_explain_knows_the_real_actor_resource_and_grants(server: PolicyServer) -> None:
    update = "UPDATE orders SET cents = 1 WHERE id = 7"
    mine = server.explained(update, resource="postgres/shop")
    assert (mine.effect, mine.rule, mine.actor) == ("deny", "production.write-needs-grant", "alice")
    asked = server.client("alice").create_request(
        RequestForm(resource="postgres/shop", verbs=("write",), duration_s=300, reason="mend order 7")
    )
    approved = server.client("bob").approve(asked.id)
    granted = server.explained(update, resource="postgres/shop")
    assert (granted.effect, granted.grant_id) == ("allow", approved.grant_id)
    other = server.explained(update, "bob", resource="postgres/shop", actor="alice")
    assert other.grant_id == granted.grant_id
    assert server.explained(update, "bob", resource="postgres/shop").effect == "deny"
    with pytest.raises(Denied):
        server.explained("SELECT 1", actor="bob")
    guess = server.explained("SELECT id FROM customers WHERE email LIKE 'a%'", resource="postgres/shop")
    assert (guess.rule, guess.masked) == ("production.masked-guess", ("*.customers.email",))
    with pytest.raises(ConfigError, match="postgres/shop"):
        server.explained("SELECT 1", resource="postgres/nowhere")


def test_the_command_asks_the_server_under_the_callers_token(server: PolicyServer) -> None:
    typed = (
        '{"kind": "sql", "statement": "SELECT 1"}\n{"kind": "cobol", "statement": "x"}\n'
        '{"statement": "DROP TABLE t"}\n'
    )
    done = run(
        "policy", "explain", "-", "--resource", "postgres/shop", "--data", str(server.home), typed=typed,
        GLASSHATCH_TOKEN_FILE=str(server.home.parent / "alice.token"),
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["effect"] for answer in answers] == ["allow", "deny", "deny"]
    assert [answer["rule"] for answer in answers[1:]] == ["input.unreadable", "production.no-destruction"]


def test_explain_takes_a_policy_that_the_server_does_not_have(server: PolicyServer) -> None:
    def own(text: str) -> PolicyText:
        return PolicyText(name="own", files=(PolicyFile(name="own.cedar", text=text),))

    assert server.explained(READ).effect == "allow"
    assert server.explained(READ, policy=own(PRODUCTION + CLOSED)).rule == "own.orders-are-closed"
    assert server.explained(READ, policy=PolicyText(name="production")).effect == "allow"
    for broken in (own("permit(principal);"), PolicyText(name="/etc/passwd"), PolicyText(name="nobodys")):
        with pytest.raises(ConfigError):
            server.explained(READ, policy=broken)


def test_no_statement_that_was_explained_is_in_the_record(server: PolicyServer) -> None:
    secret = "hunter2canary"
    assert server.explained(f"SELECT '{secret}'").effect == "allow"
    everything = server.client("carol").list_events(EventFilter(limit=10_000))
    assert everything
    assert not any(secret.encode() in bytes(one.event) for one in everything)
    assert secret not in server.log.read_text()
