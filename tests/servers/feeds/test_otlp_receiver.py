"""The gRPC receiver by itself, before a door of our own: what it tells callers when something is wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from fixtures.glasshatch import free_port
from fixtures.otlp import record, request
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.events import Actor
from glasshatch.sources import IntakeResult, Item, Listening
from glasshatch.sources.otlp import receive

BODY = request(record("x")).SerializeToString()
METADATA = [("authorization", "Bearer token")]


class OwnDoor:
    """A door whose answer the test chooses."""

    def __init__(self) -> None:
        self.answer: Callable[[], IntakeResult] = lambda: IntakeResult(accepted=1)
        self.near = True
        self.refused: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []

    def allows(self, address: str) -> bool:
        assert address == "127.0.0.1"
        return self.near

    def refuse(self, address: str, reason: str) -> None:
        self.refused.append((address, reason))

    def identify(self, token: str, address: str) -> Actor:
        assert (token, address) == ("token", "127.0.0.1")
        return Actor(id="feeder")

    def take(self, items: Sequence[Item], by: Actor | None = None) -> IntakeResult:
        raise AssertionError

    def deliver(self, body: bytes, by: Actor | None = None, options: Any = None) -> IntakeResult:
        assert by is not None
        assert options == {"format": "protobuf"}
        self.bodies.append(body)
        return self.answer()

    def lost(self, count: int, of: str, reason: str) -> None:
        raise AssertionError


class Open:
    """A receiver that listens, its door, and a channel to it."""

    def __init__(self) -> None:
        self.door = OwnDoor()
        self.listening = Listening("otlp", "shop", "grpc", "127.0.0.1", free_port())
        self.receiver = receive.GrpcReceiver(self.listening, self.door)
        asyncio.run(self.receiver.start())
        self.channel = grpc.insecure_channel(self.listening.address)

    def call(self, metadata: Any = METADATA) -> tuple[grpc.StatusCode, Any]:
        try:
            answer = self.channel.unary_unary(f"/{receive.SERVICE}/Export")(BODY, 60, metadata)
            return grpc.StatusCode.OK, answer
        except grpc.RpcError as error:
            return error.code(), error


@pytest.fixture
def opened() -> Iterator[Open]:
    found = Open()
    try:
        yield found
    finally:
        found.channel.close()
        asyncio.run(found.receiver.stop())


def test_a_call_is_handed_on_as_it_came_and_counted(opened: Open) -> None:
    assert opened.call() == (grpc.StatusCode.OK, b"")
    assert opened.door.bodies == [BODY]
    assert opened.receiver.counts().received == 1


def test_what_may_come_again_is_unavailable_and_says_when(opened: Open) -> None:
    def away() -> IntakeResult:
        raise Unavailable("the disk is full", hint="deliver it again")

    opened.door.answer = away
    code, error = opened.call()
    assert (code, error.details()) == (grpc.StatusCode.UNAVAILABLE, "the disk is full (deliver it again)")
    details = dict(error.trailing_metadata())
    info = RetryInfo()
    assert Status.FromString(details["grpc-status-details-bin"]).details[0].Unpack(info)
    assert info.retry_delay.seconds > 0


def test_a_bug_of_ours_tells_no_value_to_anybody(opened: Open, capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> IntakeResult:
        raise ValueError("planted secret")

    opened.door.answer = broken
    code, error = opened.call()
    assert code is grpc.StatusCode.INTERNAL
    assert "planted" not in error.details()
    said = capfd.readouterr()
    assert "a bug in OTLP over gRPC: ValueError" in said.err
    assert "planted" not in said.err + said.out


def test_who_comes_from_elsewhere_is_refused_before_anything_is_read(opened: Open) -> None:
    opened.door.near = False
    code, _ = opened.call()
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert (opened.door.bodies, len(opened.door.refused)) == ([], 1)


@pytest.mark.parametrize(
    "metadata",
    [[], [("authorization", "Bearer ")], [("authorization", "token")], [("authorization-bin", b"x")]],
)
def test_without_a_token_nothing_is_read(opened: Open, metadata: Any) -> None:
    code, _ = opened.call(metadata)
    assert (code, opened.door.bodies) == (grpc.StatusCode.UNAUTHENTICATED, [])


def test_who_sends_no_message_is_let_go(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "_MESSAGE_SECONDS", 0.2)
    never = threading.Event()

    def nothing() -> Iterator[bytes]:
        never.wait(60)
        yield b""

    call = opened.channel.stream_unary(f"/{receive.SERVICE}/Export")
    with pytest.raises(grpc.RpcError) as ended:
        call(nothing(), 60, METADATA)
    never.set()
    assert ended.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
    assert opened.call()[0] is grpc.StatusCode.OK


def test_a_port_that_is_taken_is_told(opened: Open) -> None:
    other = receive.GrpcReceiver(opened.listening, opened.door)
    with pytest.raises(ConfigError, match="otlp/shop cannot listen on grpc"):
        asyncio.run(other.start())
    asyncio.run(other.stop())


def test_no_certificate_is_told_and_not_a_trace() -> None:
    listening = Listening(
        "otlp", "shop", "grpc-tls", "127.0.0.1", free_port(), "/nowhere.crt", "/nowhere.key"
    )
    with pytest.raises(ConfigError, match="the certificate or its key cannot be used"):
        asyncio.run(receive.GrpcReceiver(listening, OwnDoor()).start())


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:4711", "127.0.0.1"),
        ("ipv6:%5B::1%5D:4711", "::1"),
        ("ipv6:%5B::ffff:10.0.0.1%5D:4711", "::ffff:10.0.0.1"),
    ],
)
def test_whoever_calls_is_known_by_the_address(peer: str, address: str) -> None:
    assert receive._address(peer) == address
