"""What is indexed of an event: the fields people search by, each with its column and how it compares.

One list makes the table, the rows, the SQL of a query and its Python predicate, so that they agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Literal, cast

import msgspec

from ..events import DEFAULT_LEDGER, Event, clipped

Kind = Literal["id", "name", "text", "number", "time", "ip", "names"]
"""How values compare: ids and names whole (names without regard to case), texts by their words,
names: any of several."""

OPEN_FIELDS = ("attrs", "labels", "native")
"""Members with names of their own: `attrs.anything` is a field."""

_SEPARATOR = "\n"
# Letters and digits beyond ASCII, by blocks: the same in Python's and in ClickHouse's expressions, whatever
# version of Unicode each was built with.
_BEYOND_ASCII = (
    "ªµºÀ-ÖØ-öø-\u1fff\u2c00-\u2dff\u3005-\u3007\u3021-\ud7ff\uf900-\ufdcf\ufdf0-\ufdff\ufe70-\ufefe"
    "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc\U00010000-\U0010ffff"
)
LETTERS = "a-z0-9" + _BEYOND_ASCII
"""What words are made of, for use between the brackets of a regular expression over lower-case text."""

_WORD = re.compile(f"[{LETTERS}]+")
_WORD_OR_END = re.compile(f"[{LETTERS}]+|\0")
_END = " \0 "
_ASCII_WORDS = {
    code: ord(chr(code).lower()) if chr(code).isalnum() or not code else ord(" ") for code in range(128)
}
"""What becomes of ASCII: letters in lower case, digits, the end of a text, and blanks for all else."""

WORDED = ("name", "text", "id")
"""The kinds of fields with one text, whose words are found anywhere."""


class Field(msgspec.Struct, frozen=True):
    """One field: its name in queries, its column, its kind, and how it is read out of an event.

    part, member: where it stands, if it is a member of a part, or of the event (an empty part), as it is.
    """

    name: str
    column: str
    kind: Kind
    read: Callable[[Event], Any]
    part: str = ""
    member: str = ""

    @property
    def missing(self) -> Any:
        """What is read where the part is missing."""
        return 0 if self.kind == "number" else () if self.kind == "names" else ""


def _own(name: str, kind: Kind) -> Field:
    """A member of the event itself, in a column of the same name."""
    return Field(name, name, kind, attrgetter(name), member=name)


def _in(part: str, member: str, kind: Kind = "name", column: str = "") -> Field:
    """A member of a part that an event may not have."""
    name = f"{part}.{member}"
    field = Field(name, column or name.replace(".", "_"), kind, lambda _: "", part, member)
    missing = field.missing

    def read(event: Event) -> Any:
        value = getattr(event, part)
        return missing if value is None else getattr(value, member)

    return msgspec.structs.replace(field, read=read)


def _resources(event: Event) -> tuple[str, ...]:
    every = event.resources if event.resource is None else (event.resource, *event.resources)
    return tuple(dict.fromkeys(name for one in every for name in (one.id, one.name) if name))


def more_resources(event: Event) -> tuple[str, ...]:
    """The ids and names of resources beside the first one."""
    return tuple(name for one in event.resources for name in (one.id, one.name) if name)


def _raw(event: Event) -> str:
    return event.actor.raw.principal if event.actor and event.actor.raw else ""


def _raw_namespace(event: Event) -> str:
    return event.actor.raw.namespace if event.actor and event.actor.raw else ""


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        _own("id", "id"),
        Field("time", "time", "time", lambda event: clipped(event.time)),
        Field("observed_time", "observed_time", "time", lambda event: clipped(event.observed_time)),
        _own("action", "name"),
        _own("severity", "number"),
        _in("source", "kind"),
        _in("source", "name"),
        _in("source", "instance"),
        _in("outcome", "status"),
        _in("outcome", "code"),
        _in("outcome", "reason", "text"),
        _in("actor", "id"),
        _in("actor", "type"),
        _in("actor", "name"),
        _in("actor", "roles", "names"),
        _in("actor", "on_behalf_of"),
        Field("actor.raw.principal", "actor_raw", "name", _raw),
        Field("actor.raw.namespace", "actor_raw_namespace", "name", _raw_namespace),
        _own("session_id", "id"),
        _own("request_id", "id"),
        _own("trace_id", "id"),
        _own("span_id", "id"),
        _in("client", "ip", "ip"),
        _in("client", "user_agent", "text"),
        _in("resource", "type"),
        _in("resource", "id"),
        _in("resource", "name"),
        _in("resource", "env"),
        Field("resources", "resources", "names", _resources),
        _in("access", "grant_id", "id", "grant_id"),
        _in("access", "approval_id", "id", "approval_id"),
        _in("access", "approvers", "names", "approvers"),
        _in("access", "reason", "text"),
        _in("access", "ticket", "name", "ticket"),
        _in("data", "rows", "number"),
        _in("data", "bytes", "number"),
        _in("data", "masked", "number"),
        _in("data", "clear", "number"),
        _in("data", "classes", "names"),
        _in("data", "columns", "names"),
        _in("data", "subjects", "names"),
        _in("statement", "text", "text"),
        _in("statement", "shape", "text"),
        _in("statement", "hash", "id"),
        _in("decision", "effect"),
        _in("decision", "rule"),
        _in("decision", "reason", "text"),
        Field("links.id", "link_ids", "names", lambda event: tuple(link.id for link in event.links)),
        Field("ledger", "ledger", "name", lambda event: getattr(event, "ledger", DEFAULT_LEDGER)),
    )
}
"""Every field with a column of its own, by its name in queries."""

WORDS_OF = tuple(
    field for field in FIELDS.values() if field.kind in WORDED and field.name not in ("id", "ledger")
)
"""The fields with one text whose words are found anywhere: what the event says, not where it lies.

