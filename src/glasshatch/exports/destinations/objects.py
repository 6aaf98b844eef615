"""Files of events, named by what is in them, so that writing one again replaces it by itself.

`FOLDER/ledger=NAME/date=2026-01-31/00000000000000001200-00000000000000002400.parquet`: the ledger, the day
(UTC) on which the events were recorded, and the range of entries that was looked through for them. What reads
hive partitions finds `ledger` and `date` as columns. After a restore the range is followed by the time of it.
"""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Iterable
from typing import Protocol

from ..parcel import Form, Item, Parcel

_DAY_NS = 86_400 * 10**9


class Store(Protocol):
    """Where files lie."""

    where: str

    def put(self, name: str, data: bytes) -> None:
        """Make `name` hold `data`, all of it or not at all, replacing what it held; raises if it does not."""


class Objects:
    """Parcels as files in a store."""

    def __init__(self, store: Store, form: Form, *, compress: bool = False) -> None:
        self.where = store.where
        self._store = store
        self._form = form
        self._compress = compress

    def deliver(self, parcel: Parcel) -> None:
        """Returns once every file of the parcel lies there.

        A crash between two of them writes the first once more, under the same name.
        """
        for day, items in _by_day(parcel.items):
            self._store.put(self._name(parcel, day), self._file(items))

    def close(self) -> None:
        """Nothing is kept open."""

    def _name(self, parcel: Parcel, day: str) -> str:
        suffix = self._form.suffix + (".gz" if self._compress else "")
        return f"ledger={parcel.ledger}/date={day}/{parcel.range}{suffix}"

    def _file(self, items: tuple[Item, ...]) -> bytes:
        data = self._form.file(items)
        # Without a time inside, so that the same events make the same bytes.
        return gzip.compress(data, 6, mtime=0) if self._compress else data


def _by_day(items: Iterable[Item]) -> list[tuple[str, tuple[Item, ...]]]:
    days: dict[int, list[Item]] = {}
    for item in items:
        days.setdefault(item.recorded_ns // _DAY_NS, []).append(item)
    return [(_day(day), tuple(of_day)) for day, of_day in sorted(days.items())]


def _day(day: int) -> str:
    try:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()
    except OverflowError:
        return "1970-01-01"
