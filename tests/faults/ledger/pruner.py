"""A process to be killed: appends, packs, uses segments again, prunes; prints each acknowledgement."""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

from fixtures.pruning import pruned_event
from glasshatch.clock import SystemClock
from glasshatch.events import Link, Receipt
from glasshatch.keys import Keyring, open_master_key
from glasshatch.ledger import Ledger, LedgerOptions

OPTIONS = LedgerOptions(segment_bytes=4096, max_segment_bytes=8192, pack_bundles=1, gather_seconds=0.001)


def text(number: int) -> bytes:
    return b"entry %d " % number + b"x" * (number * 13 % 150)


def number_of(entry: bytes) -> int:
    """The number in an entry; -1 if it records a pruning."""
    return int(entry.split()[1]) if entry.startswith(b"entry ") else -1


def answer(result: object) -> None:
    assert isinstance(result, Receipt), result
    os.write(1, b"%d\n" % result.index)


def record(ledger: Ledger, links: tuple[Link, ...]) -> Receipt:
    """Append a pruning's record and wait, acknowledged like everything else."""
    done, got = threading.Event(), []

    def told(result: object) -> None:
        answer(result)
        got.append(result)
        done.set()

    ledger.submit(pruned_event(links), told)
    done.wait()
    return got[0]  # type: ignore[no-any-return]


def main() -> None:
    home, dice = Path(sys.argv[1]), random.Random()
    keyring = Keyring.open(home / "keyring.json", open_master_key(f"file:{home / 'master.key'}"))
    ledger = Ledger.open(home / "ledger", keyring, SystemClock(), OPTIONS)
    kept = [number_of(entry) for _, entry in ledger.scan()]
    number = max(kept, default=-1) + 1
    while True:
        for _ in range(dice.randrange(20, 120)):
            ledger.submit(text(number), answer)
            number += 1
        ledger.checkpoint(fresh=True)
        packs = ledger.prunable()
        if len(packs) > 1:
            # One stays, so that there is always something that was written before and is kept.
            stop = packs[dice.randrange(len(packs) - 1)].stop
            ledger.prune(stop, lambda links: record(ledger, links))


if __name__ == "__main__":
    main()
