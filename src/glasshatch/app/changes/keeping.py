"""Before-images in the record and the vault: each row sealed under a data subject's own key.

An image is one `statement.imaged` event, or several for many rows. What stands in the ledger is which rows
there are and what they commit to; the values lie in the vault, are shown by `glasshatch reveal` under two
people's names, and go with an erasure or with pruning as everything that is sealed does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from ...errors import ConfigError, Conflict, VerificationError
from ...events import SALT_BYTES, Event, Link, Receipt, SealedField, commitment, decode, place_of
from ...gateway import GuardedResource
from ...gateway.core import SessionRecord
from ...gateway.errands import Image, ImagedRow, TableShape, key_of
from ..house import House
from ..records import find_event
from ..vault.keeping import Sealable

IMAGED = "statement.imaged"
ROWS_OF_AN_EVENT = 200
_FIELD = "native.rows[{}]"
_HEAD = "native.table"


class _Head(msgspec.Struct, frozen=True):
    """What an image is of, how many rows it has, and in which entries those beyond the first event's lie."""

    table: TableShape
    command: str
    rows: int
    parts: tuple[str, ...]


class ImageKeeping:
    """Keeps the image of one run. `event` is the id of its event once it is kept."""

    def __init__(
        self, house: House, resource: GuardedResource, session: SessionRecord, **members: Any
    ) -> None:
        """`members` are what the events of the run have in common."""
        self._house = house
        self._resource = resource
        self._session = session
        self._members = members
        self.event = ""

    def keep(self, image: Image) -> None:
        """Make it durable: the values first, then the event that commits to them.

        Raises:
            Unavailable: The vault or the ledger does not take it.
        """
        size = ROWS_OF_AN_EVENT
        chunks = [image.rows[at : at + size] for at in range(0, len(image.rows), size)] or [()]
        parts = [self._record(image, chunk, {"part": True})[1] for chunk in chunks[1:]]
        places = tuple(place_of(part.ledger, part.index) for part in parts)
        told = {"table": image.table.name, "command": image.command, "rows": len(image.rows)}
        head = _Head(image.table, image.command, len(image.rows), places)
        self.event = self._record(image, chunks[0], told, head)[0]

    def _record(
        self, image: Image, rows: Sequence[ImagedRow], attrs: dict[str, Any], head: _Head | None = None
    ) -> tuple[str, Receipt]:
        house = self._house
        event = self._session.event(IMAGED, attrs=attrs, **self._members)
        values = [
            self._sealable(event, _FIELD.format(place), row, self._names(image, row))
            for place, row in enumerate(rows)
        ]
        if head is not None:
            # Sealed too, because a name that redaction took for a person's could not be read back.
            whose = self._tokens("TABLE", f"{self._resource.facts.id}/{image.table.name}")
            values.append(self._sealable(event, _HEAD, head, whose))
        fields = tuple(
            SealedField(
                field=one.field, commitment=commitment(one.salt, one.field, one.value), subject=one.names[0]
            )
            for one in values
        )
        ledger = house.streams.of_event(event)
        house.vault.gate.enter(1)
        try:
            house.vault.keep(values, ledger, house.ledgers.get(ledger).size)
            return event.id, house.recorder.record(event, ledger=ledger, sealed=fields)
        finally:
            house.vault.gate.leave()

    def _sealable(self, event: Event, field: str, value: Any, names: tuple[str, ...]) -> Sealable:
        text = msgspec.json.encode(value).decode()
        return Sealable(event.id, field, os.urandom(SALT_BYTES), text, names)

    def _tokens(self, type: str, value: str) -> tuple[str, ...]:
        return self._house.redactor.tokens.lookup(type, value)

    def _names(self, image: Image, row: ImagedRow) -> tuple[str, ...]:
        """Whose row it is, by the columns that the configuration calls a subject; else the row itself."""
        for rule in self._resource.rules:
            for column in image.table.columns if rule.subject else ():
                value = row.before[column.name]
                if value is not None and rule.fits(image.table.name, column.name):
                    return self._tokens(rule.type, value)
        key = msgspec.json.encode(key_of(image.table, row.before)).decode()
        return self._tokens("ROW", f"{self._resource.facts.id}/{image.table.name}/{key}")


def read_image(house: House, event_id: str) -> tuple[Event, Image]:
    """An image, with its event.

    Raises:
        Conflict: It was pruned, or rows of it were erased.
        VerificationError: It is not what was kept.
    """
    event = _event(house, event_id)
    (found,) = _values(house, event, _HEAD) or (None,)
    if found is None:
        raise VerificationError("a before-image has no head", where=f"event {event_id}")
    head = msgspec.json.decode(found, type=_Head)
    events = (event, *(_event(house, place) for place in head.parts))
    rows = [
        msgspec.json.decode(value, type=ImagedRow)
        for one in events for value in _values(house, one, _FIELD.format(""))
    ]  # fmt: skip
    if len(rows) != head.rows:
        raise VerificationError("a before-image does not have all its rows", where=f"event {event_id}")
    return event, Image(head.table, head.command, tuple(rows))


def link_to(image_event: str) -> Link:
    """How an undo names what it undoes."""
    return Link(rel="undoes", id=image_event)


def _event(house: House, wanted: str) -> Event:
    try:
        found = find_event(house.ledgers.items(), wanted, lambda event, _: event.action == IMAGED)
    except ConfigError:
        raise Conflict(f"before-image {wanted} is not in the record any more: it was pruned") from None
    return decode(found.event)


def _values(house: House, event: Event, field: str) -> list[str]:
    """The sealed values of the fields that begin like this, in order."""
    sealed = event.redaction.sealed if event.redaction else ()
    wanted = {one.field: one.commitment for one in sealed if one.field.startswith(field.rstrip("]"))}
    opened = house.vault.open_all(event.id, wanted)
    for gone in wanted.keys() - opened.keys():
        raise Conflict(
            f"{gone} of before-image {event.id} was erased or pruned: it cannot be put back",
            hint="glasshatch reveal, with this event and field, says when",
        )
    return [str(opened[one].value) for one in wanted]
