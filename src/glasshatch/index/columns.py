"""What is indexed of an event: the fields people search by, each with its column and how it compares.

One list makes the table, the rows, the SQL of a query and its Python predicate, so that they agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
WORDED = ("name", "text", "id")
"""The kinds of fields with one text, whose words are found anywhere."""


class Field(msgspec.Struct, frozen=True):
    """One field: its name in queries, its column, its kind, and how it is read out of an event."""

    name: str
    column: str
    kind: Kind
    read: Callable[[Event], Any]


def _member(part: str, name: str) -> Callable[[Event], Any]:
    def read(event: Event) -> Any:
        value = getattr(event, part)
        return "" if value is None else getattr(value, name)

    return read


def _number(part: str, name: str) -> Callable[[Event], Any]:
    def read(event: Event) -> Any:
        value = getattr(event, part)
        return 0 if value is None else getattr(value, name)

    return read


def _names(part: str, name: str) -> Callable[[Event], Any]:
    def read(event: Event) -> Any:
        value = getattr(event, part)
        return () if value is None else getattr(value, name)

    return read


def _resources(event: Event) -> tuple[str, ...]:
    every = event.resources if event.resource is None else (event.resource, *event.resources)
    return tuple(dict.fromkeys(name for one in every for name in (one.id, one.name) if name))


def _raw(event: Event) -> str:
    return event.actor.raw.principal if event.actor and event.actor.raw else ""


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("id", "id", "id", lambda event: event.id),
        Field("time", "time", "time", lambda event: clipped(event.time)),
        Field("observed_time", "observed_time", "time", lambda event: clipped(event.observed_time)),
        Field("action", "action", "name", lambda event: event.action),
        Field("severity", "severity", "number", lambda event: event.severity),
        Field("source.kind", "source_kind", "name", _member("source", "kind")),
        Field("source.name", "source_name", "name", _member("source", "name")),
        Field("source.instance", "source_instance", "name", _member("source", "instance")),
        Field("outcome.status", "outcome_status", "name", _member("outcome", "status")),
        Field("outcome.code", "outcome_code", "name", _member("outcome", "code")),
        Field("outcome.reason", "outcome_reason", "text", _member("outcome", "reason")),
        Field("actor.id", "actor_id", "name", _member("actor", "id")),
        Field("actor.type", "actor_type", "name", _member("actor", "type")),
        Field("actor.name", "actor_name", "name", _member("actor", "name")),
        Field("actor.roles", "actor_roles", "names", _names("actor", "roles")),
        Field("actor.on_behalf_of", "actor_on_behalf_of", "name", _member("actor", "on_behalf_of")),
        Field("actor.raw.principal", "actor_raw", "name", _raw),
        Field("session_id", "session_id", "id", lambda event: event.session_id),
        Field("request_id", "request_id", "id", lambda event: event.request_id),
        Field("trace_id", "trace_id", "id", lambda event: event.trace_id),
        Field("span_id", "span_id", "id", lambda event: event.span_id),
        Field("client.ip", "client_ip", "ip", _member("client", "ip")),
        Field("client.user_agent", "client_user_agent", "text", _member("client", "user_agent")),
        Field("resource.type", "resource_type", "name", _member("resource", "type")),
        Field("resource.id", "resource_id", "name", _member("resource", "id")),
        Field("resource.name", "resource_name", "name", _member("resource", "name")),
        Field("resource.env", "resource_env", "name", _member("resource", "env")),
        Field("resources", "resources", "names", _resources),
        Field("access.grant_id", "grant_id", "id", _member("access", "grant_id")),
        Field("access.approval_id", "approval_id", "id", _member("access", "approval_id")),
        Field("access.approvers", "approvers", "names", _names("access", "approvers")),
        Field("access.reason", "access_reason", "text", _member("access", "reason")),
        Field("access.ticket", "ticket", "name", _member("access", "ticket")),
        Field("data.rows", "data_rows", "number", _number("data", "rows")),
        Field("data.bytes", "data_bytes", "number", _number("data", "bytes")),
        Field("data.masked", "data_masked", "number", _number("data", "masked")),
        Field("data.clear", "data_clear", "number", _number("data", "clear")),
        Field("data.classes", "data_classes", "names", _names("data", "classes")),
        Field("data.columns", "data_columns", "names", _names("data", "columns")),
        Field("data.subjects", "data_subjects", "names", _names("data", "subjects")),
        Field("statement.text", "statement_text", "text", _member("statement", "text")),
        Field("statement.shape", "statement_shape", "text", _member("statement", "shape")),
        Field("statement.hash", "statement_hash", "id", _member("statement", "hash")),
        Field("decision.effect", "decision_effect", "name", _member("decision", "effect")),
        Field("decision.rule", "decision_rule", "name", _member("decision", "rule")),
        Field("decision.reason", "decision_reason", "text", _member("decision", "reason")),
        Field("links.id", "link_ids", "names", lambda event: tuple(link.id for link in event.links)),
        Field("ledger", "ledger", "name", lambda event: getattr(event, "ledger", DEFAULT_LEDGER)),
    )
}
"""Every field with a column of its own, by its name in queries."""

WORDS_OF = tuple(field for field in FIELDS.values() if field.kind in WORDED and field.name != "ledger")
"""The fields with one text whose words are found anywhere: what the event says, not where it lies."""


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
    for path, text in _walk("", value):
        found.setdefault(path, []).append(text)
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


def words(text: str) -> list[str]:
    """The words of a text: runs of letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def body(event: Event, opened: dict[str, dict[str, list[str]]]) -> str:
    """All words of an event between blanks, so that ` a b ` finds the phrase; a line for each text."""
    texts = [field.read(event) for field in WORDS_OF]
    for field in FIELDS.values():
        if field.kind == "names":
            texts += field.read(event)
    return body_of(texts, opened)


def body_of(texts: list[str], opened: dict[str, dict[str, list[str]]]) -> str:
    """The body of an event whose fields are read already; adds the texts of its open members."""
    for members in opened.values():
        for more in members.values():
            texts += more
    # One pass over all texts, for this is most of what indexing costs; a zero byte marks where each ends.
    whole = "\0".join([text.replace("\0", " ") for text in dict.fromkeys(texts) if text])
    lines = " ".join(_WORD_OR_END.findall(whole.lower())).split("\0")
    return _SEPARATOR.join([f" {line} " for line in dict.fromkeys(map(str.strip, lines)) if line])


def opened(event: Event) -> dict[str, dict[str, list[str]]]:
    """The members with names of their own, flat."""
    return {name: flat(getattr(event, name)) for name in OPEN_FIELDS}


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(f"{path}.{name}" if path else str(name), item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _walk(path, item)
    elif value is not None:
        yield path or "value", as_text(value)
