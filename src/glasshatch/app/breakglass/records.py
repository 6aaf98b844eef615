"""What stands in the book: sheets printed, used, reviewed, and events that no ledger took."""

from __future__ import annotations

from typing import Literal

import msgspec


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """at_ns: when it was written. entry: the event of it, redacted and canonical; at_size: how many entries
    the ledger was known to have, so that recovery looks for the event from there on."""

    at_ns: int
    entry: bytes = b""
    at_size: int = 0


class Printed(_Record, frozen=True):
    """A sheet: who may use it, where, until when, and the digest that its secret must have."""

    number: int
    digest: bytes
    holder_id: str
    holder: str
    tenant: str
    roles: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    window_s: int
    until_ns: int
    by: str


class Revoked(_Record, frozen=True):
    """A sheet opens nothing any more."""

    number: int
    by: str


class Used(_Record, frozen=True):
    """A sheet opened a session; `first` if it had not before. override: the second holder's sheet, if the
    first one's holder has a use that nobody has reviewed."""

    number: int
    resource: str
    until_ns: int
    first: bool
    reason: str
    override: int = 0


class Reviewed(_Record, frozen=True):
    """Somebody looked at a use."""

    number: int
    by: str
    verdict: Literal["justified", "unjustified"]
    comment: str = ""


class Noted(_Record, frozen=True):
    """An event that the ledger did not take."""


class Recovered(_Record, frozen=True):
    """Every entry before this record stands in the ledger."""


Record = Printed | Revoked | Used | Reviewed | Noted | Recovered
