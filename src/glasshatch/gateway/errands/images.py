"""Before-images: the rows that a change is about to change, locked, and afterwards as it left them.

Taken in the change's own transaction, under REPEATABLE READ: so the rows are the ones that it meets. Values
are text, written the same whatever the session's settings are: ISO dates in UTC, exact floats.
"""

from __future__ import annotations

import msgspec

from ...statements import Change, matching, quoted, target_name
from ..connectors.postgres.answers import Row
from .catalogue import literal
from .reach import read_facts
from .shape import Column, TableShape, read_shape
from .upstream import Answer, Upstream

Values = dict[str, str | None]

PLAIN = {"datestyle": "ISO", "intervalstyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex"}
"""Settings of a session in which images are taken or put back."""
IN_UTC = "SET LOCAL timezone = 'UTC'"
AS_BEFORE = "SET LOCAL timezone TO DEFAULT"


class ImagedRow(msgspec.Struct, frozen=True):
    """One row before the change, and as the change left it: None if it is gone. Its repr shows neither."""

    before: Values
    after: Values | None = None

    def __repr__(self) -> str:
        return "ImagedRow(…)"


class Bounds(msgspec.Struct, frozen=True):
    """How much an image may hold."""

    rows: int
    bytes: int


class Image(msgspec.Struct, frozen=True):
    """The rows of one table, before one command changed them."""

    table: TableShape
    command: str
    rows: tuple[ImagedRow, ...]


class NoImage(msgspec.Struct, frozen=True):
    """Why there is none. `error` is a SQLSTATE where the database refused, and the transaction is lost."""

    why: str
    error: str = ""


def take_before(
    upstream: Upstream, text: str, change: Change | None, bounds: Bounds, seconds: int
) -> Image | NoImage:
    """Lock the rows that a change reaches, and read them; within its transaction, before it runs."""
    if change is None:
        return NoImage("images are taken of an UPDATE or DELETE by itself only")
    shape = read_shape(upstream, change)
    if isinstance(shape, str):
        return NoImage(shape)
    facts = read_facts(upstream, change, seconds)
    if isinstance(facts, Answer):
        return _lost(facts)
    if facts.volatile or facts.uncounted:
        # Asked twice, such a condition may mean other rows, or do twice what it does.
        names = ", ".join(facts.volatile)
        return NoImage(facts.uncounted or f"its condition calls what may do more than look: {names}")
    return _locked(upstream, text, change, shape, bounds, seconds)


def finish(upstream: Upstream, image: Image, affected: int, seconds: int) -> Image | NoImage:
    """The image with the rows as the change left them; after it ran, before it is committed."""
    if affected != len(image.rows):
        return NoImage(
            f"the change met {affected} rows, and {len(image.rows)} were imaged: a trigger, or a race"
        )
    if image.command == "delete" or not image.rows:
        return image
    answer = _read(upstream, image.table, _by_key(image.table, image.rows), seconds)
    if answer.error:
        return _lost(answer)
    rows = _values(image.table.columns, answer.results[1])
    ours = [one[-1] == b"t" for one in answer.results[1]]
    after = {key_of(image.table, values): values for values in rows}
    keys = [key_of(image.table, row.before) for row in image.rows]
    if len(after) != len(keys) or not all(ours) or any(key not in after for key in keys):
        return NoImage("the change moved rows to other primary keys")
    return msgspec.structs.replace(
        image,
        rows=tuple(ImagedRow(row.before, after[key]) for row, key in zip(image.rows, keys, strict=True)),
    )


def key_of(table: TableShape, values: Values) -> tuple[str | None, ...]:
    """A row's primary key."""
    return tuple(values[column.name] for column in table.key)


def _locked(
    upstream: Upstream, text: str, change: Change, shape: TableShape, bounds: Bounds, seconds: int
) -> Image | NoImage:
    """The condition is read under the session's own settings, and the values then by place, in UTC."""
    name = target_name(text)
    columns = f"{name}.tableoid, {name}.ctid, octet_length({name}::text)"
    query = f"{matching(text, columns, lock=True)}"
    # One more than may be: a statement that changes a million rows is not read to its end.
    answer = upstream.query(_limited(query, bounds.rows + 1), seconds)
    if answer.error:
        return _lost(answer)
    places = dict.fromkeys((table, place) for table, place, _ in answer.rows)
    size = sum(int(row[2] or 0) for row in answer.rows)
    if len(answer.rows) > bounds.rows:
        return NoImage(f"it changes more than {bounds.rows} rows, the most an image holds here")
    if size > bounds.bytes:
        return NoImage(f"the rows have {size} bytes, and an image holds {bounds.bytes} here")
    read = _read(upstream, shape, _by_place(tuple(places)), seconds)
    if read.error:
        return _lost(read)
    rows = tuple(ImagedRow(values) for values in _values(shape.columns, read.results[1]))
    if len(rows) != len(places):
        return NoImage("the rows could not be read where they were locked")
    return Image(shape, change.command, rows)


def _limited(query: str, rows: int) -> str:
    """A locking query that stops after so many rows; LIMIT stands before the lock."""
    head, lock, tail = query.rpartition(" FOR UPDATE OF ")
    return f"{head} LIMIT {rows}{lock}{tail}"


def _read(upstream: Upstream, table: TableShape, where: str, seconds: int) -> Answer:
    """Rows as text, and whether this transaction wrote each; in the order of the key."""
    columns = ", ".join(f"t.{quoted(column.name)}::text" for column in table.columns)
    order = ", ".join(f"t.{quoted(column.name)}" for column in table.key)
    ours = "t.xmin::text::bigint = txid_current() % 4294967296"
    query = f"SELECT {columns}, {ours} FROM {table.written} AS t WHERE {where} ORDER BY {order}"  # noqa: S608
    return upstream.query(f"{IN_UTC}; {query}; {AS_BEFORE}", seconds)


def _by_place(places: tuple[tuple[bytes | None, bytes | None], ...]) -> str:
    if not places:
        return "false"
    pairs = ", ".join(f"({(oid or b'0').decode()}::oid, '{(at or b'').decode()}'::tid)" for oid, at in places)
    tids = ", ".join(f"'{(at or b'').decode()}'" for _, at in places)
    return f"t.ctid = ANY (ARRAY[{tids}]::tid[]) AND (t.tableoid, t.ctid) IN ({pairs})"


def _by_key(table: TableShape, rows: tuple[ImagedRow, ...]) -> str:
    names = ", ".join(f"t.{quoted(column.name)}" for column in table.key)
    keys = ", ".join(
        f"({', '.join(constant(column, row.before[column.name]) for column in table.key)})" for row in rows
    )
    return f"({names}) IN ({keys})"


def constant(column: Column, value: str | None) -> str:
    """A value as SQL writes it, of the column's own type."""
    return f"NULL::{column.type}" if value is None else f"{literal(value)}::{column.type}"


def _values(columns: tuple[Column, ...], rows: tuple[Row, ...]) -> list[Values]:
    return [
        {
            column.name: None if value is None else value.decode()
            for column, value in zip(columns, row, strict=False)
        }
        for row in rows
    ]


def _lost(answer: Answer) -> NoImage:
    return NoImage(f"the database refused to read the rows (SQLSTATE {answer.error[:5]})", answer.error)
