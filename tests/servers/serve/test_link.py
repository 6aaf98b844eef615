"""The link between front and back: every durable entry once, in order, whatever breaks in between."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glasshatch.api.sockets import connect_unix
from glasshatch.app import frames
from glasshatch.app.recorder import EventMaker, Recorder
from glasshatch.app.serve import link
from glasshatch.app.serve.link import Entries, Follower, LinkServer, RemoteRecorder
from glasshatch.clock import SystemClock
from glasshatch.errors import Unavailable
from glasshatch.events import decode
from glasshatch.keys import Keyring, create_master_key_file, open_master_key
from glasshatch.ledger import Ledger
from glasshatch.masking import Engine, Redactor, Tokens


class Front:
    """A real ledger with its recorder, and the link's server end."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        create_master_key_file(folder / "master.key")
        master = open_master_key(f"file:{folder}/master.key")
        keyring = Keyring.create(folder / "ring.json", "default", "test/log", master, os.urandom)
        self.ledger = Ledger.create(folder / "ledger", keyring, SystemClock())
        tokens = Tokens(keyring.token_keys, keyring.token_epoch, keyring.tenant)
        self.recorder = Recorder(self.ledger, Redactor(engine, tokens))
        self.path = folder / "link.sock"
        self.link = self.serve()

    def serve(self) -> LinkServer:
        self.link = LinkServer(self.path, lambda: [("default", self.ledger)], self.recorder)
        self.link.start()
        return self.link

    def append(self, count: int) -> None:
        for _ in range(count):
            self.ledger.append(b"entry %d" % self.ledger.size)

    def close(self) -> None:
        self.link.stop()
        self.ledger.close()


class Consumer:
    """Keeps what it was given; fails when told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes]] = []
        self.failing = False
        self.failures: list[BaseException] = []

    def watermarks(self) -> dict[str, int]:
        return {"default": len(self.seen)}

    def apply(self, entries: Entries) -> None:
        if self.failing:
            raise ZeroDivisionError
        self.seen += [(index, data) for _, index, data in entries]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.load(packs=("core", "secrets"), cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def front(tmp_path: Path, engine: Engine) -> Iterator[Front]:
    front = Front(tmp_path, engine)
    yield front
    front.close()


@pytest.fixture
def consumer(front: Front) -> Iterator[Consumer]:
    consumer = Consumer()
    follower = Follower(front.path, consumer.watermarks, consumer.apply, consumer.failures.append)
    follower.start()
    yield consumer
    follower.stop()


def eventually(holds: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def expected(count: int) -> list[tuple[int, bytes]]:
    return [(index, b"entry %d" % index) for index in range(count)]


def test_what_was_there_and_what_comes_arrives_in_order(front: Front, consumer: Consumer) -> None:
    front.append(50)
    assert eventually(lambda: len(consumer.seen) == 50)
    front.append(25)
    assert eventually(lambda: len(consumer.seen) == 75)
    assert consumer.seen == expected(75)


def test_a_long_backlog_arrives_whole(front: Front) -> None:
    done = threading.Semaphore(0)
    for index in range(9_001):
        front.ledger.submit(b"entry %d" % index, lambda _: done.release())
    for _ in range(9_001):
        done.acquire()
    consumer = Consumer()
    follower = Follower(front.path, consumer.watermarks, consumer.apply, consumer.failures.append)
    follower.start()
    assert eventually(lambda: len(consumer.seen) == 9_001)
    follower.stop()
    assert consumer.seen == expected(9_001)


def test_entries_too_large_for_one_frame_come_in_several(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "_MAX_FRAME_BYTES", 200_000)
    monkeypatch.setattr(link, "MOST_BYTES", 100_000)
    for _ in range(20):
        front.ledger.append(os.urandom(30_000))
    consumer = Consumer()
    follower = Follower(front.path, consumer.watermarks, consumer.apply, consumer.failures.append)
    follower.start()
    assert eventually(lambda: len(consumer.seen) == 20)
    follower.stop()
    assert consumer.seen == list(front.ledger.scan())


def test_a_front_that_comes_back_is_followed_on(front: Front, consumer: Consumer) -> None:
    front.append(5)
    assert eventually(lambda: len(consumer.seen) == 5)
    front.link.stop()
    front.append(5)
    time.sleep(0.3)
    front.serve()
    assert eventually(lambda: len(consumer.seen) == 10)
    assert consumer.seen == expected(10)


def test_a_consumer_that_failed_is_given_the_same_again(front: Front, consumer: Consumer) -> None:
    consumer.failing = True
    front.append(3)
    assert eventually(lambda: len(consumer.failures) >= 2)
    consumer.failing = False
    assert eventually(lambda: len(consumer.seen) == 3)
    assert consumer.seen == expected(3)


def test_the_back_records_through_the_front(front: Front) -> None:
    maker, remote = EventMaker(SystemClock(), tenant="default"), RemoteRecorder(front.path)
    receipt = remote.record(maker.make("record.read", attrs={"query": "who is alice@example.com"}))
    stored = decode(front.ledger.read(receipt.index))
    assert stored.action == "record.read"
    assert "alice@example.com" not in str(stored.attrs)
    assert remote.sizes() == {"default": 1}
    remote.close()


def test_a_front_that_is_away_is_unavailable_and_found_again(front: Front) -> None:
    maker, remote = EventMaker(SystemClock(), tenant="default"), RemoteRecorder(front.path)
    remote.record(maker.make("record.read"))
    front.link.stop()
    with pytest.raises(Unavailable):
        remote.record(maker.make("record.read"))
    front.serve()
    assert remote.record(maker.make("record.read")).index == 1
    remote.close()


@pytest.mark.parametrize("garbage", [b"\xff" * 40, b"\x00\x00\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n", b""])
def test_garbage_ends_one_connection_only(front: Front, consumer: Consumer, garbage: bytes) -> None:
    connection = connect_unix(front.path, 5)
    connection.sendall(garbage)
    connection.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(10) == b""
    connection.close()
    front.append(2)
    assert eventually(lambda: len(consumer.seen) == 2)
