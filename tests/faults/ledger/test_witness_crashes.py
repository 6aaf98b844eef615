"""A witness that is killed at any moment, or whose disk fails, cosigns one tree only and never goes back."""

from __future__ import annotations

import errno
import http.client
import random
import subprocess
import threading
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.glasshatch import COMMAND, free_port
from glasshatch.clock import ManualClock
from glasshatch.ledger.files import Files
from glasshatch.ledger.log import (
    HASH_BYTES,
    AddCheckpoint,
    Checkpoint,
    Edge,
    VerifierKey,
    consistency_proof,
    leaf_hashes,
    sign_checkpoint,
)
from glasshatch.ledger.witness import WitnessFolder, create_witness

ORIGIN = "example.com/audit"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = VerifierKey(ORIGIN, KEY.public_key().public_bytes_raw())
FORK, LAST = 40, 400


class Tree:
    """A log in memory, signed at every size; two of them differ from entry `FORK` on."""

    def __init__(self, word: str) -> None:
        leaves = leaf_hashes(
            b"%s %d" % ((word if number >= FORK else "same").encode(), number) for number in range(LAST)
        )
        self._levels: list[bytes] = []
        edge = Edge()
        self.checkpoints = [sign_checkpoint(ORIGIN, 0, edge.root(), KEY)]
        for leaf in leaves:
            for level, hashes in enumerate(edge.extend(leaf)):
                if level == len(self._levels):
                    self._levels.append(b"")
                self._levels[level] += hashes
            self.checkpoints.append(sign_checkpoint(ORIGIN, edge.size, edge.root(), KEY))

    def request(self, old: int, size: int) -> bytes:
        proof = tuple(consistency_proof(old, size, self._read)) if 0 < old < size else ()
        return AddCheckpoint(old, proof, self.checkpoints[size].note).encode()

    def _read(self, level: int, first: int, count: int) -> bytes:
        return self._levels[level][first * HASH_BYTES : (first + count) * HASH_BYTES]


@pytest.fixture(scope="module")
def trees() -> tuple[Tree, Tree]:
    return Tree("left"), Tree("right")


class Client:
    """Asks for cosignatures of both trees, as a log that shows two views would; keeps what it was given."""

    def __init__(
        self, port: int, trees: tuple[Tree, Tree], seed: int, given: list[tuple[int, Checkpoint]]
    ) -> None:
        self._port, self._trees, self._dice = port, trees, random.Random(seed)
        self._given = given
        self.known = 0
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            while self.known < LAST:
                self._ask(connection)
        except (OSError, http.client.HTTPException):
            pass  # the witness was killed
        finally:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        branch = self._dice.randrange(2)
        size = min(LAST, self.known + self._dice.randrange(4))
        connection.request("POST", "/add-checkpoint", self._trees[branch].request(self.known, size))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 200:
            self._given.append((branch, self._trees[branch].checkpoints[size]))
            self.known = size
        elif answer.status == 409:
            self.known = int(body)
        else:
            assert answer.status == 422, (answer.status, body)


def start(directory: Path, port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*COMMAND, "witness", "serve", str(directory), "--listen", f"127.0.0.1:{port}"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert "ready: witness" in process.stderr.readline()
    return process


def check(given: list[tuple[int, Checkpoint]]) -> None:
    """No two of these are of two trees."""
    beyond = {branch for branch, checkpoint in given if checkpoint.size > FORK}
    assert len(beyond) <= 1, "two trees were cosigned"
    roots: dict[int, bytes] = {}
    for _, checkpoint in given:
        assert roots.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root


@pytest.mark.slow
def test_kill_9_at_random_moments_never_lets_two_trees_be_cosigned(
    tmp_path: Path, trees: tuple[Tree, Tree]
) -> None:
    create_witness(tmp_path / "witness", "witness.example/w1")
    WitnessFolder(tmp_path / "witness").trust(PUBLIC)
    dice, port = random.Random(), free_port()
    given: list[tuple[int, Checkpoint]] = []
    kills = rounds(6, 100)
    for number in range(kills):
        process = start(tmp_path / "witness", port)
        before = max((checkpoint.size for _, checkpoint in given), default=0)
        clients = [Client(port, trees, number * 10 + one, given) for one in range(3)]
        for client in clients:
            client.thread.start()
        deadline, goal = time.monotonic() + 120, len(given) + 5
        while len(given) < goal and before < LAST and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(dice.random() * 0.2)
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        for client in clients:
            client.thread.join(60)
        check(given)
        kept = last_kept(tmp_path / "witness")
        assert kept >= max((checkpoint.size for _, checkpoint in given), default=0), "it went back"
        assert kept >= before
    tell(f"{kills} kills, {len(given)} cosignatures, up to size {kept}: one tree, never back")
    assert len(given) > kills


def last_kept(directory: Path) -> int:
    notes = [path for path in (directory / "seen").iterdir() if path.suffix == ".note"]
    assert len(notes) <= 1
    return int(notes[0].read_bytes().split(b"\n")[1]) if notes else 0


class Failing(Files):
    """Fails the n-th change of the disk and everything after it; counts them."""

    def __init__(self, fails_at: int) -> None:
        self.calls: list[str] = []
        self._fails_at = fails_at

    def _strike(self, call: str) -> None:
        self.calls.append(call)
        if len(self.calls) >= self._fails_at:
            raise OSError(errno.EIO, "Input/output error")

    def create(self, path: Path) -> int:
        self._strike("create")
        return super().create(path)

    def pwrite(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        self._strike("pwrite")
        super().pwrite(descriptor, data, offset)

    def fsync(self, descriptor: int) -> None:
        self._strike("fsync")
        super().fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        self._strike("rename")
        super().rename(source, target)


def test_a_disk_that_fails_at_any_operation_cosigns_nothing_that_is_not_kept(
    tmp_path: Path, trees: tuple[Tree, Tree]
) -> None:
    create_witness(tmp_path / "witness", "witness.example/w1")
    WitnessFolder(tmp_path / "witness").trust(PUBLIC)
    given: list[tuple[int, Checkpoint]] = []
    struck = 0
    for point in [*range(1, 12), 99]:
        folder = WitnessFolder(tmp_path / "witness", Failing(point))
        witness = folder.open(ManualClock())
        known = last_kept(tmp_path / "witness")
        for branch in (0, 1, 0):
            size = min(LAST, known + 15)
            answer = witness.add_checkpoint(trees[branch].request(known, size))
            if answer.status == 200:
                given.append((branch, trees[branch].checkpoints[size]))
                assert last_kept(tmp_path / "witness") == size
            struck += answer.status == 500
        folder.close()
        check(given)
    tell(f"12 points of failure, {struck} answers withheld, {len(given)} cosignatures, one tree")
    assert struck
    assert given


def test_the_answer_comes_after_file_and_directory_are_synced(
    tmp_path: Path, trees: tuple[Tree, Tree]
) -> None:
    create_witness(tmp_path / "witness", "witness.example/w1")
    files = Failing(1_000)
    folder = WitnessFolder(tmp_path / "witness", files)
    folder.trust(PUBLIC)
    files.calls.clear()
    assert folder.open(ManualClock()).add_checkpoint(trees[0].request(0, 9)).status == 200
    assert files.calls == ["create", "pwrite", "fsync", "rename", "fsync"]
    folder.close()
