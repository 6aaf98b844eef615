"""What a source's parser gives: an event in canonical form, or the reason why there is none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from ..events import Actor, Event, Resource
from .forms import Form, Options, json_form
from .items import Piece
from .receiving import Receive

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED_UTC = re.compile(r"(?<=\d) ?(UTC|GMT)$")
_NUMBER = re.compile(r"\d{9,19}(\.\d+)?")
_FRACTION = re.compile(r"(.*[T ]\d{2}:\d{2}:\d{2})\.(\d+)(.*)")


class Arrival(msgspec.Struct, frozen=True):
    """The circumstances under which an item came.

    now_ns: when. name: the source's instance, as it was named at delivery. tenant: whose record it is.
    new_id: a fresh event id. file, line: the item's place in a file, from 1; 0 for a live delivery. secret:
    without which nobody can try out what a digest was made of.
    """

    now_ns: int
    name: str
    tenant: str
    new_id: Callable[[], str]
    file: str = ""
    line: int = 0
    secret: bytes = b""

    def digest(self, data: bytes) -> str:
        """What tells contents apart, and gives nothing away of them: they are not redacted yet."""
        return hashlib.blake2b(data, digest_size=16, key=self.secret).hexdigest()

    def key_of(self, data: bytes) -> str:
        """What tells an item without an id of its own: in a file its place and bytes; it comes once."""
        if not self.line:
            return ""
        return f"line {self.file} {self.line} {self.digest(data)}"


class Parsed(msgspec.Struct, frozen=True):
    """An event, without what the intake adds. `key` tells copies of one fact apart from other facts;
    of several copies the one with the greatest `weight` is kept. Empty: never a copy."""

    event: Event
    key: str = ""
    weight: int = 0


class Rejected(msgspec.Struct, frozen=True):
    """Not understood. `reason` names members and types, and never repeats a value."""

    reason: str


Parse = Callable[[Any, bytes, Arrival], Parsed | Rejected]
"""From decoded JSON and its bytes to an event; pure."""


class Circumstances(msgspec.Struct, frozen=True):
    """Under which the items of one delivery come. As `Arrival`, and who delivers it; `random` gives so many
    bytes that nobody can foresee; `from_file` says that the items' places are lines of a file."""

    now_ns: int
    name: str
    tenant: str
    by: Actor | None
    file: str
    from_file: bool
    secret: bytes
    random: Callable[[int], bytes]


class Ready(NamedTuple):
    """An item that is ready for the record: its event as canonical bytes, with all that the intake adds, and
    the kind of source that they name; its stored key, the parser's and the digest of its content, empty for
    none; and when it happened."""

    record: bytes
    kind: str
    key: str
    short: str
    content: str
    time_ns: int


Quick = Callable[[Circumstances], Callable[[Sequence[Piece]], list[Ready | None]] | None]
"""For a delivery, what reads its items at once: those of which `parse`, and what the intake does with its
answer, would make the same; None for any other item. None as a whole: `parse` reads every one."""

Weigh = Callable[[Any], tuple[str, int]]
"""From decoded JSON to what `Parsed` will say of `key` and `weight`, without the rest."""


class Gap(msgspec.Struct, frozen=True):
    """Numbers that a source gives its entries, and of which some are missing.

    of: what they number, in words. session: in which session of the source. first, last: the missing ones.
    """

    of: str
    session: str
    first: int
    last: int
    resource: Resource | None = None


Memory = MutableMapping[str, Any]
"""What a source remembers of a feed from one delivery to the next: short JSON values by name."""

Remember = Callable[[Memory, Event], tuple[Event, tuple[Gap, ...]]]
"""Given every event that is new, in the order of the feed: the event with what earlier ones told of it, and
what is missing before it. Pure but for the memory; the same memory and event give the same answer."""


class Setup(msgspec.Struct, frozen=True):
    """For what a source is set up: its instance, the server's address, and the file that holds its token."""

    name: str
    server: str
    token_file: str


class SourceKind(msgspec.Struct, frozen=True):
    """A kind of source: its name, what it reads, its parser."""

    name: str
    reads: str
    parse: Parse
    quick: Quick | None = None
    """Given if most items need no steps of their own. Its items are JSON, and nothing is remembered of it."""
    weigh: Weigh | None = None
    """Given if of several copies in a delivery a later one may be fuller than the first."""
    opaque: bool = False
    """Whether secrets in it have no form by which a detector would know them. Of an item that is not
    understood, so that nobody can say where they stand, only the names of its members are kept."""
    one_content: bool = False
    """Whether copies of a fact are equal, so that an id that comes again with other content is another fact,
    or a forged one: it is quarantined."""
    one_instance: bool = True
    """Whether keys are told apart by instance; otherwise two instances may deliver the same fact."""
    form: Callable[[Options], Form] = json_form
    """How items stand in a body, by the options of the delivery."""
    options: dict[str, str] = {}
    """The options that `form` knows, and what each means."""
    setup: Callable[[Setup], dict[str, str]] | None = None
    """The files that the other system needs, by name, so that it delivers here."""
    remember: Remember | None = None
    receive: Receive | None = None
    """Given if it comes in by another way than HTTP and files too."""
    language: str = ""
    """In which language the texts of its events' statements and `attrs.parameters` are, as in `sql`: the
    intake replaces what is personal in them by what they mean, and hides what it does not understand."""
    workforce: bool = False
    """Whether its actors are people and machines of ours, kept in clear, as in an API server's own audit.
    An application's actor may be a customer: then every name in the event is redacted."""


def time_ns(value: object) -> int | None:
    """A time as nanoseconds since the epoch; None for what is none.

    ISO 8601 with a zone, or a number of seconds, milliseconds, microseconds or nanoseconds, whichever
    puts it after 1973.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _number_ns(value) if _NUMBER.fullmatch(value) else _iso_ns(value)
    return _number_ns(str(value)) if isinstance(value, (int, float)) and 0 <= value < 10**19 else None


def _number_ns(text: str) -> int | None:
    whole, _, fraction = text.partition(".")
    if "e" in text or not whole.isdecimal():
        return None
    number = int(whole)
    for limit, unit in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (10**20, 1)):
        if number < limit:
            part = int((fraction + "0" * 9)[:9]) * unit // 10**9 if fraction.isdecimal() else 0
            return number * unit + part
    return None


def _iso_ns(text: str) -> int | None:
    text = _NAMED_UTC.sub("+00:00", text)
    found = _FRACTION.fullmatch(text)
    fraction = found[2] if found else ""
    try:
        moment = datetime.fromisoformat(found[1] + found[3] if found else text)
        if moment.tzinfo is None:
            return None
        seconds = (moment - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    return seconds * 10**9 + int((fraction + "0" * 9)[:9])
