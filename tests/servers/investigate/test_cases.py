"""What belongs together, with a real database that audits: one activity, recorded by two sources."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.glasshatch import RunningServer, run
from fixtures.servers import PostgresServer
from glasshatch.api.client import Client

pytestmark = pytest.mark.needs("postgres-tls")

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
COMMENT = f"/*traceparent='00-{TRACE}-{SPAN}-01'*/"
POLICY = '@id("all")\n@reason("anything")\npermit(principal, action, resource);\n'
RESOURCE = """
[policy]
set = "policies/all.cedar"
[resources.shop]
type = "postgres"
host = "{host}"
port = {port}
database = "shop_of_cases"
user = "{user}"
password = "file:{secret}"
tls = "verify-full"
tls_ca = "{ca}"
[runbooks.short]
questions = [{{ name = "why", text = "Why did it happen?" }}]
"""


class World(msgspec.Struct):
    """A server before a database that audits; alice's session in it, and what the database recorded of it."""

    server: RunningServer
    session: str
    audit: Path


def psql(server: RunningServer, database: PostgresServer, *statements: str, user: str = "alice") -> int:
    """Type statements into psql through the gateway, one after the other, with alice's token."""
    done = subprocess.run(
        [database.psql, "-XAtq", *(part for text in statements for part in ("-c", text))],
        env={
            "PATH": "/usr/bin:/bin", "PGHOST": "127.0.0.1", "PGPORT": str(server.gateway_port),
            "PGUSER": user, "PGDATABASE": "shop", "PGSSLMODE": "require", "PGCONNECT_TIMEOUT": "30",
            "PGPASSWORD": (server.home.parent / "alice.token").read_text().strip(),
        },
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode


def await_lines(file: Path, wanted: str, times: int) -> bytes:
    """The whole lines of a log, once it has these words so often."""
    deadline = time.monotonic() + 60
    while (data := file.read_bytes()).count(wanted.encode()) < times:
        assert time.monotonic() < deadline, f"{wanted!r} is not in the log {times} times"
        time.sleep(0.05)
    return data[: data.rindex(b"\n") + 1]


def await_index(desk: Client, entries: int) -> None:
    """Until the index has every entry, of which there are so many at least."""
    deadline = time.monotonic() + 120
    while (state := desk.index_state()).indexed < state.ledger_size or state.indexed < entries:
        assert time.monotonic() < deadline, f"{state.indexed} of {state.ledger_size} indexed"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def world(postgres_tls: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cases")
    secret = folder / "db.secret"
    secret.touch(mode=0o600)
    secret.write_text(postgres_tls.password)
    server = RunningServer(folder, RESOURCE.format(
        host=postgres_tls.host, port=postgres_tls.port, user=postgres_tls.user, secret=secret,
        ca=postgres_tls.ca_file,
    ))  # fmt: skip
    (server.home / "policies" / "all.cedar").write_text(POLICY)
    postgres_tls.sql("CREATE DATABASE shop_of_cases")
    postgres_tls.sql("CREATE TABLE people (id int, email text)", database="shop_of_cases")
    postgres_tls.sql("INSERT INTO people VALUES (1, 'a@example.com')", database="shop_of_cases")
    server.start()
    try:
        for name, roles in {"alice": ("engineer",), "auditor": ("auditor",), "bob": ("approver",)}.items():
            server.invite(name, *roles)
        done = psql(
            server, postgres_tls, f"SELECT email FROM people WHERE id = 1 {COMMENT}",
            "SELECT count(*) FROM people", "SELECT count(*) FROM people",
        )  # fmt: skip
        assert done == 0, server.log.read_text()
        (opened,) = server.jsonl("search", "action:session.opened actor:alice", person="auditor")
        session = opened["event"]["session_id"]
        assert postgres_tls.audit is not None
        lines = await_lines(postgres_tls.audit, f'"application_name":"glasshatch {session}"', 4)
        audit = folder / "audit.json"
        # Of this session only: the database's log has what every other test did, too.
        own = [line for line in lines.splitlines(keepends=True) if session.encode() in line]
        audit.write_bytes(b"".join(own))
        fed = server.command("ingest", "pgaudit", "--name", "shop", str(audit))
        assert fed.returncode == 0, fed.stderr
        # A question waits two seconds for the index, which may be further behind on a busy machine.
        with contextlib.closing(server.admin()) as desk:
            await_index(desk, len(own))
        yield World(server, session, audit)
    finally:
        server.stop()


def places(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The entries by their index."""
    return {str(entry["index"]): entry for entry in entries}


def timeline(world: World, *about: str) -> list[dict[str, Any]]:
    return world.server.jsonl("timeline", *about, person="auditor")


def test_a_statement_and_the_databases_record_of_it_are_the_same(world: World) -> None:
    entries = timeline(world, "--session", world.session)
    by_place = places(entries)
    runs = [one for one in entries if one["event"]["action"] == "statement.run"]
    assert len(runs) == 3
    for one in runs:
        other = by_place[one["same_as"]]
        assert other["event"]["source"]["kind"] == "pgaudit"
        assert (other["link"], other["same_as"]) == ("exact", str(one["index"]))
        assert other["event"]["statement"]["hash"] == one["event"]["statement"]["hash"]
    assert by_place[runs[0]["same_as"]]["why"] == "the same statement, by the span in its comment"
    turns = {by_place[one["same_as"]]["index"] for one in runs}
    assert len(turns) == 3, "two statements of one shape were paired with one record"


def test_the_trace_alone_leads_to_both_records_and_from_them_to_the_sessions(world: World) -> None:
    entries = timeline(world, "--trace", TRACE)
    named = [one for one in entries if one["event"].get("trace_id") == TRACE]
    assert {one["event"]["source"]["kind"] for one in named} >= {"gateway", "pgaudit"}
    assert {one["link"] for one in named} == {"exact"}
    whys = {one["why"] for one in entries if one["link"] == "exact"}
    assert "its application_name names the gateway's session" in whys
    assert entries == timeline(world, f"trace:{TRACE}"), "the older form says something else"


def test_clocks_are_told_by_pairs(world: World) -> None:
    done = world.server.command("timeline", "--session", world.session, person="auditor")
    assert "the clock of pgaudit/shop stood +0." in done.stderr
    assert "by 3 pairs of records" in done.stderr


def test_the_actor_is_found_under_what_the_database_calls_the_session(world: World) -> None:
    entries = timeline(world, "--actor", "alice")
    foreign = [one for one in entries if one["event"]["source"]["kind"] == "pgaudit"]
    assert len(foreign) >= 3
    assert {one["link"] for one in foreign} == {"exact"}
    known = [one["known_as"] for one in foreign]
    assert {(one["actor"], one["asserted"], one["alias"]) for one in known} == {
        ("alice", "gateway", world.session)
    }


def test_a_graph_joins_the_sessions(world: World) -> None:
    done = world.server.command("graph", world.session, "--format", "json", person="auditor")
    graph = json.loads(done.stdout)
    kinds = {node["source"].partition("/")[0]: node for node in graph["nodes"]}
    assert {"gateway", "pgaudit"} <= set(kinds)
    (edge,) = [
        one for one in graph["edges"]
        if {one["one"], one["other"]} == {kinds["gateway"]["id"], kinds["pgaudit"]["id"]}
    ]  # fmt: skip
    assert edge["link"] == "exact"
    for form, words in (("dot", "graph sessions {"), ("mermaid", "graph LR"), ("table", "BELONGS TO")):
        done = world.server.command("graph", world.session, "--format", form, person="auditor")
        assert done.returncode == 0, done.stderr
        assert words in done.stdout
    assert world.server.command("graph", "nowhere", person="auditor").returncode == 2


def test_an_alias_is_declared_found_and_ended(world: World, postgres_tls: PostgresServer) -> None:
    server, principal = world.server, f"postgres:{postgres_tls.user}"
    before = len(server.jsonl("search", "actor:bob source:pgaudit", person="auditor"))
    refused = server.command("aliases", "add", principal, "bob", "--reason", "his own", person="bob")
    assert refused.returncode == 3, "an approver declared who somebody is"
    (made,) = server.jsonl("aliases", "add", principal, "bob", "--reason", "mail bob@example.com")
    assert "bob@example.com" not in made["reason"]
    taken = server.command("aliases", "add", principal, "auditor", "--reason", "hers too")
    assert taken.returncode == 6, taken.stderr
    found = server.jsonl("search", "actor:bob source:pgaudit", "--limit", "1000", person="auditor")
    assert (before, len(found) > 3) == (0, True)
    assert {one["known_as"]["alias"] for one in found} == {made["id"]}
    # Who may not list aliases knows their own, and nobody else's.
    assert server.jsonl("aliases", "list", person="alice") == []
    assert [one["id"] for one in server.jsonl("aliases", "list", person="bob")] == [made["id"]]
    (ended,) = server.jsonl("aliases", "end", made["id"], "--mistake", "--reason", "a shared account")
    assert server.jsonl("search", "actor:bob source:pgaudit", person="auditor") == []
    told = server.jsonl("search", "action:alias.*", person="auditor")
    assert [one["event"]["action"] for one in told] == ["alias.declared", "alias.ended"]
    assert ended["until"] == "1"


def test_an_incident_from_pins_to_a_post_mortem_that_verifies(world: World, tmp_path: Path) -> None:
    server = world.server
    (opened,) = server.jsonl(
        "incidents", "create", "People were read, ask carol@example.com", "--about",
        f"session:{world.session}", "--runbook", "short", person="bob",
    )  # fmt: skip
    number = str(opened["number"])
    assert "carol@example.com" not in json.dumps(opened)
    entries = timeline(world, "--session", world.session)
    run_ = next(one for one in entries if one["event"]["action"] == "statement.run")
    first, second = str(run_["index"]), run_["same_as"]
    tries = (("bob", first, 2), ("auditor", first, 0), ("auditor", second, 0), ("auditor", second, 6))
    for person, place, code in tries:
        done = server.command("incidents", "pin", number, place, "--why", "it read people", person=person)
        assert done.returncode == code, (person, done.stderr)
    for arguments, code in (
        (("note", number, "told anna@example.com"), 0), (("answer", number, "why", "no WHERE"), 0),
        (("answer", number, "nothing", "no"), 2), (("tag", number, "data"), 0),
        (("assign", number, "bob"), 0), (("status", number, "closed", "--why", "too early"), 6),
        (("status", number, "resolved", "--why", "the grant is gone"), 0),
    ):  # fmt: skip
        done = server.command("incidents", *arguments, person="bob")
        assert done.returncode == code, (arguments, done.stderr)
    told = timeline(world, "--incident", number)
    assert [one["why"] for one in told].count("pinned: it read people") == 2
    assert (
        server.command("incidents", "export", number, "-o", str(tmp_path / "no"), person="bob").returncode
        == 3
    )
    for out in (tmp_path / "pm", tmp_path / "pm.zip"):
        done = server.command("incidents", "export", number, "-o", str(out), person="auditor")
        assert done.returncode == 0, done.stderr
        key = server.command("keys", "export").stdout.splitlines()[0]
        checked = run("verify", str(out), "--json")
        assert checked.returncode == 0, (checked.stderr, key)
        shown = json.loads(checked.stdout)
        assert len(shown["facts"]["pins"]) == sum(map(len, shown["bundles"].values())) == 2
    everything = b"".join(file.read_bytes() for file in (tmp_path / "pm").iterdir())
    for value in (b"anna@example.com", b"carol@example.com"):
        assert value not in everything
    report = json.loads((tmp_path / "pm" / "post-mortem.json").read_text())
    assert [one["answer"] for one in report["incident"]["questions"]] == ["no WHERE"]
    assert "alice" in [one["actor"] for one in report["people"]]
    steps = [one["event"]["action"] for one in server.jsonl("search", "action:incident.*", person="auditor")]
    assert steps.count("incident.pinned") == 2
    assert {"incident.opened", "incident.noted", "incident.answered", "incident.moved", "incident.changed",
            "incident.exported"} <= set(steps)  # fmt: skip


def test_every_changed_file_of_a_post_mortem_is_found(world: World, tmp_path: Path) -> None:
    (opened,) = world.server.jsonl("incidents", "create", "Another one", person="auditor")
    out = tmp_path / "pm"
    run_ = world.server.jsonl("search", "action:statement.run", "--limit", "1", person="auditor")[0]
    pinned = world.server.command(
        "incidents", "pin", str(opened["number"]), str(run_["index"]), "--why", "one", person="auditor"
    )
    assert pinned.returncode == 0, pinned.stderr
    world.server.command("incidents", "export", str(opened["number"]), "-o", str(out), person="auditor")
    from glasshatch.errors import VerificationError
    from glasshatch.ledger.evidence import check_post_mortem

    files = {file.name: file.read_bytes() for file in out.iterdir()}
    check_post_mortem(files)
    for name, data in files.items():
        for place in (0, len(data) // 2, len(data) - 1):
            changed = bytearray(data)
            changed[place] ^= 1
            with pytest.raises(VerificationError):
                check_post_mortem({**files, name: bytes(changed)})
        with pytest.raises(VerificationError):
            check_post_mortem({other: one for other, one in files.items() if other != name})
    with pytest.raises(VerificationError):
        check_post_mortem({**files, "more.txt": b"more"})


def test_an_incident_begins_with_an_alert(world: World, postgres_tls: PostgresServer) -> None:
    server = world.server
    for _ in range(7):
        assert psql(server, postgres_tls, "SELECT 1", user="mallory") != 0
    deadline = time.monotonic() + 60
    auditor = server.desk_of("auditor")
    while not auditor.list_alerts(""):
        assert time.monotonic() < deadline, "no alert was raised"
        time.sleep(0.2)
    auditor.close()
    alerts = server.jsonl("alerts", "ls", "--state", "all", person="auditor")
    (opened,) = server.jsonl("incidents", "create", "--alert", alerts[0]["id"], person="auditor")
    assert opened["alert"] == alerts[0]["id"]
    assert opened["severity"] == alerts[0]["severity"]
    assert [pin["event"] for pin in opened["pins"]] == list(alerts[0]["events"])
