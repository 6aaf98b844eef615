"""What a client may ask for in its first packet."""

from __future__ import annotations

import struct

import pytest

from glasshatch.errors import Denied, PeerError
from glasshatch.gateway.connectors.postgres.startup import (
    negotiate,
    read_startup,
    startup_packet,
    take_packet,
)


def packet(version: int = 196608, **parameters: str) -> bytes:
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return struct.pack(">I", version) + body


def test_what_is_kept() -> None:
    startup = read_startup(
        packet(user="alice", database="shop", TimeZone="UTC", application_name="psql", client_encoding="UTF8")
    )
    assert (startup.user, startup.database, startup.application) == ("alice", "shop", "psql")
    assert startup.settings == {"timezone": "UTC"}
    assert read_startup(packet(user="shop")).database == "shop"


@pytest.mark.parametrize(
    "parameters",
    [
        {"role": "postgres"},
        {"session_authorization": "postgres"},
        {"options": "-c role=postgres"},
        {"options": "--session-authorization=x"},
        {"options": "-c search_path=a -c role=b"},
        {"options": "-B 100"},
        {"options": "-c client_encoding=SJIS"},
        {"client_encoding": "LATIN1"},
        {"replication": "true"},
        {"replication": "database"},
        {"standard_conforming_strings": "off"},
    ],
)
def test_what_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(Denied):
        read_startup(packet(user="alice", **parameters))


def test_options_are_read_like_the_server_reads_them() -> None:
    options = r"-c statement_timeout=5s --search-path=a\ b -c geqo=off"
    assert read_startup(packet(user="a", options=options)).settings == {
        "statement_timeout": "5s",
        "search_path": "a b",
        "geqo": "off",
    }


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1", b"\0\0\0\0", b"\0\0\0\7xxxx", b"\0\1\0\0"])
def test_other_protocols_are_refused_by_their_first_bytes(data: bytes) -> None:
    with pytest.raises(PeerError):
        take_packet(bytearray(data))


@pytest.mark.parametrize(
    "body",
    [b"", b"user\0alice\0", b"user\0alice", b"\0alice\0\0", b"user\0\xff\0\0", b"database\0x\0\0"],
)
def test_malformed_packets_are_refused(body: bytes) -> None:
    with pytest.raises(PeerError):
        read_startup(struct.pack(">I", 196608) + body)


def test_protocol_2_is_refused_and_a_newer_minor_negotiated() -> None:
    with pytest.raises(PeerError):
        read_startup(packet(version=131072, user="a"))
    assert negotiate(read_startup(packet(user="a"))) == b""
    answer = negotiate(read_startup(packet(version=196610, user="a", **{"_pq_.x": "1"})))
    assert answer[:1] == b"v"
    assert answer[5:] == struct.pack(">II", 196608, 1) + b"_pq_.x\0"


def test_our_own_packet_is_whole() -> None:
    made = bytearray(startup_packet({"user": "app", "database": "x"}))
    assert read_startup(take_packet(made) or b"").user == "app"
    assert not made
