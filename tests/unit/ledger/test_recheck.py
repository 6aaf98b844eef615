"""Behind a start everything is looked at again, and what is not as it was recorded stops the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glasshatch.clock import ManualClock, SystemClock
from glasshatch.errors import Unavailable, VerificationError
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerOptions

Make = Callable[..., Ledger]
OPTIONS = LedgerOptions(segment_bytes=2048, max_segment_bytes=2048, pack_bundles=1)


@pytest.fixture
def directory(make: Make) -> Path:
    with make(options=OPTIONS) as ledger:
        for number in range(1500):
            ledger.submit(b"entry %d" % number)
        ledger.append(b"last")
        return ledger.directory


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come to an end"
        time.sleep(0.01)


def test_a_sound_ledger_is_looked_at_to_its_end_and_goes_on(directory: Path, keyring: Keyring) -> None:
    with Ledger.open(directory, keyring, SystemClock(), OPTIONS) as ledger:
        recheck = ledger.recheck()
        wait_for(lambda: recheck.done)
        ledger.append(b"more")
        assert ledger.error is None


@pytest.mark.parametrize(
    ("file", "offset"),
    [("entries/00000000.pack", 200), ("hashes/level-0", 40), ("hashes/level-0", 3 * 8192 + 1)],
)
def test_damage_that_a_start_does_not_see_stops_it(
    directory: Path, keyring: Keyring, file: str, offset: int
) -> None:
    flip(directory / file, offset)
    with Ledger.open(directory, keyring, SystemClock(), OPTIONS) as ledger:
        ledger.append(b"a start does not look there")
        ledger.recheck()
        wait_for(lambda: ledger.error is not None)
        assert isinstance(ledger.error, VerificationError)
        assert file in ledger.error.where
        with pytest.raises(VerificationError):
            ledger.append(b"nothing is acknowledged any more")


def test_a_swapped_pack_that_opens_is_found(directory: Path, keyring: Keyring, make: Make) -> None:
    """Whoever has the data key can write a pack that opens, of entries that are not the leaves'."""
    with make("other", options=OPTIONS) as other:
        for number in range(600):
            other.submit(b"another %d" % number)
        other.append(b"last")
    name = "entries/00000000.pack"
    (directory / name).write_bytes((other.directory / name).read_bytes())
    with Ledger.open(directory, keyring, SystemClock(), OPTIONS) as ledger:
        ledger.recheck()
        wait_for(lambda: ledger.error is not None)
        assert isinstance(ledger.error, VerificationError)
        assert name in ledger.error.where


def test_a_pack_that_is_gone_stops_it(directory: Path, keyring: Keyring) -> None:
    with Ledger.open(directory, keyring, SystemClock(), OPTIONS) as ledger:
        (directory / "entries" / "00000001.pack").unlink()
        ledger.recheck()
        wait_for(lambda: ledger.error is not None)
        assert isinstance(ledger.error, Unavailable)


def test_it_is_calm_and_ends_with_the_ledger(directory: Path, keyring: Keyring) -> None:
    """It waits nine times as long as it worked; by a clock that says a day, it waits until the close."""

    class Slow(ManualClock):
        def monotonic_ns(self) -> int:
            self.advance(86_400 * 10**9)
            return super().monotonic_ns()

    ledger = Ledger.open(directory, keyring, Slow(), OPTIONS)
    recheck = ledger.recheck()
    began = time.monotonic()
    ledger.close()
    assert time.monotonic() - began < 30
    assert not recheck.done
