"""WSGI answers that nobody closes, as test clients of frameworks leave them."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures.recording import offline, recorded
from glasshatch.sdk import wsgi

ENVIRON: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "REMOTE_ADDR": "192.0.2.7"}


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"one", b"two"]


def started(status: str, headers: Any, *error: Any) -> None:
    """What a server gives."""


@pytest.mark.filterwarnings("error")
def test_an_answer_that_is_read_and_never_closed_is_recorded_once(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    app = wsgi.AuditMiddleware(application, recorder=sdk)
    assert b"".join(app(dict(ENVIRON), started)) == b"onetwo"
    closed = app(dict(ENVIRON), started)
    assert list(closed) == [b"one", b"two"]
    closed.close()  # type: ignore[attr-defined]
    gc.collect()
    first, second = recorded(tmp_path, sdk)
    assert [one["attrs"]["sent_bytes"] for one in (first, second)] == [6, 6]
    assert first["outcome"]["status"] == "success"


@pytest.mark.filterwarnings("error")
def test_an_answer_that_is_let_go_unread_leaves_no_noise(tmp_path: Path) -> None:
    """It is not recorded either: the collector may run in a thread that holds the spool's lock."""
    sdk = offline(tmp_path)
    app = wsgi.AuditMiddleware(application, recorder=sdk)
    app(dict(ENVIRON), started)
    gc.collect()
    assert recorded(tmp_path, sdk) == []


def test_the_pattern_of_a_route_is_taken_while_flask_knows_it(tmp_path: Path) -> None:
    """Flask sets `werkzeug.request` to None before the answer goes out (3.1: `RequestContext.pop`)."""
    sdk = offline(tmp_path)

    def flask(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["werkzeug.request"] = SimpleNamespace(url_rule="/orders/<int:order>")
        start_response("200 OK", [])
        environ["werkzeug.request"] = None
        return [b"7"]

    assert list(wsgi.AuditMiddleware(flask, recorder=sdk)(ENVIRON | {"PATH_INFO": "/orders/7"}, started))
    (event,) = recorded(tmp_path, sdk)
    assert event["resource"]["name"] == "/orders/<int:order>"