Nor its own id, which no other event has: its words would be a third of all. It is found whole.
"""

NAMES_OF = tuple(field for field in FIELDS.values() if field.kind == "names")
"""The fields with several texts."""


class Placed:
    """An event with the ledger that holds it, for everything that reads an event's members."""

    __slots__ = ("_event", "ledger")

    def __init__(self, event: Event, ledger: str) -> None:
        self._event = event
        self.ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)


def placed(event: Event, ledger: str) -> Event:
    """The event as `Field.read` finds its ledger; itself in the default one."""
    return event if ledger == DEFAULT_LEDGER else cast(Event, Placed(event, ledger))


def flat(value: Any) -> dict[str, list[str]]:
    """Nested members as dotted paths to texts; items of a list share their path.

    Whole: an entry is bounded, and what would be left out here could not be found.
    """
    found: dict[str, list[str]] = {}
    if value:
        _flatten(found, "", value)
    elif value is not None and not isinstance(value, (dict, list, tuple)):
        found["value"] = [as_text(value)]
    return found


def as_text(value: Any) -> str:
    """A scalar as it is compared."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def lower(text: str) -> str:
    """ASCII letters in lower case, the others as they are: the same here and in ClickHouse's `lower`."""
    return text.translate(_LOWER)


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def label_pair(name: str, text: str) -> str:
    """A label and its value as the column `label_pairs` has them; no other label and value look the same."""
    return f"{len(name)}:{name}={lower(text)}"


def words(text: str) -> list[str]:
    """The words of a text: runs of letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def body(event: Event, opened: dict[str, dict[str, list[str]]]) -> str:
    """All words of an event between blanks, so that ` a b ` finds the phrase; a line for each text."""
    texts = [field.read(event) for field in WORDS_OF]
    for field in NAMES_OF:
        texts += field.read(event)
    return body_of(texts, opened)


def body_of(texts: list[str], opened: dict[str, dict[str, list[str]]]) -> str:
    """The body of an event whose fields are read already; adds the texts of its open members."""
    for members in opened.values():
        for more in members.values():
            texts += more
    whole = _END.join([text for text in dict.fromkeys(texts) if text])
    if whole.count("\0") > whole.count(_END):
        whole = _END.join([text.replace("\0", " ") for text in dict.fromkeys(texts) if text])
    # One pass over all texts, for this is most of what indexing costs.
    lines = " ".join(_words_and_ends(whole)).split("\0")
    return _SEPARATOR.join([f" {line} " for line in dict.fromkeys(map(str.strip, lines)) if line])


def _words_and_ends(whole: str) -> list[str]:
    """The words of texts, and a zero byte where each ends."""
    if whole.isascii():
        return whole.translate(_ASCII_WORDS).split()
    return _WORD_OR_END.findall(whole.lower())


def opened(event: Event) -> dict[str, dict[str, list[str]]]:
    """The members with names of their own, flat."""
    return {"attrs": flat(event.attrs), "labels": flat(event.labels), "native": flat(event.native)}


def _flatten(found: dict[str, list[str]], path: str, value: Any) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else str(name)
            if type(item) is str:
                if inner in found:
                    found[inner].append(item)
                else:
                    found[inner] = [item]
            else:
                _flatten(found, inner, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _flatten(found, path, item)
    elif value is not None:
        found.setdefault(path or "value", []).append(as_text(value))
