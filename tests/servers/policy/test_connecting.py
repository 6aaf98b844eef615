"""`connect` and `resources` as an engineer types them, with the real psql."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from pathlib import Path

import pytest

from fixtures.glasshatch import COMMAND, run
from glasshatch.api.client import Client
from glasshatch.api.reach_values import ConnectForm
from glasshatch.api.values import RequestForm, TokenForm
from glasshatch.errors import Denied

from .conftest import PolicyServer, until

PATH = "/usr/bin:/bin"
"""Where Debian's psql lies, which speaks TLS; the one of the embedded server does not."""


def connect(server: PolicyServer, person: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(
        "connect", *arguments, PATH=PATH, GLASSHATCH_DATA=str(server.home),
        GLASSHATCH_TOKEN_FILE=str(server.home.parent / f"{person}.token"),
    )  # fmt: skip


def test_it_opens_psql_and_passes_arguments_and_the_exit_code_on(server: PolicyServer) -> None:
    done = connect(
        server, "alice", "postgres/shop", "--", "-XAtc", "SELECT email FROM customers WHERE id = 2"
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"<EMAIL:[^>]+>\n", done.stdout)
    assert "postgres/shop as alice; the token works until" in done.stderr
    wrong = connect(server, "alice", "postgres/shop", "--", "-XAtc", "SELECT nothing FROM nowhere")
    assert wrong.returncode == 1
    assert "nowhere" in wrong.stderr


def test_the_certificate_is_verified_with_what_the_server_hands_out(server: PolicyServer) -> None:
    done = connect(server, "alice", "postgres/shop", "--", "-XAtc", r"\conninfo", "-c", r"\echo :SSLMODE")
    assert done.returncode == 0, done.stderr
    assert "SSL" in done.stdout
    way = server.client("alice").connect("postgres/shop", ConnectForm())
    assert "BEGIN CERTIFICATE" in way.tls_ca
    assert way.host in way.tls_names
    assert way.token not in repr(way)


def test_the_token_stands_in_no_argument_and_in_no_environment(server: PolicyServer) -> None:
    """What `ps e` shows of the running client, as its owner sees it."""
    token_file = str(server.home.parent / "alice.token")
    environment = {**os.environ, "PATH": PATH, "GLASSHATCH_DATA": str(server.home)}
    environment["GLASSHATCH_TOKEN_FILE"] = token_file
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, "connect", "postgres/shop", "--", "-X"], stdin=follower, stdout=follower, stderr=follower,
        env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    try:
        until(lambda: b"psql" in Path(f"/proc/{child.pid}/cmdline").read_bytes(), "psql in our place")
        # It is in a file that only this process's owner can open, and that has no name on any disk.
        opened = {one: os.readlink(one) for one in Path(f"/proc/{child.pid}/fd").iterdir()}
        (passfile,) = [one for one, name in opened.items() if name.startswith("/memfd:passfile")]
        assert passfile.stat().st_mode & 0o777 == 0o600
        fresh = passfile.read_text().strip().rpartition(":")[2]
        assert fresh.startswith("gh_")
        for name in ("cmdline", "environ"):
            said = Path(f"/proc/{child.pid}/{name}").read_text()
            assert fresh not in said, name
            assert Path(token_file).read_text().strip() not in said, name
    finally:
        os.write(leader, b"\\q\n")
        assert child.wait(120) == 0
        os.close(leader)


def test_url_prints_an_address_and_says_when_it_ends(server: PolicyServer) -> None:
    done = connect(server, "alice", "postgres/shop", "--url", "--for", "1m")
    assert done.returncode == 0, done.stderr
    address = rf"postgresql://alice:gh_\w+@127\.0\.0\.1:{server.gateway_port}/shop\?sslmode=require\n"
    assert re.fullmatch(address, done.stdout)
    assert "works until" in done.stderr
    seen = subprocess.run(
        ["/usr/bin/psql", "-XAtc", "SELECT 1", done.stdout.strip()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.stdout.strip() == "1", seen.stderr


def test_the_token_opens_one_resource_ends_soon_and_no_later_than_its_parent(server: PolicyServer) -> None:
    now = time.time_ns()
    way = server.client("alice").connect("postgres/shop", ConnectForm(lifetime_s=60))
    assert 55e9 < int(way.expires) - now < 65e9
    only = Client(f"unix:{server.home}/run/glasshatch.sock", way.token)
    with pytest.raises(Denied, match="does not open"):
        only.list_requests("")
    form = TokenForm(actor="alice", lifetime_s=30, scopes=("connect:postgres/shop",))
    short = server.client("alice").issue_token(form)
    theirs = Client(f"unix:{server.home}/run/glasshatch.sock", short.text)
    child = theirs.connect("postgres/shop", ConnectForm(lifetime_s=3_600))
    assert int(child.expires) <= int(short.expires)
    # A thief's copies end with the token that they were made from.
    server.client("alice").revoke_token(short.id)
    with pytest.raises(Denied, match="revoked"):
        Client(f"unix:{server.home}/run/glasshatch.sock", child.token).connect("postgres/shop", ConnectForm())


def test_who_may_not_and_what_is_not_there_is_said_before_a_token_is_made(server: PolicyServer) -> None:
    denied = connect(server, "carol", "postgres/shop")
    assert denied.returncode == 3
    assert "policy.default" in denied.stderr
    assert "glasshatch resources" in denied.stderr
    unknown = connect(server, "alice", "postgres/nowhere")
    assert unknown.returncode == 2
    assert "known: postgres/shop" in unknown.stderr
    strange = connect(server, "alice", "gopher/hole")
    assert "there are clients for postgres" in strange.stderr
    missing = run(
        "connect", "postgres/shop", PATH="/nonexistent", GLASSHATCH_DATA=str(server.home),
        GLASSHATCH_TOKEN_FILE=str(server.home.parent / "alice.token"),
    )  # fmt: skip
    assert "psql is not installed" in missing.stderr
    assert not [one for one in server.events("token.issued") if one["actor"]["name"] == "carol"]


def test_resources_say_what_i_may_and_why(server: PolicyServer) -> None:
    (shop,) = server.jsonl("resources", person="alice")
    ways = {way["state"]: way for way in shop["ways"]}
    assert shop["open"] is True
    assert ways["allowed"]["verbs"] == ["select", "insert"]
    assert ways["request"]["verbs"] == ["update", "delete", "create", "alter"]
    assert ways["request"]["rule"] == "production.write-needs-grant"
    assert ways["refused"]["rule"] == "production.no-destruction"
    asked = server.client("alice").create_request(
        RequestForm(resource="postgres/shop", verbs=("update",), duration_s=120, reason="mend an order")
    )
    granted = server.client("bob").approve(asked.id, "")
    try:
        (shop,) = server.jsonl("resources", person="alice")
        (way,) = [one for one in shop["ways"] if one.get("grant_id")]
        assert (way["verbs"], way["approvers"], way["state"]) == (["update"], ["bob"], "allowed")
        assert int(way["until"]) > time.time_ns()
        table = server.command("resources", person="alice").stdout
        assert "approved by bob" in table
        assert "after a request" in table
        assert "no-destruction" not in table
        assert "no-destruction" in server.command("resources", "--all", person="alice").stdout
    finally:
        server.client("bob").revoke(granted.grant_id)
    assert server.jsonl("resources", person="carol") == []
    (closed,) = server.jsonl("resources", "--all", person="carol")
    assert closed["open"] is False
    assert json.dumps(closed["ways"]) == "[]"
