"""Syslog's receivers on real sockets: who is slow, never ends, says nonsense or floods costs nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
import uvloop

from fixtures.servers import Certificates
from glasshatch.app.create import create_home
from glasshatch.app.explain import explain_config
from glasshatch.app.opening import config_of
from glasshatch.app.ports import free_port
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.events import Actor
from glasshatch.sources import IntakeResult, Item, Listening, Options, Receiver
from glasshatch.sources.syslog import connections, hopper
from glasshatch.sources.syslog.receive import open_receiver


class Recorded:
    """A door into a list, which may be shut for a while."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.refused: list[str] = []
        self.losses: dict[str, int] = {}
        self.unavailable = 0
        self.open = threading.Event()
        self.open.set()
        self.allowed = {"127.0.0.1"}

    def allows(self, address: str) -> bool:
        return address in self.allowed

    def refuse(self, address: str, reason: str) -> None:
        self.refused.append(reason)

    def identify(self, token: str, address: str) -> Actor:
        raise NotImplementedError

    def deliver(self, body: bytes, by: Actor | None = None, options: Options | None = None) -> IntakeResult:
        raise NotImplementedError

    def take(self, items: Sequence[Item], by: Actor | None = None) -> IntakeResult:
        self.open.wait(60)
        if self.unavailable:
            self.unavailable -= 1
            raise Unavailable("the ledger's queue is full")
        self.items += items
        return IntakeResult(len(items))

    def lost(self, count: int, of: str, reason: str) -> None:
        self.losses[of] = self.losses.get(of, 0) + count

    @property
    def good(self) -> list[str]:
        """The lines that were understood so far."""
        return [item.value["line"] for item in self.items if not item.problem]

    @property
    def problems(self) -> list[str]:
        return [item.problem for item in self.items if item.problem]


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until it holds; the test fails if it does not in time."""
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come about"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def listening(
    protocol: str, door: Recorded, tls: Certificates | None = None, client_ca: str = ""
) -> AsyncIterator[tuple[int, Receiver]]:
    """A receiver at work, and its port."""
    files = {}
    if tls is not None:
        certificate, key = tls.ca_file.with_name("syslog.crt"), tls.ca_file.with_name("syslog.key")
        certificate.write_bytes(tls.certificate)
        key.write_bytes(tls.key)
        files = {"certificate": str(certificate), "key": str(key), "client_ca": client_ca}
    port = free_port()
    receiver = open_receiver(Listening("syslog", "one", protocol, "127.0.0.1", port, **files), door)
    await receiver.start()
    try:
        yield port, receiver
    finally:
        door.open.set()
        await receiver.stop()


async def connect(port: int, context: ssl.SSLContext | None = None) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    return writer


def test_who_never_ends_a_line_holds_up_nobody_and_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_UNENDED_SECONDS", 0.3)
    monkeypatch.setattr(connections, "_LOOK_SECONDS", 0.05)

    async def play() -> None:
        door = Recorded()
        async with listening("tcp", door) as (port, receiver):
            idle, slow, good = await connect(port), await connect(port), await connect(port)
            slow.write(b"<13>begun and not")
            good.write(b"<13>whole\n")
            await until(lambda: door.good == ["<13>whole"])
            await until(lambda: door.problems)
            assert "did not come in a minute" in door.problems[0]
            await until(lambda: receiver.counts().connections == 2)
            idle.write(b"<13>late, and whole\n")  # who says nothing may be quiet for ever
            await until(lambda: len(door.good) == 2)

    uvloop.run(play())


def test_a_line_without_end_and_nonsense_are_kept_short_and_cost_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play() -> None:
        door = Recorded()
        async with listening("tcp", door) as (port, receiver):
            endless, counted, good = await connect(port), await connect(port), await connect(port)
            for _ in range(64):
                endless.write(b"x" * 65_536)
                await endless.drain()
            counted.write(b"7 <13>one99999999999 <13>nonsense")
            endless.write(b"\n<13>after it\n")
            good.write(b"<13>whole\n")
            await until(lambda: len(door.good) == 3 and len(door.problems) == 2)
            assert set(door.good) == {"<13>one", "<13>whole", "<13>after it"}
            assert max(len(item.data) for item in door.items) <= 16 * 1024
            await until(lambda: receiver.counts().connections == 2)  # whose lengths are none is cut

    uvloop.run(play())


def test_a_full_hopper_stops_the_reading_of_tcp_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hopper, "_MOST_ITEMS", 500)
    # Who must wait for us in the middle of a line is not somebody who does not end it.
    monkeypatch.setattr(connections, "_UNENDED_SECONDS", 0.1)
    monkeypatch.setattr(connections, "_LOOK_SECONDS", 0.05)
    lines = [f"<13>{number} {'x' * 1_000}" for number in range(8_000)]
    body = "".join(f"{line}\n" for line in lines).encode()

    async def play() -> None:
        door = Recorded()
        door.open.clear()
        async with listening("tcp", door) as (port, receiver):
            writer = await connect(port)
            writer.write(body)
            sent = asyncio.ensure_future(writer.drain())
            await until(lambda: receiver.counts().received > 500)
            await asyncio.sleep(0.3)
            held = receiver.counts().received
            assert held < 5_000, "it reads on although nobody takes anything"
            assert not sent.done()
            door.open.set()
            await until(lambda: len(door.items) == len(lines), 120)
            await sent
        assert door.good == lines
        assert not door.losses

    uvloop.run(play())


def test_what_udp_loses_is_counted_to_the_last_datagram(monkeypatch: pytest.MonkeyPatch) -> None:
    from glasshatch.sources.syslog import datagrams

    monkeypatch.setattr(hopper, "_MOST_ITEMS", 200)
    monkeypatch.setattr(datagrams, "_BUFFER_BYTES", 64 * 1024)
    monkeypatch.setattr(datagrams, "_LOOK_SECONDS", 0.1)

    async def play() -> None:
        door = Recorded()
        door.open.clear()
        async with listening("udp", door) as (port, receiver):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for number in range(5_000):
                    sender.sendto(b"<13>%d" % number, ("127.0.0.1", port))
                    if number % 100 == 0:
                        await asyncio.sleep(0)
            await until(lambda: door.losses)
            door.open.set()
            await until(lambda: len(door.items) + door.losses["datagrams"] == 5_000)
            assert len(set(door.good)) == len(door.good) > 200
            assert receiver.counts().received == len(door.items)

    uvloop.run(play())


def test_what_could_not_be_recorded_is_handed_over_again_under_the_same_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hopper, "_AGAIN_SECONDS", 0.02)

    async def play() -> None:
        door = Recorded()
        door.unavailable = 3
        async with listening("tcp", door) as (port, _):
            writer = await connect(port)
            writer.write(b"<13>one\n<13>one\n")
            await until(lambda: len(door.items) == 2)
        assert door.good == ["<13>one", "<13>one"]
        names = [item.value["received"] for item in door.items]
        assert len(set(names)) == 2
        assert not door.losses

    uvloop.run(play())


def test_a_stop_hands_over_what_came_or_says_that_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hopper, "_LEAVE_SECONDS", 0.2)
    monkeypatch.setattr(hopper, "_AGAIN_SECONDS", 0.05)

    async def play(door: Recorded) -> None:
        async with listening("tcp", door) as (port, receiver):
            writer = await connect(port)
            writer.write(b"<13>one\n<13>two\n<13>cut")
            await until(lambda: receiver.counts().received == 2)

    taken, refused = Recorded(), Recorded()
    refused.unavailable = 1_000
    uvloop.run(play(taken))
    assert (taken.good, taken.problems) == (["<13>one", "<13>two"], ["cut off: the server stopped"])
    uvloop.run(play(refused))
    assert refused.losses == {"messages": 3}


def test_who_may_not_send_or_has_too_many_connections_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_MOST_OF_ONE", 3)

    async def play() -> None:
        door = Recorded()
        async with listening("tcp", door) as (port, receiver):
            kept = [await connect(port) for _ in range(3)]
            await until(lambda: receiver.counts().connections == 3)
            reader, _ = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            kept[0].close()
            await until(lambda: receiver.counts().connections == 2)
            kept.append(await connect(port))
            await until(lambda: receiver.counts().connections == 3)
            door.allowed.clear()
            reader, _ = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            assert len(door.refused) == 2
            kept[1].write(b"<13>still here\n")
            await until(lambda: door.good == ["<13>still here"])

    uvloop.run(play())


def test_tls_takes_whom_its_authority_knows_and_nobody_else(
    certificates: Certificates, tmp_path: Path
) -> None:
    stranger = ssl.create_default_context(cafile=str(certificates.ca_file))
    known = ssl.create_default_context(cafile=str(certificates.ca_file))
    chain = tmp_path / "client.pem"
    chain.write_bytes(certificates.certificate + certificates.key)
    known.load_cert_chain(chain)

    async def play() -> None:
        door = Recorded()
        async with listening("tls", door, certificates, str(certificates.ca_file)) as (port, _):
            plain = await connect(port)
            plain.write(b"<13>not encrypted\n" * 10)
            await until(lambda: len(door.refused) == 1)
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=stranger)
                writer.write(b"<13>without a certificate\n")
                await reader.read()
            await until(lambda: len(door.refused) == 2)
            assert all("handshake failed" in reason for reason in door.refused)
            good = await connect(port, known)
            good.write(b"11 <13>counted" + b"9 <13>again")
            await until(lambda: len(door.items) == 2)
        assert door.good == ["<13>counted", "<13>again"]
        assert {item.value["peer_name"] for item in door.items} == {"localhost"}

    uvloop.run(play())


def test_a_handshake_that_does_not_come_ends(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_HANDSHAKE_SECONDS", 0.2)

    async def play() -> None:
        door = Recorded()
        async with listening("tls", door, certificates) as (port, _):
            reader, _ = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            await until(lambda: door.refused)

    uvloop.run(play())


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_taken_address_is_named(protocol: str) -> None:
    async def play() -> None:
        async with listening(protocol, Recorded()) as (port, _):
            second = open_receiver(Listening("syslog", "two", protocol, "127.0.0.1", port), Recorded())
            with pytest.raises(ConfigError, match=f"syslog/two cannot listen on {protocol} 127.0.0.1:{port}"):
                await second.start()
            await second.stop()

    uvloop.run(play())


def test_the_check_of_a_configuration_says_what_listens_where(tmp_path: Path) -> None:
    create_home(tmp_path / "home")
    file = config_of(tmp_path / "home")
    with file.open("a") as config:
        config.write(
            '[[receivers]]\nsource = "syslog/office"\nprotocol = "smoke"\nlisten = "127.0.0.1:5514"\n'
        )
    (found,) = [one for one in explain_config(file) if one.key == "receivers"]
    assert not found.ok
    assert "receivers.syslog/office.protocol: syslog has no protocol of this name" in found.says
    assert found.hint == "write one of udp, tcp, tls"
