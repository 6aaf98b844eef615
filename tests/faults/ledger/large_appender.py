"""A process to be killed: appends small and large events, prunes; prints each acknowledgement."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import threading
from pathlib import Path

from fixtures.pruning import pruned_event
from glasshatch.clock import SystemClock
from glasshatch.events import Link, Receipt
from glasshatch.keys import Keyring, open_master_key
from glasshatch.ledger import Large, Ledger, LedgerOptions

OPTIONS = LedgerOptions(segment_bytes=4096, max_segment_bytes=8192, pack_bundles=1, gather_seconds=0.001)


EVERY = 5
"""Every so many is large."""


def whole(number: int) -> bytes:
    """What was recorded as this number."""
    return b"entry %d " % number + (b"%d, " % (number * 7919) * 2_000 if number % EVERY == 0 else b"x" * 20)


def item(number: int) -> bytes | Large:
    payload = whole(number)
    if number % EVERY:
        return payload
    digest = hashlib.sha256(payload).hexdigest()
    event = {
        "action": "statement.run", "id": str(number), "links": [{"id": digest, "rel": "blob"}], "schema": 1,
        "source": {"kind": "gateway"}, "tenant": "default", "time": "1",
    }  # fmt: skip
    return Large(json.dumps(event, separators=(",", ":")).encode(), payload, digest)


def number_of(bytes_of_it: bytes) -> int:
    """The number in what was recorded; -1 if it is the record of a pruning."""
    return int(bytes_of_it.split()[1]) if bytes_of_it.startswith(b"entry ") else -1


def answer(result: object) -> None:
    if not isinstance(result, Receipt):
        os.write(2, f"stopped: {result}\n".encode())
        os._exit(3)
    os.write(1, b"%d\n" % result.index)


def record(ledger: Ledger, links: tuple[Link, ...]) -> Receipt:
    done, got = threading.Event(), []

    def told(result: object) -> None:
        answer(result)
        got.append(result)
        done.set()

    ledger.submit(pruned_event(links), told)
    done.wait()
    return got[0]  # type: ignore[no-any-return]


def main() -> None:
    home, count, dice = Path(sys.argv[1]), int(sys.argv[2]), random.Random()
    keyring = Keyring.open(home / "keyring.json", open_master_key(f"file:{home / 'master.key'}"))
    ledger = Ledger.open(home / "ledger", keyring, SystemClock(), OPTIONS)
    kept = [number_of(ledger.whole(index)) for index, _ in ledger.scan()]
    number = max(kept, default=-1) + 1
    stop = number + count
    while number < stop:
        for _ in range(min(dice.randrange(10, 60), stop - number)):
            ledger.submit(item(number), answer)
            number += 1
        ledger.checkpoint(fresh=True)
        packs = ledger.prunable()
        if len(packs) > 1:
            ledger.prune(packs[0].stop, lambda links: record(ledger, links))
    ledger.close()


if __name__ == "__main__":
    main()
