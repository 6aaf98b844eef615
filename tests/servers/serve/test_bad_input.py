"""Bad input through the whole server, as a user meets it: what is wrong, the cure, the documented exit code.

The taken port is in test_processes.py, a full disk in tests/faults/serve.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.glasshatch import RunningServer, run
from fixtures.servers import PostgresServer

pytestmark = pytest.mark.slow

# -- what keeps a server from starting -------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped directory that was in use."""
    folder = tmp_path_factory.mktemp("stopped")
    server = RunningServer(folder)
    done = run("actors", "add", "dora", "--data", str(server.home))
    assert done.returncode == 0, done.stderr
    return folder


def unknown_key(server: RunningServer) -> None:
    server.config.write_text(server.config.read_text() + "[gateaway]\n")


def another_master_key(server: RunningServer) -> None:
    shutil.rmtree(server.home / "keys" / "master.key", ignore_errors=True)
    (server.home / "keys" / "master.key").write_text("A" * 43 + "=\n")


def missing_secret(server: RunningServer) -> None:
    resource = '[resources.x]\ntype = "postgres"\nhost = "h"\ndatabase = "d"\nuser = "u"\n'
    server.config.write_text(server.config.read_text() + resource + 'password = "env:NOT_SET"\n')


def flipped_bit(server: RunningServer) -> None:
    """In the first frame of the log, with good frames behind it: no crash leaves that."""
    segment = server.home / "ledgers" / "default" / "wal" / "00000000.seg"
    data = bytearray(segment.read_bytes())
    data[200] ^= 1
    segment.write_bytes(data)


def lost_entries(server: RunningServer) -> None:
    """The log was put back to an older state than the checkpoint that was signed over it."""
    segment = server.home / "ledgers" / "default" / "wal" / "00000000.seg"
    segment.write_bytes(segment.read_bytes()[:64].ljust(segment.stat().st_size, b"\0"))


def changed_row(server: RunningServer) -> None:
    import sqlite3

    with sqlite3.connect(server.home / "control.db") as connection:
        connection.execute("""UPDATE actors SET roles = '["admin"]' WHERE name = 'dora'""")
    connection.close()


STOPS: dict[str, tuple[Callable[[RunningServer], None], int, tuple[str, ...]]] = {
    "an unknown key": (unknown_key, 2, ("glasshatch.toml", "gateaway", "gateway")),
    "a missing secret": (missing_secret, 2, ("resources.x.password", "NOT_SET")),
    "another master key": (another_master_key, 5, ("default.json", "another master key", "give the master")),
    "a flipped bit in the ledger": (flipped_bit, 5, ("wal/00000000.seg", "damaged", "restore from a backup")),
    "entries that are gone": (lost_entries, 5, ("wal/00000000.seg", "missing", "restore from a backup")),
    "a changed control row": (changed_row, 5, ("control table actors", "was changed", "restore")),
}  # fmt: skip


@pytest.mark.parametrize("what", STOPS)
def test_a_server_that_cannot_be_right_does_not_start(made: Path, tmp_path: Path, what: str) -> None:
    shutil.copytree(made / "home", tmp_path / "home")
    server = RunningServer(tmp_path)
    spoil, code, says = STOPS[what]
    spoil(server)
    server.start(ready=False)
    assert server.process is not None
    assert server.process.wait(60) == code
    said = server.log.read_text()
    assert not [words for words in says if words not in said], said
    assert said.count("hint:") == 1
    assert "Traceback" not in said
    assert "ready" not in said


# -- what a running server meets -------------------------------------------------------------------

