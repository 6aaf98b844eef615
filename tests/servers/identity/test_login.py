"""`glasshatch login` by a code that is confirmed at a real OpenID provider, and what the token opens then."""

from __future__ import annotations

import json
import stat
import subprocess

import psycopg
import pytest

from .conftest import IdentityServer, ended_after, until


def test_login_by_code_then_psql_with_the_fresh_token(server: IdentityServer) -> None:
    server.provider.person("dora", "oncall", "everybody-else")
    said = server.login("dora")
    assert "signed in as dora until" in said
    file = server.config_home("dora") / "glasshatch" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert server.token_of("dora") not in said

    me = server.as_person("dora", "whoami", "--format", "jsonl")
    assert me.returncode == 0, me.stderr
    assert json.loads(me.stdout)["roles"] == ["engineer"]
    asked = server.as_person("dora", "connect", "postgres/shop", "--", "-XAtc", "SELECT 40 + 2")
    assert (asked.returncode, asked.stdout) == (0, "42\n"), asked.stderr

    (accepted,) = server.events("action:signin.accepted actor:dora")
    assert (accepted["attrs"]["way"], accepted["actor"]["name"]) == ("device", "dora")
    (created,) = [
        one
        for one in server.events("action:actor.created")
        if one["attrs"].get("subject", {}).get("name") == "dora"
    ]
    assert created["attrs"]["by"] == "identity provider"
    opened = until(lambda: server.events("action:session.opened actor:dora"), "session in the index")
    assert opened[0]["actor"]["roles"] == ["engineer"]

    token = server.token_of("dora")
    out = server.as_person("dora", "logout")
    assert out.returncode == 0, out.stderr
    assert json.loads(file.read_text())["logins"] == {}
    over = server.as_person("dora", "whoami", GLASSHATCH_TOKEN=token)
    assert (over.returncode, "revoked" in over.stderr) == (3, True), over.stderr
    nobody = server.as_person("dora", "whoami")
    assert (nobody.returncode, "glasshatch login" in nobody.stderr) == (2, True), nobody.stderr


def test_a_certificate_opens_the_database_and_nothing_else(server: IdentityServer) -> None:
    assert server.command("actors", "add", "carl", "--role", "engineer").returncode == 0
    given = server.command("actors", "password", "carl", typed="quiet copper lanterns\n")
    assert given.returncode == 0, given.stderr
    done = server.as_person(
        "carl", "login", "--name", "carl", "--certificate", typed="quiet copper lanterns\n\n"
    )
    assert done.returncode == 0, done.stderr
    said = done.stderr
    folder = server.config_home("carl") / "glasshatch"
    key, certificate = folder / "carl.key", folder / "carl.crt"
    assert (stat.S_IMODE(key.stat().st_mode), "certificate" in said) == (0o600, True)

    def psql(user: str) -> subprocess.CompletedProcess[str]:
        where = (
            f"host=127.0.0.1 port={server.gateway_port} dbname=shop user={user} sslmode=require"
            f" sslcert={certificate} sslkey={key}"
        )
        return subprocess.run(
            ["/usr/bin/psql", "-XAtwc", "SELECT 40 + 2", where], capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin"}, timeout=60,
        )  # fmt: skip

    asked = psql("carl")
    assert (asked.returncode, asked.stdout) == (0, "42\n"), asked.stderr
    another = psql("dora")
    assert (another.returncode, "certificate is not accepted" in another.stderr) == (2, True)
    (serial,) = [one["serial"] for one in server.jsonl("actors", "certificates") if one["actor"] == "carl"]
    opened = until(lambda: server.events("action:session.opened actor:carl"), "session in the index")
    assert opened[0]["attrs"]["certificate"] == serial

    # One that another authority has signed is refused in the handshake, and that is recorded.
    strange = server.home.parent / "strange"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", f"{strange}.key", "-out", f"{strange}.crt", "-subj", "/CN=carl", "-days", "1"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    with pytest.raises(psycopg.OperationalError):
        server.connect("carl", "none", sslcert=f"{strange}.crt", sslkey=f"{strange}.key")
    until(
        lambda: [
            one for one in server.events("action:session.refused")
            if "of another authority" in one["outcome"].get("reason", "")
        ],
        "refusal in the index",
    )  # fmt: skip

    with server.connect("carl", "none", sslcert=str(certificate), sslkey=str(key)) as session:
        assert server.command("actors", "revoke-certificate", serial).returncode == 0
        assert ended_after(session) < 5
    assert "certificate was revoked" in psql("carl").stderr
    (cut,) = until(lambda: server.events("action:session.aborted actor:carl"), "end in the index")
    assert cut["outcome"]["reason"] == "the session was ended: its certificate was revoked"
