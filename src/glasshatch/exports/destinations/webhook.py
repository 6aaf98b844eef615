"""Batches of events as signed JSON to an HTTP address.

The body has `version`, `kind` (`events`), `form`, `export`, `delivery`, `ledger`, `first`, `stop`, `events`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..parcel import Form, Parcel

PAYLOAD_VERSION = 1


class WebhookDestination:
    """One address."""

    def __init__(self, where: str, send: Callable[[bytes, str], None], form: Form) -> None:
        """`send` hands a body over, signed, under an id that a repeat has too; raises if it is not taken."""
        self.where = where
        self._send = send
        self._form = form

    def deliver(self, parcel: Parcel) -> None:
        """Returns once the receiver answered with 2xx."""
        self._send(body(parcel, self._form), parcel.id)

    def close(self) -> None:
        """Nothing is kept open: a try ends by itself within seconds."""


def body(parcel: Parcel, form: Form) -> bytes:
    """The body of a delivery."""
    head = msgspec.json.encode({
        "version": PAYLOAD_VERSION, "kind": "events", "form": form.name, "export": parcel.export,
        "delivery": parcel.id, "ledger": parcel.ledger, "first": parcel.first, "stop": parcel.stop,
    })  # fmt: skip
    events = b",".join([form.line(item) for item in parcel.items])
    return b'%b,"events":[%b]}' % (head[:-1], events)
