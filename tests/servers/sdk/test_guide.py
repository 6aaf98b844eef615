"""The guide's own code, run before a real server: what it records is there, redacted, on its trace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.glasshatch import RunningServer, write_token
from glasshatch.api.values import ActorForm, TokenForm

GUIDES = Path(__file__).resolve().parents[3] / "docs" / "guides"
GUIDE = GUIDES / "record-from-an-application.md"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CARD, MAIL = "4111 1111 1111 1111", "ada.lovelace@example.com"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path_factory.mktemp("guide")).start()
    server.invite("carol", "auditor")
    yield server
    server.stop()


def code_of(server: RunningServer, folder: Path) -> str:
    """The page's Python, with this server's address and this test's files."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    for shown, meant in {
        "http://127.0.0.1:7443": server.url, "checkout.token": f"{folder}/checkout.token",
        "checkout.spool": f"{folder}/spool",
    }.items():  # fmt: skip
        assert shown in code
        code = code.replace(shown, meant)
    return code


def test_the_guide_s_code_records(server: RunningServer, tmp_path: Path) -> None:
    token_for(server, "checkout", tmp_path / "checkout.token")
    names: dict[str, Any] = {}
    exec(code_of(server, tmp_path), names)
    parent = f"00-{TRACE}-00f067aa0ba902b7-01"
    onward, comment = names["pay"]({"traceparent": parent}, 4711, MAIL, CARD)
    assert names["audit"].flush(60)
    names["audit"].close()
    assert TRACE in onward["traceparent"]
    assert TRACE in comment
    found = server.jsonl("timeline", f"trace:{TRACE}", person="carol")
    events = [one["event"] for one in found]
    assert [event["action"] for event in events] == [
        "payment.started", "card.charged", "payment.declined", "order.refunded",
    ]  # fmt: skip
    assert {event["source"]["name"] for event in events} == {"checkout"}
    assert {event["session_id"] for event in events} == {"s-81"}
    assert {event["actor"]["name"][:7] for event in events} == {"<EMAIL:"}
    assert "<CARD:" in events[2]["attrs"]["message"]
    assert events[3]["resource"]["name"] == "4711"
    assert events[3]["attrs"].keys() == {"amount_cents", "duration_us"}
    assert CARD not in str(events)
    assert MAIL not in str(events)


def test_its_token_delivers_under_no_other_name(server: RunningServer, tmp_path: Path) -> None:
    told: list[str] = []
    token_for(server, "narrow", tmp_path / "narrow.token", "ingest:json/checkout")
    from glasshatch.sdk import Recorder

    with Recorder(
        "payroll", server=server.url, token=tmp_path / "narrow.token", spool=tmp_path / "spool",
        problem=told.append,
    ) as recorder:  # fmt: skip
        recorder.record("salary.paid")
        wait_until = time.monotonic() + 60
        while not told and time.monotonic() < wait_until:
            time.sleep(0.02)
        recorder.close(0)
    assert any("403" in text for text in told)
    assert server.jsonl("search", "action:salary.paid", person="carol") == []


def token_for(server: RunningServer, name: str, file: Path, scope: str = "") -> Path:
    """A token that delivers under this name and nothing else; asked for as the pages' commands ask."""
    admin = server.admin()
    admin.create_actor(ActorForm(name=name, type="service"))
    issued = admin.issue_token(
        TokenForm(actor=name, lifetime_s=3_600, scopes=(scope or f"ingest:json/{name}",))
    )
    write_token(file, issued.text)
    return file


def test_the_code_for_node_records(server: RunningServer, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs nodejs (node)")
    blocks = re.findall(
        r"```js\n(// (\w+\.mjs).*?)```", (GUIDES / "record-over-http.md").read_text(), re.DOTALL
    )
    for text, name in blocks:
        (tmp_path / name).write_text(text)
    environment = os.environ | {
        "GLASSHATCH_SERVER": server.url,
        "GLASSHATCH_TOKEN_FILE": str(token_for(server, "till", tmp_path / "till.token")),
    }
    away = environment | {"GLASSHATCH_SERVER": "http://127.0.0.1:9"}
    for program, where, status in (("till", away, 1), ("till", away, 1), ("till", environment, 0)):
        done = subprocess.run(
            [node, f"{program}.mjs"], cwd=tmp_path, env=where, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        if where is away:  # nobody answers, and what it recorded stays in its files
            assert "order.sent" in (tmp_path / "till.spool.sending").read_text()
    assert not list(tmp_path.glob("till.spool*"))
    found = server.jsonl("search", "source.name:till", person="carol")
    actions = sorted(one["event"]["action"] for one in found)
    assert actions == ["order.paid"] * 3 + ["order.sent"] * 3
    assert {one["event"]["trace_id"] for one in found} == {TRACE}


def test_the_code_for_frameworks_records(server: RunningServer, tmp_path: Path) -> None:
    import structlog
    from sqlalchemy import create_engine, text

    from glasshatch import audit

    async def application(scope: Any, receive: Any, send: Any) -> None: ...

    names: dict[str, Any] = {
        "app": application, "wsgi_app": lambda environ, start: [], "engine": create_engine("sqlite://"),
    }  # fmt: skip
    token = token_for(server, "frames", tmp_path / "frames.token")
    audit.configure("frames", server=server.url, token=token, spool=tmp_path / "spool", sigterm=False)
    try:
        for code in re.findall(
            r"```python\n(.*?)```", (GUIDES / "record-integrations.md").read_text(), re.DOTALL
        ):
            exec(code, names)
        with names["engine"].connect() as connection:
            connection.execute(text("SELECT 'ada@example.com'"))
        assert audit.flush(60)
    finally:
        names["log"].handlers.clear()
        structlog.reset_defaults()
        audit.close()
    found = [one["event"] for one in server.jsonl("search", "source.name:frames", person="carol")]
    assert sorted(event["action"] for event in found) == ["order.refunded", "order.refunded", "query.run"]
    assert [event["statement"]["shape"] for event in found if "statement" in event] == ["SELECT ?"]