RESOURCE = """
[resources.{name}]
type = "postgres"
host = "127.0.0.1"
port = {port}
database = "postgres"
user = "{user}"
password = "env:{secret}"
tls = "disable"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[RunningServer]:
    os.environ |= {"GH_TEST_GOOD": postgres.password, "GH_TEST_WRONG": "not the upstream's password"}
    more = (
        RESOURCE.format(name="shop", port=postgres.port, user=postgres.user, secret="GH_TEST_GOOD")
        + RESOURCE.format(name="wrong", port=postgres.port, user=postgres.user, secret="GH_TEST_WRONG")
        + RESOURCE.format(name="down", port=1, user="nobody", secret="GH_TEST_GOOD")
    )
    server = RunningServer(tmp_path_factory.mktemp("running"), more).start()
    server.invite("alice", "engineer")
    server.invite("carol", "auditor")
    server.invite("feed", "engineer")
    yield server
    assert server.stop() == 0
    done = run("verify", str(server.home))
    assert done.returncode == 0, done.stdout


def token_of_alice(server: RunningServer) -> str:
    return (server.home.parent / "alice.token").read_text().strip()


def psql(
    server: RunningServer, postgres: PostgresServer, text: str, resource: str = "shop", **more: str
) -> subprocess.CompletedProcess[str]:
    """What alice's psql says to a script."""
    environment = {
        "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGHOST": "127.0.0.1", "PGUSER": "alice",
        "PGPORT": str(server.gateway_port), "PGPASSWORD": token_of_alice(server),
        "PGDATABASE": resource, "PGCONNECT_TIMEOUT": "20",
    }  # fmt: skip
    return subprocess.run(
        [postgres.psql, "-XAtq", "-v", "ON_ERROR_STOP=1"], env=environment | more, input=text,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def newest(server: RunningServer, action: str) -> dict[str, Any]:
    """The newest event of this kind."""
    found = server.jsonl("events", "--action", action, "--limit", "1", person="carol")
    event: dict[str, Any] = found[-1]["event"]
    return event


def serves(server: RunningServer, postgres: PostgresServer) -> bool:
    return psql(server, postgres, "SELECT 40 + 2;").stdout == "42\n"


NESTED = "SELECT " + "(" * 50_000 + "1" + ")" * 50_000 + ";"
CHAINED = "SELECT " + "+".join(["1"] * 50_000) + ";"
LARGE = f"SELECT '{'x' * (2 << 20)}';"
BY_POLICY = ("refused by policy", "glasshatch request")
REFUSALS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "an upstream that is down": ("down", "SELECT 1;", ("postgres/down", "HINT"), "session.refused"),
    "a wrong upstream password": (
        "wrong", "SELECT 1;", ("postgres/wrong", "the gateway's own credentials", "HINT"), "session.refused",
    ),
    "no such resource": ("none", "SELECT 1;", ("no such resource", "HINT"), "session.refused"),
    "50,000 nested terms": ("shop", NESTED, BY_POLICY, "statement.denied"),
    "50,000 chained terms": ("shop", CHAINED, BY_POLICY, "statement.denied"),
    "2 MB of statement": ("shop", LARGE, ("2097167 bytes, the limit is 1048576",), "session.aborted"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_a_refusal_names_what_and_the_cure_and_the_server_stays(
    server: RunningServer, postgres: PostgresServer, what: str
) -> None:
    resource, text, says, action = REFUSALS[what]
    done = psql(server, postgres, text, resource)
    assert done.returncode != 0
    assert done.stdout == ""
    assert not [words for words in says if words not in done.stderr], done.stderr[:2_000]
    assert "not the upstream's password" not in done.stderr
    event = newest(server, action)
    assert event["outcome"]["status"] in ("denied", "failure"), event["outcome"]
    assert serves(server, postgres)


def test_an_expired_token_is_refused_by_gateway_and_api(
    server: RunningServer, postgres: PostgresServer, tmp_path: Path
) -> None:
    token = tmp_path / "short.token"
    issued = server.command("tokens", "issue", "alice", "--for", "1s", "--out", str(token))
    assert issued.returncode == 0, issued.stderr
    deadline = time.monotonic() + 120
    while psql(server, postgres, "SELECT 1;", PGPASSWORD=token.read_text().strip()).returncode == 0:
        assert time.monotonic() < deadline
    done = psql(server, postgres, "SELECT 1;", PGPASSWORD=token.read_text().strip())
    assert (done.returncode, "token" in done.stderr) == (2, True)
    listed = run("requests", GLASSHATCH_DATA=str(server.home), GLASSHATCH_TOKEN_FILE=str(token))
    assert listed.returncode == 3
    assert "token" in listed.stderr
    assert token.read_text().strip() not in done.stderr + listed.stderr


GARBAGE = {
    "nothing": b"", "zeros": bytes(4_096), "noise": bytes(range(256)) * 64, "http": b"GET / HTTP/1.1\r\n\r\n",
    "a huge length": b"\x7f\xff\xff\xff\x00\x03\x00\x00", "half a startup": b"\x00\x00\x00\x54\x00\x03",
}  # fmt: skip


def test_clients_that_speak_garbage_end_alone(server: RunningServer, postgres: PostgresServer) -> None:
    front = server.part("front")
    for data in GARBAGE.values():
        with socket.create_connection(("127.0.0.1", server.gateway_port), 10) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(60)
            answer = b"".join(iter(lambda client=client: client.recv(4_096), b""))
        assert len(answer) < 4_096
    assert serves(server, postgres)
    assert server.part("front") == front


def test_a_statement_too_large_for_an_entry_is_recorded_shortened_and_kept_whole(
    server: RunningServer, postgres: PostgresServer
) -> None:
    # Literals are recorded as short tokens, so it takes names to make a statement's record large.
    names = ", ".join(f'1 AS "{"name_" * 11}{number:04}"' for number in range(1_200))
    done = psql(server, postgres, f"SELECT {names};")
    assert (done.returncode, len(done.stdout)) == (0, 2_400), done.stderr[:2_000]
    event = newest(server, "statement.run")
    statement = event["statement"]
    assert statement["text"].endswith("[CUT]")
    assert len(json.dumps(statement)) < 65_535
    assert statement["hash"]
    shown = server.command("show", event["id"], "--whole", "--format", "json", person="carol")
    assert shown.returncode == 0, shown.stderr
    assert names in json.loads(shown.stdout)["event"]["statement"]["text"]


def test_a_fed_event_that_is_too_large_keeps_no_other_from_being_recorded(
    server: RunningServer, tmp_path: Path
) -> None:
    lines: list[dict[str, Any]] = [
        {"action": "order.packed", "id": f"order-{number}", "attrs": {"order": number}} for number in range(3)
    ]
    lines[1]["attrs"] = {f"part-{n}": "a long name of a part " * 20 for n in range(500)}
    file = tmp_path / "orders.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (fed,) = server.jsonl("ingest", "json", str(file), person="feed")
    result = fed["result"]
    assert result.get("accepted", 0) + result.get("quarantined", 0) == 3, result
    assert result["accepted"] >= 2
    again = server.jsonl("ingest", "json", str(file), person="feed")[0]["result"]
    assert again.get("accepted", 0) == 0, again
    assert again["duplicates"] >= 2, again


def test_a_second_server_and_a_migration_are_told_who_holds_the_directory(server: RunningServer) -> None:
    for command in (("serve", "--config", str(server.config)), ("migrate", str(server.home))):
        done = run(*command)
        assert done.returncode == 6, done.stderr
        assert f"is already open in process {server.part('front')}" in done.stderr
        assert "stop that server" in done.stderr
    assert json.loads(server.command("status", "--format", "jsonl").stdout)["ledger_size"]
