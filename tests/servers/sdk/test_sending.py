"""The SDK's sender against a real HTTP server that answers well, badly, late, or not at all."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glasshatch.errors import ConfigError, TooLarge, Unavailable
from glasshatch.sdk import AsyncRecorder, Recorder, start_trace


class Server:
    """Takes deliveries; `answer` decides the status of each by its events."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.status = 200
        self.poison = ""
        self.lets_go = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                events = [json.loads(line) for line in gzip.decompress(body).splitlines()]
                outer.tokens.add(self.headers["Authorization"])
                status = outer.status
                if outer.poison and any(event["action"] == outer.poison for event in events):
                    status = 400
                if status == 200:
                    outer.taken += events
                answer = json.dumps({"accepted": len(events)}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                if outer.lets_go:
                    # As a server that closes what was quiet, without having said so.
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True

            def log_message(self, *_: object) -> None: ...

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def recorder(server: Server, folder: Path, **more: Any) -> Recorder:
    settings: dict[str, Any] = {
        "server": server.url, "token": lambda: "secret", "spool": folder / "spool", "durable": False,
        "problem": lambda _: None,
    }  # fmt: skip
    return Recorder("checkout", **(settings | more))


def test_events_arrive_once_with_their_trace(server: Server, tmp_path: Path) -> None:
    with recorder(server, tmp_path) as sdk:
        with start_trace() as trace:
            ids = [sdk.record("order.paid", actor="u1", resource="order/7", amount=1.5) for _ in range(2_500)]
        assert sdk.flush()
        assert sdk.sent == 2_500
    assert [event["id"] for event in server.taken] == ids
    first = server.taken[0]
    assert first["trace_id"] == trace.trace_id
    assert first["resource"] == {"type": "order", "id": "order/7", "name": "7"}
    assert first["attrs"] == {"amount": "1.5"}
    assert server.tokens == {"Bearer secret"}
    assert not list((tmp_path / "spool").glob("*.spool"))


def test_a_server_that_is_away_costs_nothing(server: Server, tmp_path: Path) -> None:
    server.status = 503
    with recorder(server, tmp_path) as sdk:
        wanted = [sdk.record("order.paid") for _ in range(10)]
        assert not sdk.flush(0.3)
        sdk.close(0)
    assert server.taken == []
    server.status = 200
    with recorder(server, tmp_path) as sdk:
        assert sdk.flush()
    assert [event["id"] for event in server.taken] == wanted


def test_a_connection_that_the_server_let_go_of_is_no_trouble(server: Server, tmp_path: Path) -> None:
    server.lets_go, told = True, list[str]()
    with recorder(server, tmp_path, problem=told.append) as sdk:
        for _ in range(3):
            sdk.record("order.paid")
            assert sdk.flush()
    assert (len(server.taken), told) == (3, [])


def test_one_event_the_server_refuses_does_not_stop_the_others(server: Server, tmp_path: Path) -> None:
    server.poison = "order.poisoned"
    told: list[str] = []
    with recorder(server, tmp_path, problem=told.append) as sdk:
        for number in range(20):
            sdk.record("order.poisoned" if number == 7 else "order.paid")
        assert sdk.flush()
        assert (sdk.sent, sdk.refused) == (19, 1)
    assert len(server.taken) == 19
    assert any("refused" in text for text in told)
    (kept,) = (tmp_path / "spool").glob("*.refused")
    assert b"poisoned" not in kept.read_bytes()


def test_trouble_is_told_once_and_never_names_an_event(tmp_path: Path) -> None:
    told: list[str] = []
    sdk = Recorder("checkout", server="http://127.0.0.1:9", token=lambda: "secret",
                   spool=tmp_path / "spool", problem=told.append)  # fmt: skip
    sdk.record("order.paid", actor="alice@example.com")
    time.sleep(0.8)
    sdk.close(0.1)
    assert len(told) == 1
    assert "alice" not in told[0]
    assert "secret" not in told[0]


def test_asyncio_records_in_the_task_s_trace(server: Server, tmp_path: Path) -> None:
    async def play() -> tuple[str, str]:
        settings = {"server": server.url, "token": lambda: "t", "spool": tmp_path / "spool", "durable": False}
        async with AsyncRecorder("web", **settings) as sdk:
            with start_trace() as trace:
                made = await sdk.record("page.viewed", actor="u1")
            assert await sdk.flush()
            return trace.trace_id, made

    trace_id, made = asyncio.run(play())
    assert [(event["trace_id"], event["id"]) for event in server.taken] == [(trace_id, made)]


def test_a_forked_child_is_told_to_make_its_own(server: Server, tmp_path: Path) -> None:
    with recorder(server, tmp_path) as sdk:
        child = os.fork()
        if child == 0:
            try:
                sdk.record("order.paid")
            except Unavailable:
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        sdk.record("order.paid")
        assert sdk.flush()
    assert len(server.taken) == 1


def test_misuse_is_named(server: Server, tmp_path: Path) -> None:
    with recorder(server, tmp_path) as sdk:
        with pytest.raises(TooLarge):
            sdk.record("order.paid", note="x" * 70_000)
        with pytest.raises(ConfigError):
            sdk.record("order.paid", outcome="fine")
    with pytest.raises(Unavailable):
        sdk.record("order.paid")
    with pytest.raises(ConfigError, match="loopback"):
        Recorder("web", server="http://192.0.2.1", token=lambda: "t", spool=tmp_path / "other")
    token = tmp_path / "token"
    token.write_text("t")
    token.chmod(0o644)
    with recorder(server, tmp_path, token=token) as sdk:
        sdk.record("order.paid")
        assert not sdk.flush(0.2)
        sdk.close(0)


ENDING = """
import signal, sys, time
from glasshatch import audit
audit.configure("till", server=sys.argv[1], token=lambda: "t", spool=sys.argv[2], durable=False,
                capture={"window": "1h", "rule": [{"actions": ["cart.*"], "coalesce": "1h"}]})
for _ in range(3):
    audit.record("cart.changed")
print("recorded", flush=True)
if sys.argv[3] == "wait":
    time.sleep(60)
"""


@pytest.mark.parametrize(("how", "status"), [("end", 0), ("wait", -15)])
def test_a_program_that_ends_delivers_what_it_held_back(
    server: Server, tmp_path: Path, how: str, status: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDING, server.url, str(tmp_path / "spool"), how], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"recorded\n"
    if how == "wait":
        assert not any(event["action"] == "cart.changed" for event in server.taken)
        process.terminate()
    assert process.wait(60) == status
    (counted,) = (event for event in server.taken if event["action"] == "cart.changed")
    assert counted["attrs"]["coalesced"]["count"] == 3


def test_an_application_s_own_handler_of_sigterm_stays(server: Server, tmp_path: Path) -> None:
    program = "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))" + ENDING.replace(
        "import signal, sys, time", ""
    )
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys, time\n{program}", server.url, str(tmp_path / "spool"), "wait"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"recorded\n"
    process.terminate()
    assert process.wait(60) == 9
    assert any(event["action"] == "cart.changed" for event in server.taken)


def test_many_threads_and_a_server_that_comes_and_goes(server: Server, tmp_path: Path) -> None:
    policy = {"window": "50ms", "rule": [{"actions": ["cart.*"], "coalesce": "20ms"}]}
    made: list[list[str]] = []
    done = threading.Event()

    def work(sdk: Recorder, number: int) -> None:
        mine = []
        for step in range(400):
            mine.append(sdk.record("order.paid", actor=f"u{number}", step=step))
            sdk.record("cart.changed", actor=f"u{number % 3}")
        made.append(mine)

    def come_and_go() -> None:
        while not done.wait(0.02):
            server.status = 503 if server.status == 200 else 200
        server.status = 200

    with recorder(server, tmp_path, capture=policy) as sdk:
        threads = [threading.Thread(target=work, args=(sdk, number)) for number in range(8)]
        trouble = threading.Thread(target=come_and_go)
        for thread in [*threads, trouble]:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        trouble.join()
        assert sdk.flush(60)
    events = {event["id"]: event for event in server.taken}
    assert len(events) == len(server.taken)  # of a whole answer nothing is sent again
    paid = [event for event in server.taken if event["action"] == "order.paid"]
    assert {event["id"] for event in paid} == {one for mine in made for one in mine}
    for number in range(8):
        steps = [event["attrs"]["step"] for event in paid if event["actor"]["id"] == f"u{number}"]
        assert steps == list(range(400))  # each thread's own, in their order
    counted = [event.get("attrs", {}) for event in server.taken if event["action"] == "cart.changed"]
    assert sum(attrs.get("coalesced", {"count": 1})["count"] for attrs in counted) == 8 * 400
    assert not list((tmp_path / "spool").glob("*.spool"))


def test_the_oldest_are_dropped_while_others_are_being_sent(server: Server, tmp_path: Path) -> None:
    with recorder(server, tmp_path, full="drop-old", limit_bytes=1_200_000) as sdk:
        ids = [sdk.record("order.paid", note="x" * 5_000) for _ in range(2_000)]
        assert all(ids)
        assert sdk.flush(60)
    taken = {event["id"] for event in server.taken if event["action"] == "order.paid"}
    dropped = [event for event in server.taken if event["action"] == "recording.dropped"]
    counted = sum(event["attrs"]["coalesced"]["count"] for event in dropped)
    assert dropped
    assert taken <= set(ids)
    assert ids[-1] in taken
    # What was in the sender's hand when it was dropped is counted, and may have arrived nevertheless.
    assert 2_000 <= len(taken) + counted <= 2_000 + 1_000 * len(dropped)


def test_threads_that_wait_for_the_disk_share_the_wait(server: Server, tmp_path: Path) -> None:
    synced: list[int] = []
    real = os.fdatasync

    def counting(descriptor: int) -> None:
        synced.append(descriptor)
        time.sleep(0.02)
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch, recorder(server, tmp_path, durable=True) as sdk:
        patch.setattr(os, "fdatasync", counting)
        threads = [
            threading.Thread(target=lambda: [sdk.record("order.paid") for _ in range(10)]) for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 10 <= len(synced) < 60
        assert sdk.flush(60)
    assert len(server.taken) == 100


def test_a_server_that_never_answers_holds_up_no_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        sdk = Recorder(
            "till", server=f"http://127.0.0.1:{mute.getsockname()[1]}", token=lambda: "t",
            spool=tmp_path / "spool", problem=lambda _: None,
        )  # fmt: skip
        sdk.record("order.paid")
        held, _ = mute.accept()
        began_s = time.monotonic()
        sdk.close(0.1)
        assert time.monotonic() - began_s < 10  # it would wait for an answer for 30
        held.close()
    again = Recorder("till", server="http://127.0.0.1:9", token=lambda: "t", spool=tmp_path / "spool",
                     problem=lambda _: None)  # fmt: skip
    assert not again.flush(0.1)
    again.close(0)
