"""Alerts reach a real HTTP receiver: signed, once for each id, through failures, slowness and restarts."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.detecting import numbered, read_of
from fixtures.timing import soonest
from glasshatch.app.tls import create_gateway_certificate
from glasshatch.clock import SystemClock
from glasshatch.detect import (
    DELIVERY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Alert,
    Delivery,
    Detector,
    Patience,
    Route,
    Webhook,
    load_rules,
    verify_signature,
)
from glasshatch.errors import Unavailable
from glasshatch.events import Event

SECRET = b"a secret of the two of us"
HASTY = Patience(first_s=0.02, longest_s=0.1, give_up_s=120, note_longest_s=0.1)


class Received:
    """One request as it came in."""

    def __init__(self, path: str, headers: Any, body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def genuine(self) -> bool:
        return verify_signature(
            SECRET,
            self.headers.get(TIMESTAMP_HEADER, ""),
            self.body,
            self.headers.get(SIGNATURE_HEADER, ""),
            time.time_ns(),
        )


class Receiver:
    """A receiver whose answers a test can choose: a status for each request, the last one for the rest."""

    def __init__(self, *statuses: int, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        statuses_left = list(statuses) or [204]
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, self.headers, body))
                status = statuses_left.pop(0) if len(statuses_left) > 1 else statuses_left[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.end_headers()
                self.wfile.write(b"an answer that nobody reads " * 1_000)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


@pytest.fixture
def closing() -> Iterator[Callable[[Any], Any]]:
    """Whatever is given here is closed or stopped at the end, the newest first."""
    open_things: list[Any] = []

    def keep(thing: Any) -> Any:
        open_things.append(thing)
        return thing

    yield keep
    for thing in reversed(open_things):
        (thing.stop if isinstance(thing, Delivery) else thing.close)()


@pytest.fixture
def detector(tmp_path: Path, closing: Callable[[Any], Any]) -> Detector:
    found: Detector = closing(open_detector(tmp_path))
    return found


def open_detector(folder: Path) -> Detector:
    return Detector.open(folder / "detect", load_rules(), SystemClock(), "acme", routes=[Route("hook")])


def raise_one(detector: Detector) -> Alert:
    number = detector.watermark
    (alert,) = detector.apply(numbered(read_of(number, number, 5_000, f"s{number}"), start=number))
    return alert


def hook(port: int, path: str = "/alerts?team=shop", **options: Any) -> Webhook:
    return Webhook("hook", f"http://127.0.0.1:{port}{path}", lambda: SECRET, SystemClock(), **options)


def start(detector: Detector, port: int, recorded: list[Event]) -> Delivery:
    delivery = Delivery(
        detector.store, recorded.append, [hook(port)], SystemClock(), lambda: 0.5, patience=HASTY
    )
    delivery.start()
    return delivery


def test_an_alert_arrives_signed_within_a_second(detector: Detector, closing: Callable[[Any], Any]) -> None:
    receiver, recorded = closing(Receiver()), []
    closing(start(detector, receiver.port, recorded))
    alerts: list[Alert] = []

    def arrive(number: int) -> None:
        alerts.append(raise_one(detector))
        until(lambda: len(receiver.received) > number)

    soonest(arrive, within_s=1)
    alert, request = alerts[0], receiver.received[0]
    assert request.path == "/alerts?team=shop"
    assert request.genuine
    document = msgspec.json.decode(request.body)
    assert (document["id"], document["delivery"]) == (alert.id, request.headers[DELIVERY_HEADER])
    assert document["events"] == [alert.trigger]
    until(lambda: len(recorded) == 2 * len(alerts))
    assert [event.action for event in recorded][:2] == ["alert.raised", "alert.delivered"]


def test_failures_are_tried_again_with_the_same_delivery_id(
    detector: Detector, closing: Callable[[Any], Any]
) -> None:
    receiver, recorded = closing(Receiver(500, 404, 429, 200)), []
    closing(start(detector, receiver.port, recorded))
    raise_one(detector)
    until(lambda: "alert.delivered" in [event.action for event in recorded])
    assert len(receiver.received) == 4
    assert len({request.headers[DELIVERY_HEADER] for request in receiver.received}) == 1
    assert all(request.genuine for request in receiver.received)
    assert recorded[-1].attrs["attempts"] == 4


def test_a_redirect_is_not_followed(detector: Detector, closing: Callable[[Any], Any]) -> None:
    receiver = closing(Receiver(307))
    with pytest.raises(Unavailable, match="answered 307"):
        hook(receiver.port).deliver(raise_one(detector))
    assert [request.path for request in receiver.received] == ["/alerts?team=shop"]


def test_a_receiver_that_was_away_gets_it_when_it_is_back(
    detector: Detector, closing: Callable[[Any], Any]
) -> None:
    first = Receiver()
    first.close()
    recorded: list[Event] = []
    closing(start(detector, first.port, recorded))
    raise_one(detector)
    time.sleep(0.2)
    second = closing(Receiver(port=first.port))
    until(lambda: len(second.received) == 1)
    assert second.received[0].genuine


def test_a_restart_in_between_delivers_what_was_left_once(
    tmp_path: Path, closing: Callable[[Any], Any]
) -> None:
    before = open_detector(tmp_path)
    refusing, recorded = closing(Receiver(503)), []
    delivery = start(before, refusing.port, recorded)
    wanted = {raise_one(before).id for _ in range(5)}
    until(lambda: len(refusing.received) >= 5)
    delivery.stop()
    before.close()
    after = closing(open_detector(tmp_path))
    taking = closing(Receiver())
    closing(start(after, taking.port, recorded))
    until(lambda: [event.action for event in recorded].count("alert.delivered") == 5)
    assert {msgspec.json.decode(request.body)["id"] for request in taking.received} == wanted
    assert len(taking.received) == 5
    assert [event.action for event in recorded].count("alert.raised") == 5


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["silent", "dripping"])
def test_a_slow_receiver_is_given_five_seconds_and_holds_up_no_detection(
    detector: Detector, manner: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_be_slow, args=(listener, manner), daemon=True).start()
        alert = raise_one(detector)
        failed: list[str] = []

        def deliver() -> None:
            try:
                hook(listener.getsockname()[1]).deliver(alert)
            except Unavailable as error:
                failed.append(error.message)

        thread = threading.Thread(target=deliver)
        begun = time.monotonic()
        thread.start()
        soonest(lambda _: raise_one(detector), within_s=1, tries=3)
        thread.join()
        assert 4 < time.monotonic() - begun < 15
        assert failed == ["timed out"]


def _be_slow(listener: socket.socket, manner: str) -> None:
    connection, _ = listener.accept()
    with connection:
        try:
            while True:
                if manner == "dripping":
                    connection.sendall(b"H")
                time.sleep(0.5)
        except OSError:
            return


@pytest.mark.parametrize("noise", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_does_not_speak_http_is_a_failure(detector: Detector, noise: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(noise)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(Unavailable):
            hook(listener.getsockname()[1]).deliver(raise_one(detector))


def test_https_trusts_only_its_certificate(
    detector: Detector, tmp_path: Path, closing: Callable[[Any], Any]
) -> None:
    certificate, key = create_gateway_certificate(tmp_path / "tls", SystemClock())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    receiver = closing(Receiver(tls=tls))
    url = f"https://127.0.0.1:{receiver.port}/"
    alert = raise_one(detector)
    Webhook("hook", url, lambda: SECRET, SystemClock(), ca_file=str(certificate)).deliver(alert)
    assert receiver.received[0].genuine
    with pytest.raises(Unavailable, match="TLS failed"):
        Webhook("hook", url, lambda: SECRET, SystemClock()).deliver(alert)
    assert len(receiver.received) == 1
