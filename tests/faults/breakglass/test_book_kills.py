"""The book under kill -9: what was said to be durable is there, in order, and nothing looks like damage."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from fixtures.counts import tell
from fixtures.depth import rounds
from glasshatch.app.breakglass.book import Book
from glasshatch.keys import Keyring, create_master_key_file

KILLS = rounds(8, 200)


def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    master = create_master_key_file(tmp_path / "master.key")
    keyring = Keyring.create(tmp_path / "default.json", "default", "example.com/audit", master, os.urandom)
    chance, said, kept = random.Random(7), 0, 0
    for _ in range(KILLS):
        said = max(said, _written_until_killed(tmp_path, chance.uniform(0.01, 0.12)))
        book = Book(tmp_path / "breakglass", tmp_path / "elsewhere" / "head", keyring)
        assert book.damage is None, book.damage
        assert [one.at_ns for one in book.records] == list(range(len(book.records)))
        assert len(book.records) >= said
        kept = len(book.records)
        book.close()
    assert said > KILLS, "it never came to write"
    tell(f"break-glass book: {KILLS} kills, {said} records acknowledged, {kept} kept, none lost")


def _written_until_killed(folder: Path, seconds: float) -> int:
    """How many records it said were durable before it was killed."""
    command = [sys.executable, str(Path(__file__).with_name("appender.py")), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        timer = threading.Timer(seconds, child.kill)
        timer.start()
        lines = [line for line in child.stdout if line.endswith("\n")]
        timer.cancel()
    return int(lines[-1]) + 1 if lines else 0
