"""Statements that wait for their review: the rules, who asks, who judges, and what was told to whom."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import psycopg

from fixtures.glasshatch import free_port
from glasshatch.api.values import RequestView

if TYPE_CHECKING:
    from .conftest import PolicyServer

RULES = """
[[reviews]]
kind = "statement"
resource = "postgres/shop"
approvers = ["role:approver", "actor:erna", "oncall:shop"]
hold = "{hold}"

[[reviews]]
resource = "postgres/shop"
verbs = ["delete"]
approvals = 2
ticket = "OPS-[0-9]+"
reason_characters = 12
wait = "2s"

[oncall.shop]
schedule = "oncall.json"

[notify.hook]
type = "webhook"
url = "http://127.0.0.1:{port}/hook"
secret = "file:hook.secret"
kinds = ["request"]
page = "http://127.0.0.1:{page}"

[notify.chat]
type = "apprise"
url = "file:chat.secret"
kinds = ["request"]
"""
SECRET = "0123456789abcdef0123456789abcdef"


def connected(server: PolicyServer, person: str, notices: list[str] | None = None) -> psycopg.Connection[Any]:
    token = (server.home.parent / f"{person}.token").read_text().strip()
    found = psycopg.connect(
        host="127.0.0.1",
        port=server.gateway_port,
        dbname="shop",
        user=person,
        password=token,
        autocommit=True,
    )
    if notices is not None:
        found.add_notice_handler(lambda said: notices.append(f"{said.message_primary} {said.message_hint}"))
    return found


class Receiver:
    """What channels were told, as they came: the path, the headers, the body."""

    def __init__(self) -> None:
        self.port = free_port()
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.came.append((self.path, dict(self.headers), body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of(self, path: str, request_id: str) -> list[tuple[dict[str, str], Any]]:
        """What came there about a request."""
        return [
            (headers, json.loads(body)) for at, headers, body in list(self.came)
            if at == path and request_id in body.decode()
        ]  # fmt: skip

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Asked:
    """A statement on its way, in a thread of its own."""

    def __init__(
        self, connection: psycopg.Connection[Any], text: str, values: Any = None, **options: Any
    ) -> None:
        self.rows: list[Any] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(connection, text, values), kwargs=options)
        self._thread.start()

    def _run(self, connection: psycopg.Connection[Any], text: str, values: Any, **options: Any) -> None:
        try:
            found = connection.execute(text, values, **options)
            self.rows = found.fetchall() if found.description else []
        except Exception as error:
            self.error = error

    def ended(self, within_s: float = 60) -> Asked:
        self._thread.join(within_s)
        assert not self._thread.is_alive(), "it still waits"
        return self


def waiting(server: PolicyServer, person: str = "bob") -> RequestView:
    """The newest request that waits."""
    from .conftest import until

    found = until(lambda: server.client(person).list_requests("pending"), "request that waits")
    return found[-1]
