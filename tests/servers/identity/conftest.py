"""One server with two workers before a real database, a real OpenID provider, and the people of both."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from fixtures.glasshatch import COMMAND, RunningServer, run
from fixtures.openid import OpenIdProvider, Person
from fixtures.page import Visitor
from fixtures.servers import PostgresServer
from glasshatch.api.client import Client
from glasshatch.api.signin_values import BrowserAnswer, BrowserForm
from glasshatch.api.values import SearchForm

RESOURCE = """
[resources.shop]
type = "postgres"
host = "{host}"
port = {port}
database = "{database}"
user = "{user}"
password = "file:{secret}"
tls = "disable"

[identity]
session = "2h"

"""
ROLES = '{ oncall = ["engineer"], security = ["auditor", "approver"], owners = ["admin"] }'
SCIM = """
[identity.scim]
roles = { "Field Engineers" = ["engineer"], "g-audit" = ["auditor"] }
"""


class IdentityServer(RunningServer):
    """A server that people sign in to. Their configuration folders lie beside it."""

    provider: OpenIdProvider

    def client(self, token: str = "") -> contextlib.closing[Client]:
        """The API under a token; the first administrator's if none is given."""
        text = token or self.admin_token.read_text().strip()
        return contextlib.closing(Client(f"unix:{self.home}/run/glasshatch.sock", text))

    def config_home(self, who: str) -> Path:
        return self.home.parent / f"config-{who}"

    def as_person(self, who: str, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command on somebody's own machine, which has no token but the one of their sign-in."""
        return run(
            *arguments, GLASSHATCH_DATA=str(self.home), XDG_CONFIG_HOME=str(self.config_home(who)),
            PATH="/usr/bin:/bin", **more,
        )  # fmt: skip

    def login(self, who: str, *options: str, confirm: Callable[[str], object] | None = None) -> str:
        """`glasshatch login` by code, while somebody confirms it with a browser; what it said."""
        environment = {
            "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "GLASSHATCH_DATA": str(self.home),
            "XDG_CONFIG_HOME": str(self.config_home(who)), "PYTHONPATH": _path(),
        }  # fmt: skip
        command = subprocess.Popen(
            [*COMMAND, "login", *options],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert command.stderr is not None
        said = ""
        for line in command.stderr:
            said += line
            if found := re.match(r"open (\S+)", line):
                (confirm or Person(who).confirm_device)(found[1])
                break
        out, rest = command.communicate(timeout=60)
        assert command.returncode == 0, said + rest
        return said + rest + out

    def front(self) -> contextlib.closing[Client]:
        """The front itself, as the server's back asks it for the page."""
        return contextlib.closing(Client(f"unix:{self.home}/run/front.sock", ""))

    def enter(self, who: str) -> str:
        """Sign somebody in through the provider with a browser, without our page; the token."""
        redirect = f"{self.url}/signin/provider/back"
        with self.front() as front:
            begun = front.begin_browser(BrowserForm(redirect=redirect))
            brought = parse_qs(urlsplit(Person(who).go(begun.address, redirect)).query)
            answer = BrowserAnswer(state=begun.state, code=brought["code"][0], issuer=brought["iss"][0])
            return front.finish_browser(answer).token

    def token_of(self, who: str) -> str:
        """The token that somebody's sign-in left on their machine."""
        kept = json.loads((self.config_home(who) / "glasshatch" / "logins.json").read_text())
        (login,) = kept["logins"].values()
        return str(login["token"])

    def connect(self, who: str, token: str, **more: Any) -> psycopg.Connection[Any]:
        """A session at the gateway, in whichever worker takes it."""
        return psycopg.connect(
            host="127.0.0.1", port=self.gateway_port, user=who, dbname="shop", sslmode="require",
            password=token, connect_timeout=20, autocommit=True, **more,
        )  # fmt: skip

    def events(self, query: str) -> list[dict[str, Any]]:
        """The recorded events that match, oldest first."""
        form = SearchForm(query=query, limit=1_000, oldest_first=True)
        token = (self.home.parent / "watcher.token").read_text().strip()
        with self.client(token) as client:
            return [json.loads(bytes(one.event)) for one in client.search(form).events]

    def visitor(self) -> Visitor:
        return Visitor(self.api_port)


def _path() -> str:
    import os

    return os.environ.get("PYTHONPATH", "")


def until(met: Callable[[], Any], what: str, within_s: float = 30) -> Any:
    """Wait until something is so."""
    deadline = time.monotonic() + within_s
    while not (found := met()):
        assert time.monotonic() < deadline, f"no {what} in time"
        time.sleep(0.05)
    return found


def ended_after(connection: psycopg.Connection[Any], within_s: float = 20) -> float:
    """Wait until the server has ended a session that asks for nothing; after how many seconds it did."""
    begun = time.monotonic()
    with pytest.raises(psycopg.Error):
        for _ in connection.notifies(timeout=within_s):
            pass
    return time.monotonic() - begun


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[IdentityServer]:
    folder, upstream = tmp_path_factory.mktemp("identity"), postgres
    postgres.sql("CREATE DATABASE identityshop")
    postgres.sql("CREATE TABLE notes (id serial PRIMARY KEY, body text)", database="identityshop")
    secret = folder / "upstream.secret"
    secret.touch(mode=0o600)
    secret.write_text(upstream.password)
    server = IdentityServer(folder, options=("--workers", "2"))
    provider = OpenIdProvider(folder, [f"http://127.0.0.1:{server.api_port}/signin/provider/back"]).start()
    text = server.config.read_text() + RESOURCE.format(
        host=upstream.host, port=upstream.port, database="identityshop", user=upstream.user, secret=secret
    )
    server.config.write_text(text + provider.section(folder / "client.secret", roles=ROLES, refresh='"1s"'))
    with server.config.open("a") as config:
        config.write(
            '\n[identity.scim]\nroles = { "Field Engineers" = ["engineer"], "g-audit" = ["auditor"] }\n'
        )
    server.provider = provider
    try:
        server.start()
        server.invite("watcher", "auditor")
        yield server
    finally:
        server.stop()
        provider.stop()
        postgres.sql("DROP DATABASE identityshop WITH (FORCE)")
