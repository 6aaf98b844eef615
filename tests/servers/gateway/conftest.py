"""A real gateway in front of a real PostgreSQL with a small shop in it, and what it recorded."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import uvloop

from glasshatch.clock import SystemClock
from glasshatch.errors import Denied, Unavailable
from glasshatch.events import Access, Client, Done, Event, Receipt
from glasshatch.gateway import GatewayServer, GuardedResource, Limits, Listen, PostgresTarget
from glasshatch.identity import Identity
from glasshatch.masking import ColumnRule, Engine, Redactor, Tokens
from glasshatch.policy import Ask, Decision, Grant, PolicySet, ResourceFacts
from glasshatch.statements import Statement

TOKENS = {
    "alice": "gh_alice_secret",
    "dba": "gh_dba_secret",
    "viewer": "gh_viewer_secret",
}
ROLES = {"alice": ("engineer",), "dba": ("dba", "engineer"), "viewer": ("nobody",)}

RULES = (
    ColumnRule(pattern="*.customers.email", type="EMAIL", operator="token", subject=True),
    ColumnRule(pattern="*.customers.name", type="NAME", operator="token"),
    ColumnRule(pattern="*.customers.phone", type="PHONE", operator="partial"),
    ColumnRule(pattern="*.payments.card", type="CARD", operator="partial"),
)

CANARIES = (
    "alice.canary@example.com",
    "bob.canary@example.org",
    "Alicia Canarywoman",
    "Roberto Canaryman",
    "4111111111111111",
    "5555555555554444",
    "+4915112345678",
)

SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE, name text, phone text, city text, visits int);
INSERT INTO customers VALUES
  (1, 'alice.canary@example.com', 'Alicia Canarywoman', '+4915112345678', 'Berlin', 3),
  (2, 'bob.canary@example.org', 'Roberto Canaryman', '+4915112345679', 'Hamburg', 5);
CREATE TABLE payments (id int PRIMARY KEY, customer int REFERENCES customers, card text, cents int);
INSERT INTO payments VALUES (1, 1, '4111111111111111', 1299), (2, 2, '5555555555554444', 450);
CREATE TABLE notes (id serial PRIMARY KEY, body text);
INSERT INTO notes (body) VALUES ('plain note'), ('write to alice.canary@example.com today');
CREATE TABLE numbers AS SELECT i AS n, 'row ' || i AS label FROM generate_series(1, 5000) i;
CREATE VIEW contact AS SELECT id, email AS e, city FROM customers;
CREATE VIEW cities AS SELECT id, city FROM customers;
CREATE FUNCTION all_customers() RETURNS SETOF customers LANGUAGE sql AS 'SELECT * FROM customers';
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
CREATE FUNCTION tell() RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN RAISE NOTICE 'name is %', (SELECT name FROM customers WHERE id = 1); END $$;
"""


