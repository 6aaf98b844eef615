"""Large events after any end of process or disk: what was acknowledged is whole, and no orphan stays."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from glasshatch.clock import ManualClock
from glasshatch.errors import GlasshatchError, Unavailable
from glasshatch.events import Receipt
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerOptions, verify_directory
from glasshatch.ledger.files import Files

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
sys.path.insert(0, str(HERE))

from large_appender import EVERY, OPTIONS, item, number_of, whole  # noqa: E402
from test_crashes import Failing, PowerLoss  # noqa: E402

WORKER = [sys.executable, str(HERE / "large_appender.py")]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}


def left_behind(directory: Path, keyring: Keyring) -> Counter[str]:
    """What an end left among the blobs, by kind; none of it is damage, with the data key or without."""
    for key in (None, keyring.envelope):
        report = verify_directory(directory, data_key=key)
        assert report.ok or report.unfinished, report.problems
    found: Counter[str] = Counter()
    for problem in report.problems:
        if problem.file.startswith("blobs/"):
            kinds = {".tmp": "half written", "pruned": "half pruned", "acknowledged": "without an entry"}
            found.update(kind for sign, kind in kinds.items() if sign in problem.file + problem.what)
    return found


def check(directory: Path, keyring: Keyring, acknowledged: int) -> tuple[int, int]:
    """Open it: all that was acknowledged and not pruned is whole, in order. Size, and blobs there."""
    with Ledger.open(directory, keyring, ManualClock(), OPTIONS) as ledger:
        found = [ledger.whole(index) for index, _ in ledger.scan()]
        assert ledger.size >= acknowledged
        numbers = [number for one in found if (number := number_of(one)) >= 0]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        assert all(one == whole(number_of(one)) for one in found if number_of(one) >= 0)
        size = ledger.size
    blobs = list((directory / "blobs").glob("*/*"))
    assert len(blobs) == sum(number % EVERY == 0 for number in numbers), "no orphan stays"
    for key in (None, keyring.envelope):
        verify_directory(directory, data_key=key).require()
    return size, len(blobs)


def acknowledged_in(output: bytes, start: int) -> int:
    indexes = [int(line) for line in output.split(b"\n")[:-1]]
    assert indexes == list(range(start, start + len(indexes)))
    return start + len(indexes)


def test_kill_9_at_random_moments_loses_no_large_event(tmp_path: Path, keyring: Keyring) -> None:
    directory = tmp_path / "ledger"
    Ledger.create(directory, keyring, ManualClock(), OPTIONS).close()
    dice, traces = random.Random(), Counter[str]()
    size = blobs = 0
    kills = rounds(8, 250)
    for _ in range(kills):
        process = subprocess.Popen(
            [*WORKER, str(tmp_path), "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env=ENVIRONMENT,
        )  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(dice.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors
        acknowledged = acknowledged_in(first + rest, size)
        traces.update(left_behind(directory, keyring) or {"nothing": 1})
        size, blobs = check(directory, keyring, acknowledged)
    told = ", ".join(f"{name} {count}" for name, count in traces.most_common())
    tell(
        f"kill -9 among large events: {kills} kills, {size} entries, {blobs} blobs kept, 0 lost; left: {told}"
    )
    assert blobs > 0


@pytest.mark.needs("syscalls")
@pytest.mark.parametrize(
    ("call", "fault"),
    [("rename", "signal=KILL"), ("fsync", "signal=KILL"), ("fsync", "error=EIO"), ("unlink", "signal=KILL")],
)
def test_the_kernel_fails_a_call_among_large_events(
    tmp_path: Path, keyring: Keyring, call: str, fault: str
) -> None:
    directory = tmp_path / "ledger"
    Ledger.create(directory, keyring, ManualClock(), OPTIONS).close()
    size = struck = blobs = 0
    traces: Counter[str] = Counter()
    whens = (2, 4, 7, 12, 20, 31)[: rounds(3, 6)]
    for when in whens:
        inject = f"inject={call}:{fault}:when={when}+"
        command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *WORKER]
        done = subprocess.run(
            [*command, str(tmp_path), "700"], capture_output=True, timeout=60, check=False, env=ENVIRONMENT
        )
        assert done.returncode in (0, 1, 3, -signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
        struck += done.returncode != 0
        traces.update(left_behind(directory, keyring))
        size, blobs = check(directory, keyring, acknowledged_in(done.stdout, size))
    tell(
        f"strace {call} {fault} among large events: {len(whens)} runs, {struck} struck, {size} entries,"
        f" {blobs} blobs, none lost; left: {dict(traces)}"
    )
    assert struck


def run(directory: Path, keyring: Keyring, files: Files, count: int = 12) -> tuple[int, list[object]]:
    """Append some; how many were acknowledged since ever, and the refusals."""
    options = LedgerOptions(segment_bytes=4096, max_segment_bytes=8192, gather_seconds=0.001, files=files)
    answers: list[object] = []
    try:
        ledger = Ledger.open(directory, keyring, ManualClock(), options)
    except (OSError, GlasshatchError):
        return 0, answers
    start = ledger.size
    try:
        for number in range(start, start + count):
            ledger.submit(item(number), answers.append)
        ledger.checkpoint(fresh=True)
    except (OSError, GlasshatchError):
        pass
    finally:
        ledger.close()
    receipts = [one.index for one in answers if isinstance(one, Receipt)]
    assert receipts == list(range(start, start + len(receipts)))
    return start + len(receipts), [one for one in answers if not isinstance(one, Receipt)]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_operation_loses_no_large_event(
    tmp_path: Path, keyring: Keyring, code: int
) -> None:
    pristine = tmp_path / "ledger"
    points, refused, stopped = range(1, rounds(30, 60)), 0, 0
    for point in points:
        directory = pristine.with_name(f"ledger-{point}")
        Ledger.create(directory, keyring, ManualClock(), OPTIONS).close()
        acknowledged, refusals = run(directory, keyring, Failing(point, code))
        assert all(isinstance(one, Unavailable) and one.hint for one in refusals)
        refused += sum("large event" in str(one) for one in refusals)
        stopped += any("stopped" in str(one) for one in refusals)
        left_behind(directory, keyring)
        check_some(directory, keyring, acknowledged)
    tell(
        f"a disk that says {os.strerror(code)!r} among large events: {len(points)} points of failure,"
        f" {stopped} stops, {refused} large ones refused, 0 lost"
    )
    assert stopped + refused > 10


def check_some(directory: Path, keyring: Keyring, acknowledged: int) -> None:
    """As `check`, where refused ones leave holes in the numbers."""
    with Ledger.open(directory, keyring, ManualClock(), OPTIONS) as ledger:
        assert ledger.size >= acknowledged
        found = [ledger.whole(index) for index, _ in ledger.scan()]
        assert all(one == whole(number_of(one)) for one in found)
    large = sum(number_of(one) % EVERY == 0 for one in found)
    assert len(list((directory / "blobs").glob("*/*"))) == large
    verify_directory(directory, data_key=keyring.envelope).require()


def test_unsynced_writes_are_lost_and_no_large_event_is(tmp_path: Path, keyring: Keyring) -> None:
    dice, lost, size = random.Random(7), 0, 0
    points = range(1, rounds(30, 60))
    directory = tmp_path / "ledger"
    Ledger.create(directory, keyring, ManualClock(), OPTIONS).close()
    for point in points:
        files = PowerLoss(point, dice)
        acknowledged, _ = run(directory, keyring, files)
        lost += files.lose_power()
        size, _ = check(directory, keyring, max(acknowledged, size))
    tell(
        f"unsynced writes among large events: {len(points)} power losses, {lost} unsynced sectors gone,"
        f" {size} entries, 0 lost"
    )


class NoSpace(Files):
    """No space for blobs for a while; the log's own files are there already."""

    def __init__(self) -> None:
        self.full = True

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._blob = descriptor if "blobs" in path.parts else -1
        return descriptor

    def pwrite(self, descriptor: int, data: bytes | memoryview, offset: int) -> None:
        if self.full and descriptor == self._blob:
            super().pwrite(descriptor, bytes(data)[:50], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().pwrite(descriptor, data, offset)

    _blob = -1


def test_without_space_for_a_large_event_small_ones_go_on_and_later_it_goes_in(
    tmp_path: Path, keyring: Keyring
) -> None:
    directory, files, answers = tmp_path / "ledger", NoSpace(), list[object]()
    options = LedgerOptions(files=files)
    with Ledger.create(directory, keyring, ManualClock(), options) as ledger:
        ledger.submit_all([(item(number), answers.append) for number in range(11)])
        ledger.append(b"entry 100 " + b"x" * 20)
        assert sum(isinstance(one, Receipt) for one in answers) == 8
        refusals = [one for one in answers if isinstance(one, Unavailable)]
        assert [(one.message, one.hint) for one in refusals] == [
            ("no space left to keep a large event", "free disk space")
        ] * 3
        assert ledger.error is None
        assert list((directory / "blobs").glob("*/*")) == []
        files.full = False
        receipt = ledger.append(item(5))
        assert ledger.whole(receipt.index) == whole(5)
    verify_directory(directory, data_key=keyring.envelope).require()


class NoRename(Files):
    """A folder that takes one more name and then no other."""

    renamed = 0

    def rename(self, source: Path, target: Path) -> None:
        if "blobs" in target.parts:
            self.renamed += 1
            if self.renamed == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().rename(source, target)


def test_when_only_some_blobs_got_their_names_the_ledger_stops(tmp_path: Path, keyring: Keyring) -> None:
    """Their entries' places would otherwise go to others."""
    directory, answers = tmp_path / "ledger", list[object]()
    with Ledger.create(directory, keyring, ManualClock(), LedgerOptions(files=NoRename())) as ledger:
        ledger.submit_all([(item(number), answers.append) for number in range(11)])
    assert ledger.error is not None
    assert all(isinstance(one, Unavailable) for one in answers)
    assert left_behind(directory, keyring)["without an entry"] == 1
    check(directory, keyring, 0)
