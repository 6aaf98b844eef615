"""A pruning that is killed, or fails, at any step: done whole or not at all, and never without its record."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.logs import SMALL
from fixtures.pruning import CANARY, append_events, recording
from glasshatch.clock import ManualClock
from glasshatch.errors import Conflict, GlasshatchError, Unavailable
from glasshatch.events import decode
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerOptions, LedgerReader, verify_directory
from glasshatch.ledger.files import Files

COUNT, MINIMUM, LARGE = 1_100, 512, 200


class Struck(Files):
    """Does something at the n-th change of the disk after it was armed."""

    def __init__(self, at: int, strike: Callable[[], None]) -> None:
        self.armed = False
        self.calls = 0
        self._at = at
        self._strike = strike

    def _count(self) -> None:
        if self.armed:
            self.calls += 1
            if self.calls == self._at:
                self._strike()

    def create(self, path: Path) -> int:
        self._count()
        return super().create(path)

    def pwrite(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        self._count()
        super().pwrite(descriptor, data, offset)

    def fdatasync(self, descriptor: int) -> None:
        self._count()
        super().fdatasync(descriptor)

    def fsync(self, descriptor: int) -> None:
        self._count()
        super().fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        self._count()
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._count()
        super().unlink(path)


@pytest.fixture
def ledger(tmp_path: Path, keyring: Keyring) -> Path:
    directory = tmp_path / "ledger"
    with Ledger.create(directory, keyring, ManualClock(), SMALL) as made:
        append_events(made, COUNT, large_every=LARGE)
    return directory


def prune(directory: Path, keyring: Keyring, files: Struck) -> None:
    options = LedgerOptions(segment_bytes=2048, max_segment_bytes=2048, pack_bundles=1, files=files)
    with Ledger.open(directory, keyring, ManualClock(), options) as opened:
        files.armed = True
        opened.prune(MINIMUM, recording(opened))
        files.armed = False


def killed(directory: Path, keyring: Keyring, at: int) -> bool:
    """Prune in a process of its own that is killed at the n-th change; False if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            prune(directory, keyring, Struck(at, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def check(directory: Path, keyring: Keyring) -> str:
    """Look at what a killed pruning left, then open it: what is recorded is carried out, whole."""
    report = verify_directory(directory, data_key=keyring.envelope)
    assert report.ok or report.unfinished, report.problems
    with LedgerReader(directory, keyring) as reader:
        assert next(reader.scan())[0] == reader.minimum
    with Ledger.open(directory, keyring, ManualClock(), SMALL) as opened:
        found = list(opened.scan())
        recorded = [decode(entry).action for index, entry in found if index >= COUNT].count("ledger.pruned")
        assert (opened.minimum, recorded) in ((0, 0), (MINIMUM, 1)), "recorded, and not carried out"
        assert [index for index, _ in found] == list(range(opened.minimum, opened.size))
        assert all(CANARY.format(number=index).encode() in entry for index, entry in found if index < COUNT)
        minimum = opened.minimum
        assert all(
            opened.whole(index) != entry for index, entry in found if index < COUNT and index % LARGE == 0
        )
    assert not (directory / "pruning").exists()
    kept = len(list((directory / "blobs").glob("*/*")))
    assert kept == sum(index % LARGE == 0 for index in range(minimum, COUNT))
    assert min(int(path.stem) for path in (directory / "entries").glob("*.pack")) == minimum // 256
    assert verify_directory(directory, data_key=keyring.envelope).require().pruned == minimum
    return "carried out" if minimum else "not begun"


def test_kill_9_at_every_step_of_a_pruning(ledger: Path, keyring: Keyring) -> None:
    ended: Counter[str] = Counter()
    at, struck = 0, True
    while struck:
        at += 1
        work = ledger.with_name("work")
        shutil.copytree(ledger, work)
        struck = killed(work, keyring, at)
        ended[check(work, keyring)] += 1
        shutil.rmtree(work)
        assert at < 200
    told = ", ".join(f"{count} {end}" for end, count in sorted(ended.items()))
    tell(f"kill -9 at each of {at - 1} steps of a pruning: {told}, none half done")
    assert at > 15
    assert ended["not begun"] >= 4
    assert ended["carried out"] >= 8


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_in_a_pruning_is_said_and_it_is_finished_later(
    ledger: Path, keyring: Keyring, code: int
) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    said: Counter[str] = Counter()
    for at in range(1, rounds(24, 40)):
        work = ledger.with_name("work")
        shutil.copytree(ledger, work)
        try:
            prune(work, keyring, Struck(at, fail))
            said["went through"] += 1
        except Unavailable as error:
            said["said so, with a cure" if error.hint else "said so"] += 1
        check(work, keyring)
        shutil.rmtree(work)
    told = ", ".join(f"{count} {end}" for end, count in sorted(said.items()))
    tell(f"{os.strerror(code)} at each step of a pruning: {told}, none half done")
    assert said["said so, with a cure"] > 10
    assert not said["said so"]


def test_a_pruning_whose_record_was_late_is_finished_by_the_next_one(ledger: Path, keyring: Keyring) -> None:
    """The answer did not come in time, and the entry is durable after all."""
    with Ledger.open(ledger, keyring, ManualClock(), SMALL) as opened:
        record = recording(opened)

        def late(links: object) -> object:
            record(links)  # type: ignore[arg-type]
            raise Unavailable("did not acknowledge in time")

        with pytest.raises(Unavailable):
            opened.prune(256, late)  # type: ignore[arg-type]
        assert opened.minimum == 0
        with pytest.raises(GlasshatchError, match="no pack that may go ends before entry 256"):
            opened.prune(256, record)
        assert opened.minimum == 256
        opened.prune(512, record)
        assert opened.minimum == 512


def test_a_refused_record_leaves_no_trace(ledger: Path, keyring: Keyring) -> None:
    def refuse(_: object) -> object:
        raise Conflict("a hold")

    with Ledger.open(ledger, keyring, ManualClock(), SMALL) as opened:
        with pytest.raises(Conflict):
            opened.prune(256, refuse)  # type: ignore[arg-type]
        assert not (ledger / "pruning").exists()
        assert opened.minimum == 0


def test_every_flipped_byte_and_every_cut_of_its_files_is_found(ledger: Path, keyring: Keyring) -> None:
    with Ledger.open(ledger, keyring, ManualClock(), SMALL) as opened:
        opened.prune(MINIMUM, recording(opened))
        key = str(opened.key)
    file = ledger / "pruned"
    whole = file.read_bytes()
    mutants = [whole[:length] for length in range(0, len(whole), rounds(9, 1))]
    mutants += [whole + extra for extra in (b"\0", b"\n", b" ", whole, b"GHFR" + bytes(60))]
    for at in range(0, len(whole), rounds(5, 1)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        mutants.append(bytes(flipped))
    unnoticed = []
    for number, mutant in enumerate(mutants):
        file.write_bytes(mutant)
        report = verify_directory(ledger, key)
        if not any(problem.file == "pruned" and problem.kind == "damage" for problem in report.problems):
            unnoticed.append(number)
    file.write_bytes(whole)
    tell(f"{len(mutants)} flipped, cut and longer files of a pruning, {len(unnoticed)} unnoticed")
    assert unnoticed == []
    assert verify_directory(ledger, key).ok
    (ledger / "pruning").write_bytes(b"garbage")
    assert not verify_directory(ledger, key).ok
    with pytest.raises(GlasshatchError, match="pruning"):
        Ledger.open(ledger, keyring, ManualClock(), SMALL)
