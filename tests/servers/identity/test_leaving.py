"""Somebody leaves, a token is stolen, a provider is down: what ends, how fast, and what goes on."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from fixtures.servers import PostgresServer
from glasshatch.api.client import Client
from glasshatch.api.signin_values import PasswordForm, RolesForm
from glasshatch.api.values import ActorForm, TokenForm
from glasshatch.errors import Denied, NotAuthenticated, Unavailable

from .conftest import IdentityServer, ended_after, until

WITHIN_S = 5
"""A second is promised; this machine may be busy with other things."""
MANY = 6


def sessions(
    server: IdentityServer, who: str, token: str, stack: contextlib.ExitStack
) -> list[psycopg.Connection[Any]]:
    """So many sessions that both workers have some."""
    found = [stack.enter_context(server.connect(who, token)) for _ in range(MANY)]
    for session in found:
        assert session.execute("SELECT 1").fetchone() == (1,)
    return found


def invited(server: IdentityServer, name: str, *roles: str, **more: Any) -> str:
    """An actor with a token; its text."""
    with server.client() as admin:
        admin.create_actor(ActorForm(name=name, roles=roles, **more))
        return admin.issue_token(TokenForm(actor=name)).text


def test_a_disabled_actor_loses_every_session_in_every_worker_with_their_agents(
    server: IdentityServer,
) -> None:
    token = invited(server, "lena", "engineer")
    agent = invited(server, "lena-bot", "engineer", type="agent", on_behalf_of="lena")
    other = invited(server, "otto", "engineer")
    with contextlib.ExitStack() as stack:
        mine = sessions(server, "lena", token, stack)
        bots, others = sessions(server, "lena-bot", agent, stack), sessions(server, "otto", other, stack)
        # One is in the middle of a statement, which would run on at the database for a minute.
        mine[0].execute("SET statement_timeout = 0")
        with server.client() as admin:
            admin.disable_actor("lena")
        begun = time.monotonic()
        for session in (*mine, *bots):
            ended_after(session)
        assert time.monotonic() - begun < WITHIN_S
        for session in others:
            assert session.execute("SELECT 1").fetchone() == (1,)
    for name, text in (("lena", token), ("lena-bot", agent)):
        with pytest.raises(psycopg.OperationalError, match=r"revoked|disabled"):
            server.connect(name, text)
        with server.client(text) as client, pytest.raises(NotAuthenticated):
            client.me()
    cut = until(lambda: len(server.events("action:session.aborted actor:lena")) >= MANY, "ends in the index")
    assert cut
    # They tried what they still had, and that is known of them: the review of access counts it.
    until(lambda: server.events("action:session.refused actor:lena"), "refusal in the index")
    (knock,) = until(lambda: server.events("action:signin.refused actor:lena"), "refusal in the index")
    assert (knock["attrs"]["way"], knock["outcome"]["code"]) == ("token", "revoked")
    with server.client((server.home.parent / "watcher.token").read_text().strip()) as auditor:
        (lena,) = (one for one in auditor.review_access().actors if one.name == "lena")
    assert lena.left
    assert lena.since_left >= 1


def test_a_running_statement_is_cancelled_at_the_database(
    server: IdentityServer, postgres: PostgresServer
) -> None:
    token = invited(server, "sleeper", "engineer")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(50)%' AND state = 'active'"

    def sleeping() -> bool:
        # The one who looks is active too, and its own text holds the words.
        return int(postgres.sql(asleep).strip()) > 1

    with server.connect("sleeper", token) as session, ThreadPoolExecutor(1) as aside:
        running = aside.submit(session.execute, "SELECT pg_sleep(50)")
        until(sleeping, "sleeping statement")
        with server.client() as admin:
            admin.disable_actor("sleeper")
        with pytest.raises(psycopg.Error):
            running.result(timeout=WITHIN_S)
        until(lambda: not sleeping(), "end of the statement at the database", WITHIN_S)


def test_a_revoked_token_ends_what_it_opened_and_nothing_else(server: IdentityServer) -> None:
    stolen = invited(server, "ruth", "engineer")
    with server.client() as admin:
        own = admin.issue_token(TokenForm(actor="ruth")).text
    with server.connect("ruth", stolen) as theirs, server.connect("ruth", own) as mine:
        with server.client() as admin:
            admin.revoke_token(stolen.split("_")[1])
        assert ended_after(theirs) < WITHIN_S
        assert mine.execute("SELECT 1").fetchone() == (1,)


def test_who_is_gone_at_the_provider_is_gone_here(server: IdentityServer) -> None:
    server.provider.person("gona", "oncall")
    token = server.enter("gona")
    with server.connect("gona", token) as session:
        session.execute("SELECT 1")
        server.provider.dismiss("gona")
        assert ended_after(session, 40) < 40
    with server.client(token) as client, pytest.raises(NotAuthenticated, match="revoked"):
        client.me()
    events = until(
        lambda: [
            e for e in server.events("action:token.revoked") if "vouch" in e["outcome"].get("reason", "")
        ],
        "end",
    )
    assert events


def test_groups_become_roles_while_somebody_is_signed_in(server: IdentityServer) -> None:
    server.provider.person("gwen", "oncall")
    token = server.enter("gwen")

    def roles() -> tuple[str, ...]:
        with server.client(token) as client:
            return client.me().roles

    assert roles() == ("engineer",)
    server.provider.person("gwen", "security")
    until(lambda: roles() == ("approver", "auditor"), "other roles", 40)
    # No group that opens anything any more: out, although the provider still knows them.
    server.provider.person("gwen", "gardeners")

    def out() -> bool:
        try:
            roles()
        except NotAuthenticated:
            return True
        return False

    until(out, "end of the sign-in", 40)


def test_while_the_provider_hangs_the_signed_in_go_on_and_others_are_told_why(server: IdentityServer) -> None:
    server.provider.person("hugo", "oncall")
    token = server.enter("hugo")
    server.provider.pause(True)
    try:
        with server.client(token) as client, server.connect("hugo", token) as session:
            time.sleep(3)  # the provider is asked about hugo meanwhile, and says nothing
            assert client.me().name == "hugo"
            assert session.execute("SELECT 1").fetchone() == (1,)
        refused = server.as_person("new", "login")
        assert refused.returncode == 4
        assert "identity provider cannot be reached: no answer in time" in refused.stderr
    finally:
        server.provider.pause(False)

    def back() -> str:
        try:
            return server.enter("hugo")
        except Unavailable:
            return ""

    # That it was away is remembered for some seconds, so that not everybody waits for it.
    assert until(back, "sign-in after the provider is back")


def test_roles_and_enabling_by_command(server: IdentityServer) -> None:
    token = invited(server, "vera", "engineer")
    with server.client() as admin:
        assert admin.set_roles("vera", RolesForm(roles=("auditor",))).roles == ("auditor",)
        admin.disable_actor("vera")
        admin.enable_actor("vera")
        with server.client(token) as client, pytest.raises(Denied):
            client.me()  # what ended stays so
        fresh = admin.issue_token(TokenForm(actor="vera")).text
    with server.client(fresh) as client:
        assert client.me().roles == ("auditor",)
    with server.client(fresh) as client, pytest.raises(Denied):
        client.enable_actor("lena")


def test_the_back_cannot_be_told_where_a_call_comes_from(server: IdentityServer) -> None:
    """The header by which the back tells the front is read on the front's own socket alone."""
    socket = f"unix:{server.home}/run/glasshatch.sock"
    guess = PasswordForm(name="nobody", password="guess")
    with contextlib.closing(Client(socket, "", for_client="203.0.113.9")) as client:
        with pytest.raises(NotAuthenticated):
            client.sign_in_password(guess)
        with pytest.raises(NotAuthenticated):
            client.me()
    refused = until(lambda: server.events("action:signin.refused"), "refusal in the index")
    assert all(one.get("client", {}).get("ip") != "203.0.113.9" for one in refused)
