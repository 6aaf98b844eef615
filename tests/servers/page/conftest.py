"""A real server with a page, people with tokens, and visitors."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.glasshatch import RunningServer
from fixtures.page import Visitor, deliver
from glasshatch.api.client import Client
from glasshatch.api.values import ActorForm, RequestForm, SearchForm, TokenForm

RESOURCE = """
[resources.shop]
type = "postgres"
env = "production"
host = "127.0.0.1"
port = 9
database = "shop"
user = "nobody"
password = "file:{secret}"
tls = "disable"

[policy]
set = "production"
"""


class PageServer(RunningServer):
    """A server whose people are made through its API."""

    def __init__(self, folder: Path) -> None:
        secret = folder / "upstream.secret"
        secret.write_text("not-used")
        secret.chmod(0o600)
        super().__init__(folder, RESOURCE.format(secret=secret))
        text = self.config.read_text().replace("[gateway]", 'hosts = ["Glass.example"]\n[gateway]', 1)
        self.config.write_text(text)
        self.tokens: dict[str, str] = {}

    def client(self, person: str = "admin") -> contextlib.closing[Client]:
        token = self.tokens.get(person) or self.admin_token.read_text().strip()
        return contextlib.closing(Client(f"unix:{self.home}/run/glasshatch.sock", token))

    def add(self, name: str, *roles: str, scopes: tuple[str, ...] = ("*",), type: Any = "human") -> str:
        """An actor with a token; the token's id."""
        with self.client() as admin:
            admin.create_actor(ActorForm(name=name, type=type, roles=roles))
        return self.issue(name, name, scopes)

    def issue(self, name: str, label: str, scopes: tuple[str, ...] = ("*",)) -> str:
        with self.client() as admin:
            issued = admin.issue_token(TokenForm(actor=name, scopes=scopes))
        self.tokens[label] = issued.text
        return issued.id

    def visitor(self, person: str = "") -> Visitor:
        """Somebody at the page, signed in if they are named."""
        visitor = Visitor(self.api_port)
        return visitor.sign_in(self.tokens[person]) if person else visitor

    def feed(self, *events: dict[str, Any]) -> None:
        deliver(self.api_port, self.tokens["feeder"], "web", *events)

    def ask_for(self, reason: str, person: str = "alice") -> str:
        """A request for access; its id."""
        form = RequestForm(resource="postgres/shop", verbs=("update",), duration_s=600, reason=reason)
        with self.client(person) as client:
            return client.create_request(form).id

    def state_of(self, request_id: str) -> str:
        with self.client("bob") as bob:
            return next(one.state for one in bob.list_requests("") if one.id == request_id)

    def found(self, query: str) -> list[dict[str, Any]]:
        """The events that match, oldest first, as somebody sees them whom no test looks at."""
        with self.client("watcher") as watcher:
            found = watcher.search(SearchForm(query=query, limit=5_000))
        return [json.loads(bytes(one.event)) for one in sorted(found.events, key=lambda one: one.index)]

    def reads_of(self, person: str) -> list[str]:
        """What somebody has read so far, as the record has it, oldest first."""
        events = self.found(f"actor:{person} (action:record.read OR action:record.proved)")
        return [event["attrs"].get("what", "proof") for event in events]

    def wait_until(self, true: Callable[[], bool], timeout_s: float = 120) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < deadline_s, "it did not come true"
            time.sleep(0.1)

    def populate(self) -> PageServer:
        self.add("carol", "auditor")
        self.add("bob", "engineer", "approver")
        self.add("alice", "engineer")
        self.add("watcher", "auditor")  # who looks into the record for a test, and is looked at by none
        self.add("feeder", type="service", scopes=("ingest:json/web",))
        self.issue("bob", "bob reads only", ("read",))
        return self


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    server = PageServer(tmp_path_factory.mktemp("page"))
    server.start()
    yield server.populate()
    server.stop()


@pytest.fixture
def visit(server: PageServer) -> Callable[..., Visitor]:
    return server.visitor
