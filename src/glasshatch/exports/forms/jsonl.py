"""The stored event as it is, with its place in the record: what can be proved later."""

from __future__ import annotations

import msgspec

from ..parcel import Item


class JsonLines:
    """`{"ledger": …, "index": …, "event": …}`, as the API and `--format jsonl` have it."""

    name = "jsonl"
    suffix = ".jsonl"
    media_type = "application/json"

    def line(self, item: Item) -> bytes:
        """One event; its bytes are the stored ones."""
        return b'{"ledger":%b,"index":%d,"event":%b}' % (
            msgspec.json.encode(item.ledger),
            item.index,
            item.data,
        )

    def file(self, items: tuple[Item, ...]) -> bytes:
        """One event a line."""
        return b"".join([self.line(item) + b"\n" for item in items])


FORM = JsonLines()
