"""After any end of the process or the disk: all acknowledged entries are there, in order, and verify."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from glasshatch.clock import ManualClock
from glasshatch.errors import GlasshatchError, Unavailable
from glasshatch.events import Receipt
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerOptions, open_checkpoint, verify_directory
from glasshatch.ledger.files import Files

APPENDER = Path(__file__).with_name("appender.py")
SMALL = LedgerOptions(segment_bytes=4096, max_segment_bytes=8192, pack_bundles=1, gather_seconds=0.001)


def entry(number: int) -> bytes:
    return b"entry %d " % number + b"x" * (number * 13 % 150)


def check(directory: Path, keyring: Keyring, acknowledged: int, options: LedgerOptions = SMALL) -> int:
    """Open, read all, compare, verify offline; returns how many entries there are."""
    with Ledger.open(directory, keyring, ManualClock(), options) as ledger:
        found = [item for _, item in ledger.scan()]
        assert len(found) >= acknowledged
        assert found == [entry(number) for number in range(len(found))]
    verify_directory(directory, data_key=keyring.envelope).require()
    return len(found)


def acknowledgements(output: bytes, start: int) -> int:
    """How many were acknowledged: whole lines, in order, from `start`."""
    indexes = [int(line) for line in output.split(b"\n")[:-1]]
    assert indexes == list(range(start, start + len(indexes)))
    return start + len(indexes)


def test_kill_9_at_random_moments_loses_nothing_acknowledged(tmp_path: Path, keyring: Keyring) -> None:
    Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL).close()
    dice = random.Random()
    size = acknowledged = 0
    kills = rounds(12, 200)
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, APPENDER, tmp_path, "1000000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(dice.random() * 0.25)
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors
        acknowledged = acknowledgements(first + rest, size)
        size = check(tmp_path / "ledger", keyring, acknowledged)
    tell(
        f"kill -9 at random moments: {kills} kills, {acknowledged} entries acknowledged, {size} found, 0 lost"
    )
    assert size > kills


@pytest.mark.needs("syscalls")
@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("pwrite64", "signal=KILL"),
        ("fdatasync", "signal=KILL"),
        ("rename", "error=EIO"),
        ("fdatasync", "error=EIO"),
        ("pwrite64", "error=ENOSPC"),
        ("fsync", "error=EIO"),
        ("rename", "signal=KILL"),
    ],
)
def test_the_kernel_fails_a_call(tmp_path: Path, keyring: Keyring, call: str, fault: str) -> None:
    """strace makes the n-th system call of a real process fail, or kills it there."""
    Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL).close()
    size = struck = 0
    whens = (2, 3, 5, 9, 14, 22)[: rounds(3, 6)]
    for when in whens:
        inject = f"inject={call}:{fault}:when={when}+"
        command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
        done = subprocess.run(
            [*command, sys.executable, APPENDER, tmp_path, "120"],
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (0, 1, 3, -signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
        struck += done.returncode != 0
        size = check(tmp_path / "ledger", keyring, acknowledgements(done.stdout, size))
    tell(f"strace {call} {fault}: {len(whens)} runs, {struck} struck, {size} entries, none lost")
    assert struck


class Failing(Files):
    """Fails the n-th change of the disk and, as real disks do, everything after it."""

    def __init__(self, fails_at: int, code: int) -> None:
        self.calls = 0
        self._fails_at = fails_at
        self._code = code
        self._lock = threading.Lock()

    def _strike(self) -> None:
        with self._lock:
            self.calls += 1
            if self.calls >= self._fails_at:
                raise OSError(self._code, os.strerror(self._code))

    def create(self, path: Path) -> int:
        self._strike()
        return super().create(path)

    def pwrite(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        self._strike()
        super().pwrite(descriptor, data, offset)

    def fdatasync(self, descriptor: int) -> None:
        self._strike()
        super().fdatasync(descriptor)

    def fsync(self, descriptor: int) -> None:
        self._strike()
        super().fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        self._strike()
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._strike()
        super().unlink(path)

    def truncate(self, descriptor: int, size: int) -> None:
        self._strike()
        super().truncate(descriptor, size)


class PowerLoss(Failing):
    """Also forgets, at the end, a random part of what was written but never synced."""

    def __init__(self, fails_at: int, dice: random.Random) -> None:
        super().__init__(fails_at, errno.EIO)
        self._dice = dice
        self._unsynced: list[tuple[str, int, int, bytes]] = []

    def pwrite(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        status = os.fstat(descriptor)
        before = os.pread(descriptor, len(data), offset)
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        with self._lock:
            self._unsynced.append((path, status.st_ino, offset, before.ljust(len(data), b"\0")))
        try:
            super().pwrite(descriptor, data, offset)
        except OSError:
            # The write that fails may have reached the disk in part.
            os.pwrite(descriptor, bytes(data)[: self._dice.randrange(len(data) + 1)], offset)
            raise

    def fdatasync(self, descriptor: int) -> None:
        super().fdatasync(descriptor)
        self._forget(descriptor)

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        self._forget(descriptor)

    def _forget(self, descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        with self._lock:
            self._unsynced = [item for item in self._unsynced if item[1] != inode]

    def lose_power(self) -> int:
        """Put back old bytes under unsynced writes, in sectors chosen at random; returns how many."""
        lost = 0
        for path, inode, offset, before in reversed(self._unsynced):
            if not os.path.exists(path) or os.stat(path).st_ino != inode:
                continue
            with open(path, "r+b") as file:
                for at in range(0, len(before), 512):
                    if self._dice.random() < 0.6:
                        sector = before[at : at + 512]
                        os.pwrite(file.fileno(), sector, offset + at)
                        lost += 1
        return lost


def run_until_failure(
    directory: Path, keyring: Keyring, files: Failing, count: int
) -> tuple[int, Exception | None, list[Any]]:
    """Append until something fails; returns the acknowledged count, the error, and all answers."""
    options = LedgerOptions(
        segment_bytes=4096, max_segment_bytes=8192, pack_bundles=1, gather_seconds=0.001, files=files
    )
    answers: list[Receipt | GlasshatchError] = []
    error: Exception | None = None
    try:
        ledger = Ledger.open(directory, keyring, ManualClock(), options)
    except (OSError, GlasshatchError) as failure:
        return 0, failure, answers
    try:
        start = ledger.size
        for number in range(start, start + count):
            ledger.submit(entry(number), answers.append)
            if number % 9 == 0:
                ledger.checkpoint(fresh=True)
        ledger.checkpoint(fresh=True)
    except (OSError, GlasshatchError) as failure:
        error = failure
    finally:
        ledger.close()
    receipts = [answer.index for answer in answers if isinstance(answer, Receipt)]
    assert receipts == list(range(start, start + len(receipts)))
    if ledger.error is not None:
        late: list[Any] = []
        ledger.submit(b"too late", late.append)
        assert isinstance(late[0], Unavailable)
    return start + len(receipts), error or ledger.error, answers


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_operation_stops_it_and_loses_nothing(
    tmp_path: Path, keyring: Keyring, code: int
) -> None:
    directory = tmp_path / "ledger"
    Ledger.create(directory, keyring, ManualClock(), SMALL).close()
    size, stops = 0, 0
    points = [*range(1, 30), *range(30, 100, 5)]
    for point in points:
        acknowledged, error, _ = run_until_failure(directory, keyring, Failing(point, code), 60)
        if isinstance(error, Unavailable):
            stops += 1
            cure = "free disk space" if code == errno.ENOSPC else "check the disk"
            assert cure in error.hint
        size = check(directory, keyring, max(acknowledged, size))
    tell(
        f"a disk that says {os.strerror(code)!r}: {len(points)} points of failure, {stops} stops, "
        f"{size} entries, 0 lost"
    )
    assert stops > len(points) // 2


def test_power_loss_at_any_operation_loses_nothing_acknowledged(tmp_path: Path, keyring: Keyring) -> None:
    directory = tmp_path / "ledger"
    Ledger.create(directory, keyring, ManualClock(), SMALL).close()
    dice = random.Random(7)
    size = lost = 0
    points = [*range(2, 40, 2), *range(40, 160, 6)]
    for point in points:
        files = PowerLoss(point, dice)
        acknowledged, _, _ = run_until_failure(directory, keyring, files, 60)
        lost += files.lose_power()
        size = check(directory, keyring, max(acknowledged, size))
    tell(
        f"unsynced writes torn, dropped and reordered: {len(points)} power losses, {lost} unsynced sectors "
        f"gone, {size} entries, 0 acknowledged lost"
    )
    assert lost


def test_a_failing_sync_acknowledges_nothing_and_is_not_retried(tmp_path: Path, keyring: Keyring) -> None:
    class FailingSync(Files):
        armed = False
        syncs = 0

        def fdatasync(self, descriptor: int) -> None:
            if self.armed:
                self.syncs += 1
                raise OSError(errno.EIO, "Input/output error")
            super().fdatasync(descriptor)

    files = FailingSync()
    ledger = Ledger.create(tmp_path / "ledger", keyring, ManualClock(), LedgerOptions(files=files))
    ledger.append(entry(0))
    ledger.checkpoint(fresh=True)
    files.armed = True
    answers: list[Any] = []
    for number in range(1, 20):
        ledger.submit(entry(number), answers.append)
    with pytest.raises(Unavailable, match="disk failed"):
        ledger.append(entry(20))
    assert len(answers) == 19
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert files.syncs == 1
    assert (ledger.size, ledger.read(0)) == (1, entry(0))
    ledger.close()
    check(tmp_path / "ledger", keyring, 1, LedgerOptions())


def test_a_second_process_is_refused_while_the_first_writes(tmp_path: Path, keyring: Keyring) -> None:
    with Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL) as ledger:
        done = subprocess.run(
            [sys.executable, APPENDER, tmp_path, "5"], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert b"open in another process" in done.stderr
        assert ledger.append(entry(0)).index == 0
    check(tmp_path / "ledger", keyring, 1)


def test_a_clock_that_goes_back_changes_nothing(tmp_path: Path, keyring: Keyring) -> None:
    class Backwards(ManualClock):
        def now_ns(self) -> int:
            self.advance(-3_600_000_000_000)
            return super().now_ns()

    sizes = []
    with Ledger.create(tmp_path / "ledger", keyring, Backwards(), SMALL) as ledger:
        for number in range(300):
            ledger.append(entry(number))
            if number % 50 == 0:
                sizes.append(open_checkpoint(ledger.checkpoint(fresh=True), ledger.key).size)
    assert sizes == [number + 1 for number in range(0, 300, 50)]
    assert check(tmp_path / "ledger", keyring, 300) == 300
    tell("a clock that goes back an hour at each look: 300 entries, 6 checkpoints, each larger, none lost")


def test_a_crash_between_note_and_checkpoint_is_finished_and_never_undercut(
    tmp_path: Path, keyring: Keyring
) -> None:
    """A signed note that was not yet served binds the ledger: the next start serves exactly it."""
    directory = tmp_path / "ledger"
    with Ledger.create(directory, keyring, ManualClock(), SMALL) as ledger:
        ledger.append(entry(0))
        before = ledger.checkpoint(fresh=True)
        ledger.append(entry(1))
        after = ledger.checkpoint(fresh=True)
    (directory / "checkpoint").write_bytes(before)
    (directory / "checkpoint.tmp").write_bytes(after[:50])
    assert verify_directory(directory).unfinished
    with Ledger.open(directory, keyring, ManualClock(), SMALL) as ledger:
        assert ledger.checkpoint() == after
    check(directory, keyring, 2)


Make = Callable[..., Any]


def test_a_log_cut_below_a_signed_checkpoint_does_not_open(victim: Make) -> None:
    small = victim(30)
    segments = sorted(name for name in small.files if name.parts[0] == "wal")
    last = [name for name in segments if b"GHFR" in small.files[name]][-1]
    data = small.files[last]
    small.write(last, data[:64].ljust(len(data), b"\0"))
    with pytest.raises(GlasshatchError, match="below a signed checkpoint are missing") as raised:
        Ledger.open(small.directory, small.keyring, ManualClock(), SMALL)
    assert "restore" in raised.value.hint
    assert not verify_directory(small.directory, small.key).ok
