"""Strangers over HTTP: slow, endless, cut off or silent, none holds us up, and none looks like an attack."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fixtures.logs import entries, fill, make_keyring, make_witness
from glasshatch.clock import ManualClock
from glasshatch.errors import PeerError, Unavailable
from glasshatch.ledger import transport
from glasshatch.ledger.monitor import Monitor, UrlSource
from glasshatch.ledger.transport import exchange, parse_address
from glasshatch.ledger.witness import WitnessClient, WitnessRefused

Speak = Callable[[socket.socket, threading.Event], None]


@contextmanager
def stranger(speak: Speak) -> Iterator[str]:
    """A server that reads a request and then does as told; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                with suppress(OSError):
                    speak(connection, over)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(120)


def trickle(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.05):
        connection.sendall(b"x")


def endless(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        connection.sendall(bytes(65_536))


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait(20)


def cut_off(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nexample.com/audit\n")


def no_http(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"220 mail ready\r\n")


@pytest.mark.parametrize(
    ("speak", "error"),
    [
        (trickle, Unavailable),
        (silent, Unavailable),
        (endless, PeerError),
        (cut_off, PeerError),
        (no_http, PeerError),
    ],
)
def test_a_bad_stranger_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch, speak: Speak, error: type[Exception]
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1 << 20)
    began = time.monotonic()
    with stranger(speak) as url, pytest.raises(error):
        exchange(parse_address(url, key="url"), "GET", "checkpoint", timeout_s=1.5)
    assert time.monotonic() - began < 15


CONFLICT = b"409 Conflict\r\ncontent-type: text/x.tlog.size\r\n"


def answering(answer: bytes) -> Speak:
    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(answer)

    return speak


def test_trouble_on_the_way_is_no_finding_of_a_monitor(tmp_path: Path) -> None:
    log = fill(tmp_path / "log", make_keyring(tmp_path), entries(3))
    for speak in (cut_off, answering(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")):
        with stranger(speak) as url, pytest.raises((Unavailable, PeerError)):
            Monitor(UrlSource(url), log.key(), tmp_path / "state").look()
    with stranger(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n<html>\n")) as url:
        assert Monitor(UrlSource(url), log.key(), tmp_path / "state").look().finding == "key"


@pytest.mark.parametrize(
    ("answer", "error", "kind"),
    [
        (CONFLICT + b"content-length: 3\r\n\r\n99\n", WitnessRefused, "rollback"),
        (CONFLICT + b"content-length: 3\r\n\r\n-1\n", PeerError, ""),
        (CONFLICT + b"content-length: 2\r\n\r\n2\n", PeerError, ""),
        (b"422 No\r\ncontent-length: 0\r\n\r\n", WitnessRefused, "fork"),
        (b"404 No\r\ncontent-length: 0\r\n\r\n", WitnessRefused, "unknown"),
        (b"403 No\r\ncontent-length: 0\r\n\r\n", WitnessRefused, "unknown"),
        (b"400 No\r\ncontent-length: 0\r\n\r\n", WitnessRefused, "misuse"),
        (b"503 No\r\ncontent-length: 0\r\n\r\n", Unavailable, ""),
        (b"200 OK\r\ncontent-length: 0\r\n\r\n", PeerError, ""),
        (b"200 OK\r\ncontent-length: 4\r\n\r\nabc\n", PeerError, ""),
    ],
)  # fmt: skip
def test_what_a_witness_answers_is_told_apart(
    tmp_path: Path, answer: bytes, error: type[Exception], kind: str
) -> None:
    log = fill(tmp_path / "log", make_keyring(tmp_path), entries(3))
    witness = make_witness(tmp_path / "witness", log).open(ManualClock())
    with stranger(answering(b"HTTP/1.1 " + answer)) as url, pytest.raises(error) as raised:
        WitnessClient(url, witness.key).submit(log, log.checkpoint())
    assert getattr(raised.value, "kind", "") == kind
