"""One server with a policy of its own before a real database, and people who have used it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import glasshatch.policy as policy
from fixtures.glasshatch import RunningServer
from fixtures.servers import PostgresServer
from glasshatch.api.client import Client
from glasshatch.api.policy_values import AskForm, Explained, ExplainForm, PolicyText
from glasshatch.api.values import ActorForm, SearchForm, TokenForm

from .holding import RULES, SECRET, Receiver

PRODUCTION = (Path(policy.__file__).parent / "sets" / "production.cedar").read_text()
CANARY = "anna.canary@example.com"
TABLES = """
CREATE TABLE customers (id int PRIMARY KEY, email text, name text, city text);
INSERT INTO customers VALUES (1, 'anna.canary@example.com', 'Anna Canary', 'Berlin'),
  (2, 'bert@example.org', 'Bert Other', 'Hamburg'), (3, 'carl@example.org', 'Carl Third', 'Bonn');
CREATE TABLE orders (id int PRIMARY KEY, customer int, cents int);
CREATE TABLE crowd AS SELECT n AS id, 'person' || n || '@example.com' AS email
  FROM generate_series(1, 1200) n;
INSERT INTO orders SELECT n, 1 + n % 3, n * 100 FROM generate_series(1, 50) n;
CREATE TABLE guests (id int PRIMARY KEY, email text, name text);
INSERT INTO guests VALUES (7, 'rita.canary@example.com', 'Rita Canary'),
  (8, 'sam.canary@example.com', 'Sam Canary');
"""
RESOURCE = """
[policy]
set = "policies/own.cedar"

[resources.shop]
type = "postgres"
host = "127.0.0.1"
port = {port}
database = "policyshop"
user = "{user}"
password = "file:{secret}"
tls = "disable"
preview_seconds = 1

[[resources.shop.columns]]
pattern = "*.customers.email"
type = "EMAIL"
operator = "token"
subject = true

[[resources.shop.columns]]
pattern = "*.crowd.email"
type = "EMAIL"
operator = "partial"
subject = true

[[resources.shop.columns]]
pattern = "*.customers.name"
type = "NAME"
operator = "redact"
"""


class PolicyServer(RunningServer):
    """A server whose policy file the tests change, and its real clients."""

    def __init__(self, folder: Path, database: PostgresServer) -> None:
        secret = folder / "shop.secret"
        secret.touch(mode=0o600)
        secret.write_text(f"{database.password}\n")
        more = RESOURCE.format(port=database.port, user=database.user, secret=secret)
        self.database = database
        super().__init__(folder, more)
        self.policy_file = self.home / "policies" / "own.cedar"
        self.policy_file.write_text(PRODUCTION)

    def client(self, person: str) -> Client:
        """The API under a person's token; what commands talk with, without a process for each."""
        token = (self.home.parent / f"{person}.token").read_text().strip()
        return Client(f"unix:{self.home}/run/glasshatch.sock", token)

    def add(self, name: str, *roles: str) -> None:
        """A person with roles and a token."""
        admin = self.client("admin")
        admin.create_actor(ActorForm(name=name, roles=roles))
        issued = admin.issue_token(TokenForm(actor=name, lifetime_s=28_800))
        file = self.home.parent / f"{name}.token"
        file.touch(mode=0o600)
        file.write_text(issued.text)

    def psql(self, person: str, text: str) -> subprocess.CompletedProcess[str]:
        """SQL through the hatch, as a person."""
        token = (self.home.parent / f"{person}.token").read_text().strip()
        where = f"host=127.0.0.1 port={self.gateway_port} dbname=shop user={person}"
        return subprocess.run(
            [self.database.psql, "-XAtq", where], input=text, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin", "PGPASSWORD": token}, timeout=60,
        )  # fmt: skip

    def events(self, action: str) -> list[dict[str, Any]]:
        """The recorded events of an action, oldest first."""
        form = SearchForm(query=f"action:{action}", limit=1000, oldest_first=True)
        return [json.loads(bytes(one.event)) for one in self.client("carol").search(form).events]

    def explained(
        self, statement: str, person: str = "alice", policy: PolicyText | None = None, **named: str
    ) -> Explained:
        """One explained statement."""
        asks = (AskForm(kind="sql", statement=statement),)
        (answer,) = self.client(person).explain_policy(ExplainForm(asks=asks, policy=policy, **named))
        return answer


def until(met: Callable[[], Any], what: str, within_s: float = 90) -> Any:
    """Wait until something is so."""
    deadline = time.monotonic() + within_s
    while not (found := met()):
        assert time.monotonic() < deadline, f"no {what} in time"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="package")
def server(postgres: PostgresServer, open_directory: Path) -> Iterator[PolicyServer]:
    folder = open_directory / "policy"
    folder.mkdir()
    postgres.sql("CREATE DATABASE policyshop")
    postgres.sql(TABLES, database="policyshop")
    server = PolicyServer(folder, postgres)
    try:
        server.start()
        server.add("alice", "engineer")
        server.add("bob", "engineer", "approver")
        server.add("carol", "auditor")
        server.add("dora", "dba")
        yield server
    finally:
        server.stop()
        postgres.sql("DROP DATABASE policyshop WITH (FORCE)")


@pytest.fixture(scope="package")
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture(scope="package")
def held(postgres: PostgresServer, open_directory: Any, receiver: Receiver) -> Iterator[PolicyServer]:
    """A server where statements wait, with several judges."""
    folder = open_directory / "holding"
    folder.mkdir()
    postgres.sql("CREATE DATABASE heldshop")
    postgres.sql(
        "CREATE TABLE customers (id int PRIMARY KEY, email text);"
        "CREATE TABLE orders (id int PRIMARY KEY, cents int);"
        "INSERT INTO orders SELECT n, n FROM generate_series(1, 20) n;"
        "CREATE FUNCTION mystery(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';",
        database="heldshop",
    )
    server = PolicyServer(folder, postgres)
    text = server.config.read_text().replace('"policyshop"', '"heldshop"')
    server.config.write_text(text + RULES.format(hold="1m", port=receiver.port, page=server.api_port))
    for name, secret in {"hook": SECRET, "chat": f"json://127.0.0.1:{receiver.port}/chat"}.items():
        file = server.home / f"{name}.secret"
        file.touch(mode=0o600)
        file.write_text(secret)
    (server.home / "oncall.json").write_text(
        '{"rotation": {"people": ["olga"], "start": "2020-01-01T00:00:00Z", "every": "7d"}}'
    )
    try:
        server.start()
        server.add("alice", "engineer")
        server.add("bob", "engineer", "approver")
        server.add("carol", "auditor")
        server.add("erna", "engineer")
        server.add("olga", "engineer")
        server.add("boss", "admin", "approver", "engineer")
        yield server
    finally:
        server.stop()
        postgres.sql("DROP DATABASE heldshop WITH (FORCE)")
