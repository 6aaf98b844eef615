"""The API as people meet it: a real server on real sockets, over a real control store."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glasshatch.api.access_routes import ACCESS_ROUTES
from glasshatch.api.breakglass_routes import BREAK_GLASS_ROUTES
from glasshatch.api.case_routes import CASE_ROUTES
from glasshatch.api.change_routes import CHANGE_ROUTES
from glasshatch.api.client import Client
from glasshatch.api.directory_routes import DIRECTORY_ROUTES
from glasshatch.api.intake_routes import FEED_ROUTES, INTAKE_ROUTES
from glasshatch.api.otlp_routes import OTLP_ROUTES
from glasshatch.api.policy_routes import POLICY_ROUTES
from glasshatch.api.reach_routes import REACH_ROUTES
from glasshatch.api.reveal_routes import REVEAL_ROUTES
from glasshatch.api.routes import FRONT_ROUTES, TENANT_ROUTES
from glasshatch.api.search_routes import KEEP_ROUTES, SAVED_ROUTES
from glasshatch.api.server import ApiServer
from glasshatch.api.signin_routes import FRONT_PUBLIC_ROUTES, PUBLIC_ROUTES, SIGNIN_ROUTES
from glasshatch.api.values import (
    ActorForm,
    ActorView,
    EventFilter,
    GrantView,
    ProofText,
    RecordedEvent,
    RequestForm,
    RequestView,
    SessionSummary,
    Status,
    TokenForm,
    TokenIssued,
)
from glasshatch.api.vault_routes import VAULT_ROUTES
from glasshatch.control import ControlStore
from glasshatch.errors import ConfigError, Conflict, Denied, GlasshatchError, TooLarge, Unavailable
from glasshatch.events import Event, Source, encode
from glasshatch.identity import Identity, scope_allows
from glasshatch.policy import Grant, Request

NOW = 1_800_000_000_000_000_000
SECOND = 10**9
WISH = RequestForm(resource="postgres/orders", verbs=("write",), duration_s=600, reason="payment 17 hangs")


class StoreDesk:
    """A desk over a real control store and a list of real events, with no rules of its own."""

    def __init__(self, store: ControlStore) -> None:
        self.store = store
        self.asked: list[EventFilter] = []
        source = Source(kind="test")
        self.events = [
            encode(Event(id=f"e{n}", time=str(NOW + n), action="test.happened", source=source))
            for n in range(3)
        ]

    def identify(self, token: str, scope: str, target: str = "") -> Identity:
        identity, held = self.store.authenticate(token, NOW)
        if not scope_allows(held.scopes, scope):
            raise Denied(f"the token does not open {scope}")
        return identity

    def list_events(self, caller: Identity, filter: EventFilter) -> list[RecordedEvent]:
        self.asked.append(filter)
        found = [
            RecordedEvent(n, msgspec.Raw(event)) for n, event in enumerate(self.events) if n > filter.after
        ]
        return found[-filter.limit :]

    def show_event(self, caller: Identity, event_id: str) -> RecordedEvent:
        if not event_id.isdecimal() or int(event_id) >= len(self.events):
            raise ConfigError("there is no such event", key="event")
        return RecordedEvent(int(event_id), msgspec.Raw(self.events[int(event_id)]))

    def show_whole(self, caller: Identity, event_id: str) -> RecordedEvent:
        found = self.show_event(caller, event_id)
        return msgspec.structs.replace(found, event=msgspec.Raw(b'{"whole":' + bytes(found.event) + b"}"))

    def list_sessions(self, caller: Identity, limit: int) -> list[SessionSummary]:
        raise ZeroDivisionError("alice@example.com")

    def prove(self, caller: Identity, event_id: str) -> ProofText:
        return ProofText(f"proof of {event_id}", "key")

    def status(self, caller: Identity) -> Status:
        return Status(
            version="1", tenant=caller.tenant, ledger_size=3, checkpoint="", policy="p", policy_hash="h",
            resources=(), listening="",
        )  # fmt: skip

    def create_request(self, caller: Identity, form: RequestForm) -> RequestView:
        made = self.store.requests.create(
            caller, resource=form.resource, verbs=form.verbs, duration_ns=form.duration_s * SECOND,
            reason=form.reason, now_ns=NOW,
        )  # fmt: skip
        return self._request(made)

    def list_requests(self, caller: Identity, state: str) -> list[RequestView]:
        return [self._request(found) for found in self.store.requests.list(state or None)]  # type: ignore[arg-type]

    def approve(self, caller: Identity, request_id: str, comment: str) -> RequestView:
        return self._request(self.store.requests.approve(request_id, caller, NOW, comment)[0])

    def deny(self, caller: Identity, request_id: str, comment: str) -> RequestView:
        return self._request(self.store.requests.deny(request_id, caller, NOW, comment))

    def withdraw(self, caller: Identity, request_id: str) -> RequestView:
        return self._request(self.store.requests.withdraw(request_id, caller, NOW))

    def list_grants(self, caller: Identity, state: str) -> list[GrantView]:
        return [self._grant(found) for found in self.store.grants.list()]

    def revoke(self, caller: Identity, grant_id: str) -> GrantView:
        return self._grant(self.store.grants.revoke(grant_id, caller.id, NOW + 1))

    def create_actor(self, caller: Identity, form: ActorForm) -> ActorView:
        return self._actor(self.store.actors.create(form.name, form.type, form.roles, now_ns=NOW))

    def list_actors(self, caller: Identity) -> list[ActorView]:
        return [self._actor(actor) for actor in self.store.actors.list()]

    def disable_actor(self, caller: Identity, name: str) -> ActorView:
        return self._actor(self.store.actors.set_disabled(self.store.actors.named(name).id, True, NOW))

    def issue_token(self, caller: Identity, form: TokenForm) -> TokenIssued:
        actor = self.store.actors.named(form.actor)
        text, token = self.store.tokens.issue(
            actor.id, scopes=form.scopes, lifetime_ns=form.lifetime_s * SECOND, now_ns=NOW
        )
        return TokenIssued(id=token.id, actor=actor.name, text=text, expires=str(token.expires_ns))

    def revoke_token(self, caller: Identity, token_id: str) -> None:
        self.store.tokens.revoke(token_id, NOW)

    def _request(self, request: Request) -> RequestView:
        return RequestView(
            id=request.id, actor=request.actor_id, resource=request.resource, verbs=request.verbs,
            duration_s=request.duration_ns // SECOND, reason=request.reason, ticket=request.ticket,
            state=request.state, created=str(request.created_ns), reviewers=request.approvers,
        )  # fmt: skip

    def _grant(self, grant: Grant) -> GrantView:
        return GrantView(
            id=grant.id, request_id=grant.request_id, actor=grant.actor_id, resource=grant.resource,
            verbs=grant.verbs, approvers=grant.approvers, reason=grant.reason, starts=str(grant.starts_ns),
            expires=str(grant.expires_ns), state="revoked" if grant.revoked_ns else "active",
        )  # fmt: skip

    def _actor(self, actor: Identity) -> ActorView:
        return ActorView(
            id=actor.id, name=actor.name, type=actor.type, roles=actor.roles, disabled=actor.disabled
        )


class Running:
    """A server that runs, and what belongs to it."""

    def __init__(self, folder: Path, desk: StoreDesk) -> None:
        self.desk = desk
        self.bugs: list[BaseException] = []
        self.path = folder / "glasshatch.sock"
        self.server = ApiServer(desk, desk, self.path, "127.0.0.1:0", self.bugs.append)
        self.tokens: dict[str, str] = {}

    def client(self, name: str = "alice") -> Client:
        return Client(f"unix:{self.path}", self.tokens[name])

    def raw(self, method: str, path: str, body: bytes = b"", name: str = "alice") -> tuple[int, Any, Any]:
        """Status, JSON and headers of one request over TCP."""
        assert self.server.tcp_address
        connection = http.client.HTTPConnection(*self.server.tcp_address, timeout=60)
        headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        with contextlib.closing(connection):
            connection.request(method, path, body, headers | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, msgspec.json.decode(answer.read() or b"null"), answer.headers


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("api")
    store = ControlStore.create(folder / "control.db", tenant="default", mac_key=b"k" * 32, random=os.urandom)
    running = Running(folder, StoreDesk(store))
    people = {"alice": ["*"], "bob": ["*"], "reader": ["read"]}
    for name, scopes in people.items():
        actor = store.actors.create(name, now_ns=NOW)
        running.tokens[name], _ = store.tokens.issue(
            actor.id, scopes=scopes, lifetime_ns=3600 * SECOND, now_ns=NOW
        )
    asyncio.run(running.server.start())
    yield running
    asyncio.run(running.server.stop())
    assert not running.path.exists()
    store.close()


def test_a_request_becomes_a_grant_and_is_revoked(running: Running) -> None:
    alice, bob = running.client(), running.client("bob")
    asked = alice.create_request(WISH)
    assert asked.verbs == ("delete", "insert", "merge", "select", "update")
    assert asked in bob.list_requests("pending")
    assert bob.approve(asked.id, "go ahead").state == "approved"
    [grant] = [found for found in alice.list_grants("") if found.request_id == asked.id]
    assert bob.revoke(grant.id).state == "revoked"


def test_the_other_ends_of_a_request(running: Running) -> None:
    alice, bob = running.client(), running.client("bob")
    assert bob.deny(alice.create_request(WISH).id, "no").state == "denied"
    assert alice.withdraw(alice.create_request(WISH).id).state == "withdrawn"


def test_errors_keep_their_class(running: Running) -> None:
    alice, bob = running.client(), running.client("bob")
    asked = alice.create_request(WISH)
    with pytest.raises(Denied, match="own request"):
        alice.approve(asked.id)
    bob.deny(asked.id)
    with pytest.raises(Conflict, match="denied"):
        bob.approve(asked.id)
    with pytest.raises(ConfigError, match="no request"):
        bob.approve("nothing")


def test_events_are_given_as_they_are_stored(running: Running) -> None:
    found = running.client("reader").list_events(EventFilter(after=0, limit=2))
    assert [(item.index, bytes(item.event)) for item in found] == list(enumerate(running.desk.events))[1:]
    assert bytes(running.client().show_event("2").event) == running.desk.events[2]
    assert bytes(running.client().show_whole("2").event) == b'{"whole":' + running.desk.events[2] + b"}"
    with pytest.raises(ConfigError, match="no such event"):
        running.client().show_whole("99")


def test_every_filter_arrives(running: Running) -> None:
    wanted = EventFilter(
        actor="älice & bob", action="statement.*", session="s1", resource="postgres/orders", since="1",
        until="2", after=5, limit=7,
    )  # fmt: skip
    running.client().list_events(wanted)
    assert running.desk.asked[-1] == wanted


def test_people_and_tokens(running: Running) -> None:
    client = running.client()
    assert client.create_actor(ActorForm(name="dave", roles=("engineer",))).roles == ("engineer",)
    issued = client.issue_token(TokenForm(actor="dave"))
    dave = Client(f"unix:{running.path}", issued.text)
    assert dave.me().name == "dave"
    client.revoke_token(issued.id)
    with pytest.raises(Denied, match="revoked"):
        dave.me()
    assert client.disable_actor("dave").disabled
    assert "dave" in [actor.name for actor in client.list_actors()]


def test_status_and_proof(running: Running) -> None:
    assert running.client().status().ledger_size == 3
    assert running.client().prove("a b").proof == "proof of a b"


def test_a_token_opens_what_its_scopes_say(running: Running) -> None:
    reader = running.client("reader")
    assert reader.status().tenant == "default"
    for refused in (lambda: reader.create_request(WISH), lambda: reader.approve("x"), reader.list_actors):
        with pytest.raises(Denied, match="does not open"):
            refused()


def test_the_description_asks_for_nothing_that_no_value_meets(running: Running) -> None:
    _, described, _ = running.raw("GET", "/openapi.json", name="")
    waiting, refs = [described], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            assert {} not in (part.get("oneOf") or []), part
            refs |= {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    assert refs <= {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert described["components"]["schemas"]["GroupForm"]["properties"]["members"]["items"] == {
        "type": "string"
    }


def test_no_route_is_open_without_a_token(running: Running) -> None:
    _, described, _ = running.raw("GET", "/openapi.json", name="")
    routes = [(method, path) for path, methods in described["paths"].items() for method in methods]
    known = (
        *TENANT_ROUTES, *VAULT_ROUTES, *CHANGE_ROUTES, *POLICY_ROUTES, *FRONT_ROUTES, *INTAKE_ROUTES,
        *REVEAL_ROUTES, *FEED_ROUTES, *SIGNIN_ROUTES, *REACH_ROUTES, *ACCESS_ROUTES, *BREAK_GLASS_ROUTES,
        *DIRECTORY_ROUTES, *SAVED_ROUTES, *KEEP_ROUTES, *OTLP_ROUTES, *CASE_ROUTES,
    )  # fmt: skip
    # Who signs in has no token yet; these take credentials instead, and tests of their own.
    public = {f"/v1{path}" for route in (*PUBLIC_ROUTES, *FRONT_PUBLIC_ROUTES) for path in route.paths}
    assert len(routes) == len(known) + len(public) + 2
    for method, template in routes:
        if template in public:
            continue
        path = (
            template.replace("{tenant}", "default").replace("{number}", "7").replace("{", "").replace("}", "")
        )
        status, answer, headers = running.raw(method.upper(), path, name="")
        if path == "/healthz":
            assert (status, answer) == (200, {"status": "ok"})
        else:
            # To an exporter of OpenTelemetry gRPC's number says the same.
            assert (status, answer["code"]) in ((401, "denied"), (401, 16)), path
            assert headers["www-authenticate"] == "Bearer"


def test_a_wrong_token_learns_nothing(running: Running) -> None:
    for text in ("", "quux", "gh_" + "a" * 16 + "_" + "a" * 52, running.tokens["alice"][:-1]):
        with pytest.raises(Denied) as refused:
            Client(f"unix:{running.path}", text).me()
        assert "token" in refused.value.message
        assert not text or text not in str(refused.value)


def test_another_tenant_is_not_reached(running: Running) -> None:
    with pytest.raises(Denied, match="another tenant"):
        Client(f"unix:{running.path}", running.tokens["alice"], tenant="other").status()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/default/events?actr=alice", b"", 400, "config"),
        ("GET", "/v1/default/events?limit=0", b"", 400, "config"),
        ("GET", "/v1/default/events?limit=many", b"", 400, "config"),
        ("POST", "/v1/default/requests", b"{", 400, "config"),
        ("POST", "/v1/default/requests", b"", 400, "config"),
        ("POST", "/v1/default/requests", b'{"resource":"SECRET","verbs":5}', 400, "config"),
        ("POST", "/v1/default/actors", b'{"name":"SECRET NAME"}', 400, "config"),
        ("POST", "/v1/default/actors", b'{"name":"eve","SECRET":1}', 400, "config"),
        ("POST", "/v1/default/actors", b'{"name":"' + b"x" * 70_000 + b'"}', 413, "too_large"),
        ("POST", "/v1/default/actors", b"[" * 60_000, 400, "config"),
        ("DELETE", "/v1/default/actors", b"", 405, "config"),
        ("GET", "/v1/default/nothing", b"", 404, "not_found"),
        ("GET", "/v1/default/events/%2e%2e%2fetc", b"", 404, "not_found"),
        ("GET", "/-", b"", 404, "not_found"),
        ("GET", "/", b"", 404, "not_found"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_not_repeated(
    running: Running, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    found, answer, headers = running.raw(method, path, body)
    assert (found, answer["code"]) == (status, code)
    assert b"SECRET NAME" not in msgspec.json.encode(answer)
    assert headers["cache-control"] == "no-store"
    assert running.raw("GET", "/healthz")[0] == 200


def test_a_bug_is_told_to_the_server_and_not_to_the_caller(running: Running) -> None:
    with pytest.raises(GlasshatchError, match="unexpected error") as shown:
        running.client().list_sessions(10)
    assert "alice@example.com" not in str(shown.value)
    assert isinstance(running.bugs.pop(), ZeroDivisionError)


def test_a_large_answer_arrives_whole(running: Running) -> None:
    few = running.desk.events
    running.desk.events = few * 20_000
    try:
        assert len(running.client().list_events(EventFilter(limit=100_000))) == 60_000
    finally:
        running.desk.events = few


def test_garbage_on_the_socket_leaves_the_server_up(running: Running) -> None:
    for garbage in (
        b"\x00" * 100,
        b"GET",
        b"\x16\x03\x01\x02\x00",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    ):
        assert running.server.tcp_address
        with socket.create_connection(running.server.tcp_address, timeout=60) as connection:
            connection.sendall(garbage)
    assert running.client().me().name == "alice"


def test_many_callers_at_once(running: Running) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(running.client().me().name)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == ["alice"] * 20


def test_only_the_owner_may_open_the_socket(running: Running) -> None:
    assert stat.S_IMODE(running.path.stat().st_mode) == 0o600


def test_a_taken_port_is_named(running: Running, tmp_path: Path) -> None:
    assert running.server.tcp_address
    port = running.server.tcp_address[1]
    second = ApiServer(running.desk, running.desk, tmp_path / "s", f"127.0.0.1:{port}")
    with pytest.raises(ConfigError, match=str(port)):
        asyncio.run(second.start())
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("address", ["0.0.0.0:7443", "example.com:1", "127.0.0.1", "127.0.0.1:x", ":1"])
def test_an_address_that_is_not_loopback_is_refused(running: Running, tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError):
        asyncio.run(ApiServer(running.desk, running.desk, tmp_path / "s", address).start())


def test_a_socket_works_at_any_depth_and_over_a_leftover(running: Running, tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    path = folder / "glasshatch.sock"
    path.touch()
    server = ApiServer(running.desk, running.desk, path)
    asyncio.run(server.start())
    try:
        assert Client(f"unix:{path}", running.tokens["alice"]).me().name == "alice"
    finally:
        asyncio.run(server.stop())


def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be reached") as gone:
        Client(f"unix:{tmp_path}/none.sock", "t").me()
    assert "glasshatch serve" in gone.value.hint


def test_what_is_no_glasshatch_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example.com ESMTP\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        with pytest.raises(GlasshatchError, match="does not speak the API"):
            Client(f"http://127.0.0.1:{listener.getsockname()[1]}", "t").me()
        thread.join()


def test_too_large_has_its_class(running: Running) -> None:
    with pytest.raises(TooLarge):
        running.client()._call("POST", "/v1/default/actors", ActorView, b"x" * 70_000)
