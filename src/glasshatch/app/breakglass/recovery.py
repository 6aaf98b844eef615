"""What the book holds and the ledger does not is appended to it, before anything else is.

It can be interrupted anywhere and begun again: an event that the ledger has is found there by its id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from ...events import Event, Outcome, decode
from .book import Book, Damage
from .records import Record, Recovered


class Home(Protocol):
    """What is needed of the house."""

    ledger: Any
    clock: Any
    recorder: Any

    def note(self, action: str, **members: object) -> None: ...


class _Id(msgspec.Struct):
    id: str


_id_of = msgspec.json.Decoder(_Id).decode


def recover(book: Book, house: Home, expected: int) -> int:
    """Bring the ledger what it has not; says how many events that were.

    Args:
        expected: How many records the control store knows that the book had.
    """
    damage = book.damage or _missing(book, expected)
    waiting = [record for record in _behind(book.records) if record.entry]
    brought = _bring(waiting, house) if waiting else 0
    if damage is not None:
        _tell(book, house, damage, brought)
    elif waiting:
        # A crash before this line finds every event in the ledger the next time, and brings none twice.
        house.note(
            "breakglass.recovered", outcome=Outcome(status="success"),
            attrs={"events": brought, "records": len(book.records), "head": book.hash.hex()},
        )  # fmt: skip
        book.append([Recovered(at_ns=house.clock.now_ns())])
    return brought


def _missing(book: Book, expected: int) -> Damage | None:
    count = len(book.records)
    if count >= expected:
        return None
    what = "the book and its head are gone" if not book.exists else "an older copy of the book and its head"
    return Damage(what, count, expected)


def _behind(records: list[Record]) -> list[Record]:
    """The records behind the last one that says that all is in the ledger."""
    last = max((place for place, one in enumerate(records) if isinstance(one, Recovered)), default=-1)
    return records[last + 1 :]


def _bring(waiting: list[Record], house: Home) -> int:
    wanted = {_id_of(record.entry).id for record in waiting}
    start = min((record.at_size for record in waiting if record.at_size), default=0)
    there = {id for id in _ids(house, start) if id in wanted}
    brought = 0
    for record in waiting:
        event = decode(record.entry)
        if event.id not in there:
            house.recorder.record(_recovered(event))
            brought += 1
    return brought


def _ids(house: Home, start: int) -> Iterator[str]:
    for _, entry in house.ledger.scan(start):
        yield _id_of(entry).id


def _recovered(event: Event) -> Event:
    """It says itself that it came late: its time is when it happened, its place when it was brought."""
    labels = {**event.labels, "recovered": "break-glass"}
    return msgspec.structs.replace(event, labels=labels)


def _tell(book: Book, house: Home, damage: Damage, brought: int) -> None:
    house.note(
        "breakglass.damaged",
        outcome=Outcome(status="failure", reason=damage.what),
        attrs={"whole": damage.whole, "anchored": damage.anchored, "recovered": brought},
    )
    # Recorded before it is put aside: a crash in between tells it again. No sheet of it opens anything.
    book.put_aside()