class Sink:
    """The test's own sink: keeps events, acknowledges at once, or is told to stall or to fail."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.mode = "ok"
        self.held: list[Done] = []
        self.redactor: Redactor | None = None

    def submit(self, event: Event, done: Done | None = None) -> None:
        if self.mode == "fail":
            if done:
                done(Unavailable("the disk is full"))
            return
        self.events.append(event)
        if done is None:
            return
        if self.mode == "stall":
            self.held.append(done)
            return
        index = len(self.events)
        threading.Thread(target=done, args=(Receipt(index, b"\0" * 32),)).start() if index % 7 == 0 else done(
            Receipt(index, b"\0" * 32)
        )

    def of(self, action: str) -> list[Event]:
        return [event for event in self.events if event.action == action]

    def everything(self) -> str:
        return msgspec.json.encode(self.events).decode()


class People:
    async def authenticate(self, user: str, secret: str, resource: str, client: Client) -> Identity:
        if TOKENS.get(user) != secret:
            raise Denied("the token is not valid", hint="get a new one with `glasshatch token`")
        return Identity(id=f"id-{user}", tenant="default", type="human", name=user, roles=ROLES[user])


class Law:
    def __init__(self, policy: PolicySet) -> None:
        self.policy = policy
        self.grants: list[Grant] = []
        self.asked: list[Statement] = []
        self.crash = False

    def authorise(self, actor: Identity, resource: ResourceFacts) -> Decision:
        return self.policy.authorise(actor, resource, "session-decision")

    def decide(
        self, actor: Identity, resource: ResourceFacts, statement: Statement, masked: tuple[str, ...]
    ) -> Decision:
        self.asked.append(statement)
        if self.crash:
            raise RuntimeError(f"secret {statement}")
        now_ns = SystemClock().now_ns()
        ask = Ask(actor, resource, statement, tuple(self.grants), now_ns, masked)
        return self.policy.decide(ask, f"decision-{len(self.asked)}")

    def access(self, grant_id: str) -> Access | None:
        grant = next((grant for grant in self.grants if grant.id == grant_id), None)
        return Access(grant_id=grant_id, approvers=grant.approvers, reason=grant.reason) if grant else None


class RunningGateway:
    """A gateway on a thread of its own, and the clients to reach it with."""

    def __init__(
        self, database, engine: Engine, *, limits: Limits | None = None, tls=None, target=None, policy=None
    ) -> None:
        self.server = database.server
        self.client = database.server.psql
        self.database = database
        self.sink = Sink()
        self.law = Law(PolicySet.load(policy or "production"))
        self.redactor = Redactor(engine, Tokens({1: b"k" * 32}, 1, "default"))
        self.target = target or PostgresTarget(
            host=self.server.host,
            port=self.server.port,
            user=self.server.user,
            password=lambda: self.server.password,
            database=database.name,
            tls="verify-full" if self.server.ca_file else "disable",
            tls_ca=str(self.server.ca_file or ""),
        )
        certificate, key = tls or ("", "")
        self.gateway = GatewayServer(
            Listen(host="127.0.0.1", port=0, tls_certificate=certificate, tls_key=key),
            [GuardedResource(ResourceFacts("postgres", "shop", "production"), self.target, RULES)],
            authenticator=People(),
            authority=self.law,
            sink=self.sink,
            redactor=self.redactor,
            clock=SystemClock(),
            random_bytes=os.urandom,
            limits=limits,
        )
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self._started.wait(20)
        if self._failure:
            raise self._failure
        self.host, self.port = self.gateway.address

    def _run(self) -> None:
        async def main() -> None:
            self.loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            self.grace_s = 5.0
            try:
                await self.gateway.start()
            except BaseException as error:
                self._failure = error
                return
            finally:
                self._started.set()
            await self._stop.wait()
            await self.gateway.stop(self.grace_s)

        uvloop.run(main())

    def stop(self, grace_s: float = 5.0, wait: bool = True) -> None:
        self.grace_s = grace_s
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
        if wait:
            self.thread.join(20)
            assert not self.thread.is_alive(), "the gateway did not stop"

    def dsn(self, user: str = "alice", **more: str) -> str:
        parts = {
            "host": self.host,
            "port": self.port,
            "user": user,
            "password": TOKENS[user],
            "dbname": "shop",
            **more,
        }
        return " ".join(f"{name}={value}" for name, value in parts.items())

    def psql(self, text: str, user: str = "alice", *options: str, **environment: str):
        """Run the real psql on a script; returns the finished process."""
        return subprocess.run(
            [self.client, "-XAtq", *options],
            input=text,
            env={
                "PATH": "/usr/bin:/bin",
                "LC_ALL": "C.UTF-8",
                "PGHOST": self.host,
                "PGPORT": str(self.port),
                "PGUSER": user,
                "PGPASSWORD": TOKENS[user],
                "PGDATABASE": "shop",
                "PGCONNECT_TIMEOUT": "10",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ask(self, text: str, user: str = "alice") -> str:
        done = self.psql(text, user)
        assert not done.stderr
        assert done.returncode == 0
        return done.stdout.rstrip("\n")

    def wait_for(self, check: Callable[[], object], what: str = "the event") -> None:
        import time

        end = time.monotonic() + 10
        while not check():
            assert time.monotonic() < end, f"{what} did not come"
            time.sleep(0.01)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.load(packs=("core", "secrets"), cache_dir=tmp_path_factory.mktemp("engine"))


@pytest.fixture
def shop(fresh_database):
    fresh_database.sql(SHOP)
    return fresh_database


@pytest.fixture
def start(shop, engine) -> Iterator[Callable[..., RunningGateway]]:
    """Start gateways with settings of the test's own; all are stopped at its end."""
    running: list[RunningGateway] = []

    def begin(**settings) -> RunningGateway:
        gateway = RunningGateway(shop, engine, **settings)
        running.append(gateway)
        return gateway

    yield begin
    for gateway in running:
        gateway.stop(0.1)


@pytest.fixture
def gateway(start) -> RunningGateway:
    return start()


@pytest.fixture
def permissive(start, tmp_path: Path) -> RunningGateway:
    """A gateway whose policy forbids nothing: what it keeps back, it keeps back by masking alone."""
    policy = tmp_path / "everything.cedar"
    policy.write_text('@id("all")\n@reason("anything")\npermit(principal, action, resource);\n')
    return start(policy=policy)


@pytest.fixture(scope="session")
def certificate_files(certificates, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    directory = tmp_path_factory.mktemp("gateway-certificate")
    (directory / "gateway.crt").write_bytes(certificates.certificate)
    (directory / "gateway.key").write_bytes(certificates.key)
    return str(directory / "gateway.crt"), str(directory / "gateway.key"), certificates.ca_file
