"""A rebuild that is killed goes on where it was, and tells how far it is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from glasshatch.app import localuse
from glasshatch.index import Index

sys.path.insert(0, str(Path(__file__).parent))

from test_kill import entries

COUNT = 12_000
REBUILDING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_rebuild import local_index
behind, index = local_index(Path(sys.argv[1]))
size = behind.begin_again()
while (state := behind.caught_up()).indexed < size:
    print(state.indexed, flush=True)
"""


class Entries:
    """A ledger's entries, as far as an index reads them."""

    def scan(self, start: int = 0, stop: int | None = None) -> Any:
        return iter(entries(start, min(COUNT, start + 1_000)))


def local_index(home: Path) -> tuple[Any, Index]:
    """The index of a directory at rest, which goes on in small steps."""
    localuse._BATCH_ENTRIES, localuse._STEP_SECONDS = 500, 0.0
    ledgers = SimpleNamespace(sizes=lambda: {"default": COUNT}, items=lambda: [("default", Entries())])
    house: Any = SimpleNamespace(home=SimpleNamespace(derived=home), ledgers=ledgers)
    index = Index.open(home / "index", "default")
    return localuse._LocalIndex(house, index), index


@pytest.mark.slow
def test_a_killed_rebuild_goes_on_and_begins_anew_only_when_it_was_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As they are, so that they are put back afterwards.
    monkeypatch.setattr(localuse, "_BATCH_ENTRIES", localuse._BATCH_ENTRIES)
    monkeypatch.setattr(localuse, "_STEP_SECONDS", localuse._STEP_SECONDS)
    process = subprocess.Popen(
        [sys.executable, "-c", REBUILDING, str(tmp_path), str(Path(__file__).parent)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(3)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert told == sorted(told)
    assert 0 < told[-1] < COUNT
    behind, index = local_index(tmp_path)
    try:
        assert (tmp_path / "index" / "rebuilding").exists()
        assert behind.begin_again() == COUNT
        assert index.watermark >= told[-1], "it began from nothing again"
        while behind.caught_up().indexed < COUNT:
            pass
        assert index.select("SELECT count(), uniqExact(`index`) FROM events") == [(COUNT, COUNT)]
        assert not (tmp_path / "index" / "rebuilding").exists()
        behind.begin_again()
        assert index.watermark == 0, "a whole one is made anew from nothing"
    finally:
        behind.close()
        index.close()
