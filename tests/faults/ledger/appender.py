"""A process to be killed: appends entries and prints each acknowledgement, unbuffered, after it came."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from glasshatch.clock import SystemClock
from glasshatch.events import Receipt
from glasshatch.keys import Keyring, open_master_key
from glasshatch.ledger import Ledger, LedgerOptions


def main() -> None:
    home, count = Path(sys.argv[1]), int(sys.argv[2])
    keyring = Keyring.open(home / "keyring.json", open_master_key(f"file:{home / 'master.key'}"))
    options = LedgerOptions(segment_bytes=4096, max_segment_bytes=8192, pack_bundles=1, gather_seconds=0.001)
    ledger = Ledger.open(home / "ledger", keyring, SystemClock(), options)
    start, last = ledger.size, threading.Event()
    failed: list[object] = []

    def answer(result: object) -> None:
        if isinstance(result, Receipt):
            os.write(1, b"%d\n" % result.index)
        else:
            failed.append(result)

    def answer_last(result: object) -> None:
        answer(result)
        last.set()

    for number in range(start, start + count):
        final = number == start + count - 1
        ledger.submit(b"entry %d " % number + b"x" * (number * 13 % 150), answer_last if final else answer)
        if number % 7 == 0:
            # A checkpoint now and then, so that kills hit the publishing too.
            try:
                ledger.checkpoint(fresh=True)
            except Exception:
                break
    last.wait(120)
    if failed:
        os.write(2, f"stopped: {failed[0]}\n".encode())
        sys.exit(3)
    ledger.close()


if __name__ == "__main__":
    main()
