"""The rows of the vault: a key for each data subject, and the values sealed under it.

What is sealed here is ciphertext already; who wraps and unwraps keys stands outside. A row that was changed
is found when it is read. One that was taken away is missed by the event that commits to it, and a key that
was destroyed and put back is known by its erasure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import Column, Connection, func, select

from ..errors import VerificationError
from .database import Database
from .erasures import Erasures
from .sealed import Row, SealedTable

Names = tuple[str, ...]
"""The tokens of one data subject under every live epoch, the current one first."""

_CHUNK = 500
_BOOK = "break-glass"


class SubjectKey(msgspec.Struct, frozen=True, kw_only=True):
    """A data subject's key as it is kept. `wrapped` is base64 and empty once the key is destroyed."""

    id: str
    subject: str
    wrapping_key: str
    wrapped: str
    created_ns: int
    erased_ns: int = 0


class SealedValue(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed field of one event; `sealed` is base64. Its leaf stands in `ledger`, from `at_size` on."""

    event_id: str
    field: str
    subject: str
    key_id: str
    sealed: str
    ledger: str
    at_size: int


class Known(msgspec.Struct, frozen=True):
    """What the vault has about one data subject: its tokens, its keys, and how many values."""

    subjects: tuple[str, ...]
    key_ids: tuple[str, ...]
    sealed: int


class Vault:
    """Keys and sealed values of one tenant. Blocks on the disk; safe from any thread."""

    def __init__(
        self,
        database: Database,
        *,
        keys: SealedTable,
        values: SealedTable,
        marks: SealedTable,
        erasures: Erasures,
    ) -> None:
        self._database = database
        self._keys = keys
        self._values = values
        self._marks = marks
        self._erasures = erasures

    def keep(
        self,
        subjects: Collection[Names],
        make_key: Callable[[str], SubjectKey],
        seal: Callable[[Mapping[Names, SubjectKey]], Iterable[SealedValue]],
    ) -> None:
        """Store values under their subjects' keys, with new keys for new subjects, all in one transaction.

        When this returns, they survive power loss; when it raises, none of them is there.

        Args:
            make_key: A fresh key for the subject of this token.
            seal: The values, sealed under the keys it is given.

        Raises:
            Unavailable: The disk failed or is full.
            VerificationError: A key was changed outside Glasshatch, or was destroyed and put back.
        """
        with self._database.write() as connection:
            live = self._live(connection, {token for names in subjects for token in names})
            keys: dict[Names, SubjectKey] = {}
            fresh: list[SubjectKey] = []
            for names in subjects:
                key = next((live[token] for token in names if token in live), None)
                if key is None:
                    key = live[names[0]] = make_key(names[0])
                    fresh.append(key)
                keys[names] = key
            self._keys.insert_all(connection, map(msgspec.structs.asdict, fresh))
            self._values.insert_all(connection, map(_value_row, seal(keys)))

    def value(self, event_id: str, field: str) -> tuple[SealedValue, SubjectKey] | None:
        """A sealed value and its key; None if the vault does not have it.

        Raises:
            VerificationError: A row was changed, or the key is gone or back without an erasure saying so.
        """
        with self._database.read() as connection:
            row = self._values.get(connection, f"{event_id}/{field}")
            if row is None:
                return None
            value = _value(row)
            found = self._keys.get(connection, value.key_id)
        return value, self._held(_key(found) if found is not None else None, value)

    def values(self, event_id: str) -> dict[str, tuple[SealedValue, SubjectKey]]:
        """All sealed values of an event that the vault has, by field, with their keys.

        Raises:
            VerificationError: As `value`.
        """
        columns, keys = self._values.columns, dict[str, SubjectKey]()
        with self._database.read() as connection:
            # "0" follows "/", so this is every id that begins with the event's.
            rows = self._values.find(connection, columns.id >= f"{event_id}/", columns.id < f"{event_id}0")
            values = [_value(row) for row in rows]
            for chunk in _chunks({value.key_id for value in values}):
                for row in self._keys.find(connection, self._keys.columns.id.in_(chunk)):
                    keys[str(row["id"])] = _key(row)
        return {value.field: (value, self._held(keys.get(value.key_id), value)) for value in values}

    def _held(self, key: SubjectKey | None, value: SealedValue) -> SubjectKey:
        if key is None or not key.wrapped:
            raise VerificationError(
                "the key of a sealed value is gone, and no erasure says so",
                where=f"control table subject_keys, key {value.key_id}",
                hint="restore the control store from a backup and review who can write its file",
            )
        return self._checked(key)

    def about(self, subjects: Collection[str]) -> Known:
        """Everything there is about the data subject that has any of these tokens, under whatever epoch."""
        tokens, key_ids = set(subjects), set[str]()
        with self._database.read() as connection:
            # Keys span epochs, so a token leads to keys and a key to further tokens; two rounds are usual.
            while True:
                more_keys = self._key_ids(connection, tokens) - key_ids
                key_ids |= more_keys
                more_tokens = self._tokens(connection, more_keys) - tokens
                tokens |= more_tokens
                if not more_tokens:
                    break
            sealed = sum(self._count(connection, chunk) for chunk in _chunks(key_ids))
        return Known(tuple(sorted(tokens)), tuple(sorted(key_ids)), sealed)

    def marks(self) -> dict[str, int]:
        """By ledger: every value whose leaf, if it has one, stands before this index is known to have it."""
        with self._database.read() as connection:
            rows = self._marks.find(connection, self._marks.columns.id != _BOOK)
            return {str(row["id"]): int(row["at_size"]) for row in rows}

    def book_mark(self) -> int:
        """How many records the break-glass book is known to have."""
        with self._database.read() as connection:
            row = self._marks.get(connection, _BOOK)
        return int(row["at_size"]) if row is not None else 0

    def move_book_mark(self, count: int) -> None:
        """The book has so many records, or was begun anew."""
        with self._database.write() as connection:
            row = self._marks.get(connection, _BOOK)
            if row is None:
                self._marks.insert(connection, {"id": _BOOK, "at_size": count})
            else:
                self._marks.replace(connection, row, at_size=count)

    def move_marks(self, sizes: Mapping[str, int]) -> None:
        """Move the marks on; costs no write where they stand there already."""
        if self.marks() == sizes:
            return
        with self._database.write() as connection:
            known = {row["id"]: row for row in self._marks.find(connection)}
            for ledger, at_size in sizes.items():
                if ledger not in known:
                    self._marks.insert(connection, {"id": ledger, "at_size": at_size})
                elif known[ledger]["at_size"] != at_size:
                    self._marks.replace(connection, known[ledger], at_size=at_size)

    def unmarked(self) -> set[str]:
        """The ids of events with values behind the marks, whose leaves a crash may have prevented."""
        columns, found = self._values.columns, set[str]()
        marks = self.marks()
        with self._database.read() as connection:
            ledgers = self._distinct(connection, columns.ledger, columns.tenant == self._values.tenant)
            for ledger in ledgers:
                rows = self._values.find(
                    connection, columns.ledger == ledger, columns.at_size >= marks.get(ledger, 0)
                )
                found |= {str(row["id"]).partition("/")[0] for row in rows}
        return found

    @property
    def empty(self) -> bool:
        """Whether there is no key to destroy and no value to drop."""
        columns = self._keys.columns
        query = select(columns.id).where(columns.tenant == self._keys.tenant, columns.erased_ns == 0).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is None

    def stored_before(self, ledger: str, at_size: int) -> set[str]:
        """The ids of events with values that were stored when fewer entries than this were durable there."""
        columns = self._values.columns
        with self._database.read() as connection:
            rows = self._values.find(connection, columns.ledger == ledger, columns.at_size < at_size)
        return {str(row["id"]).partition("/")[0] for row in rows}

    def drop_pruned(self, event_ids: Collection[str]) -> None:
        """Drop the values of events that were pruned, and what the database's log still has of them."""
        self.drop(event_ids)
        self._database.scrub(())

    def drop(self, event_ids: Collection[str]) -> None:
        """Drop the values of events that never came into being."""
        columns = self._values.columns
        with self._database.write() as connection:
            for event_id in event_ids:
                # "0" follows "/", so this is every id that begins with the event's.
                self._values.delete(connection, columns.id >= f"{event_id}/", columns.id < f"{event_id}0")

    def _live(self, connection: Connection, tokens: Collection[str]) -> dict[str, SubjectKey]:
        columns, found = self._keys.columns, {}
        for chunk in _chunks(tokens):
            for row in self._keys.find(connection, columns.subject.in_(chunk), columns.erased_ns == 0):
                found[str(row["subject"])] = self._checked(_key(row))
        return found

    def _checked(self, key: SubjectKey) -> SubjectKey:
        erased = self._erasures.of_key(key.id)
        if erased is not None:
            raise VerificationError(
                "a key that was destroyed is back",
                where=f"control table subject_keys, key {key.id}",
                expected=f"destroyed by event {erased.id}",
                found="a key",
                hint="review who can write the control store; a start destroys it again",
            )
        return key

    def _key_ids(self, connection: Connection, tokens: Collection[str]) -> set[str]:
        keys, values = self._keys.columns, self._values.columns
        found: set[str] = set()
        for chunk in _chunks(tokens):
            found |= self._distinct(connection, keys.id, keys.subject.in_(chunk) & (keys.erased_ns == 0))
            found |= self._distinct(connection, values.key_id, values.subject.in_(chunk))
        return found

    def _tokens(self, connection: Connection, key_ids: Collection[str]) -> set[str]:
        keys, values = self._keys.columns, self._values.columns
        found: set[str] = set()
        for chunk in _chunks(key_ids):
            found |= self._distinct(connection, keys.subject, keys.id.in_(chunk))
            found |= self._distinct(connection, values.subject, values.key_id.in_(chunk))
        return found

    def _distinct(self, connection: Connection, column: Column[str], where: object) -> set[str]:
        table = column.table
        query = select(column).distinct().where(table.c.tenant == self._values.tenant, where)  # type: ignore[arg-type]
        return {str(value) for (value,) in connection.execute(query)}

    def _count(self, connection: Connection, key_ids: Sequence[str]) -> int:
        columns = self._values.columns
        query = select(func.count()).where(columns.tenant == self._values.tenant, columns.key_id.in_(key_ids))
        return int(connection.execute(query).scalar() or 0)


def _chunks(items: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(items)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def _value_row(value: SealedValue) -> Row:
    row = msgspec.structs.asdict(value)
    row["id"] = f"{row.pop('event_id')}/{row.pop('field')}"
    return row


def _value(row: Row) -> SealedValue:
    event_id, _, field = str(row["id"]).partition("/")
    return msgspec.convert({**row, "event_id": event_id, "field": field}, SealedValue)


def _key(row: Row) -> SubjectKey:
    return msgspec.convert(row, SubjectKey)
