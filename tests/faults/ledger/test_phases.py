"""Killed at random moments of everything a ledger does: log, tree, packs, segments used again, pruning."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from fixtures.counts import tell
from fixtures.depth import rounds
from glasshatch.clock import ManualClock
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, verify_directory

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
sys.path.insert(0, str(HERE))

from pruner import OPTIONS, number_of  # noqa: E402

_PHASES = {
    "wal": "a frame or a segment", "entries": "a pack", "hashes": "the tree", "checkpoints": "the history",
    "checkpoint": "the checkpoint", "checkpoint.tmp": "the checkpoint", "pruning": "a pruning",
    "pruning.tmp": "a pruning", "pruned.tmp": "a pruning",
}  # fmt: skip


def phase(directory: Path, keyring: Keyring) -> set[str]:
    """What the kill interrupted, as far as its traces tell; nothing of it is damage."""
    report = verify_directory(directory, data_key=keyring.envelope)
    assert report.ok or report.unfinished, report.problems
    found = {_PHASES.get(problem.file.partition("/")[0], problem.file) for problem in report.problems}
    return found or {"nothing"}


def check(directory: Path, keyring: Keyring, acknowledged: int) -> tuple[int, int]:
    """Open it: all that was acknowledged and not pruned is there, once and in order. Size and minimum."""
    with Ledger.open(directory, keyring, ManualClock(), OPTIONS) as ledger:
        found = list(ledger.scan())
        assert [index for index, _ in found] == list(range(ledger.minimum, ledger.size))
        assert ledger.size >= acknowledged
        numbers = [number for _, entry in found if (number := number_of(entry)) >= 0]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else not found
        size, minimum = ledger.size, ledger.minimum
    report = verify_directory(directory, data_key=keyring.envelope).require()
    assert (report.pruned, report.entries_opened) == (minimum, size - minimum)
    return size, minimum


def test_kill_9_at_random_phases_loses_nothing_acknowledged(tmp_path: Path, keyring: Keyring) -> None:
    directory = tmp_path / "ledger"
    Ledger.create(directory, keyring, ManualClock(), OPTIONS).close()
    dice, phases = random.Random(), Counter[str]()
    size = minimum = acknowledged = 0
    kills = rounds(10, 250)
    path = os.pathsep.join([str(TESTS), *sys.path])
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, HERE / "pruner.py", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(dice.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        rest, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors
        indexes = [int(line) for line in (first + rest).split(b"\n")[:-1]]
        assert indexes == list(range(size, size + len(indexes)))
        acknowledged = size + len(indexes)
        phases.update(phase(directory, keyring))
        size, minimum = check(directory, keyring, acknowledged)
    hit = ", ".join(f"{name} {count}" for name, count in phases.most_common())
    tell(f"kill -9 at random phases: {kills} kills, interrupted: {hit}")
    tell(f"kill -9 at random phases: {size} entries, {minimum} of them pruned meanwhile, 0 acknowledged lost")
    assert minimum > 0
    assert len(phases) > 1
