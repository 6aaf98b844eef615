"""From a JSON object to an event: canonical members where they fit, everything else under `attrs`.

Nothing is dropped: a member that has a place but does not fit there, such as an actor's `type` from
another system's words, stands under `attrs` by its own name. Only a member whose type cannot be meant
(a number for an actor, a list for an action, a time that is none) makes the whole item be refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from ...events import (
    ACTIONS,
    SCHEMA_VERSION,
    Actor,
    Client,
    Data,
    Event,
    Link,
    Outcome,
    RawPrincipal,
    Resource,
    Source,
    StatementText,
)
from ..canonical import canonical
from ..parsed import Arrival, Parsed, Rejected, time_ns
from .fitting import fitted

DEFAULT_ACTION = "event.recorded"
_OURS = frozenset({"decision", "redaction", "access", "tenant", "schema", "observed_time"})
"""What only Glasshatch itself says of an event; a client's claim is kept as such."""

RESERVED_KINDS = frozenset({"glasshatch", "gateway", "kubernetes"})
_TIMES = ("time", "timestamp", "@timestamp", "ts")
SEVERITIES = {
    "trace": 1, "debug": 1, "info": 1, "information": 1, "notice": 2, "warn": 3, "warning": 3,
    "error": 4, "err": 4,
    "low": 2, "medium": 3, "moderate": 3, "high": 4,
    "critical": 5, "crit": 5, "alert": 5, "emergency": 6, "fatal": 6, "panic": 6,
}  # fmt: skip
_STATUSES = {word: Outcome(status=word) for word in ("success", "failure", "unknown")}
_TRACING = frozenset({"traceparent", "trace_id", "span_id"})
_ACTION = re.compile(r"[A-Za-z0-9][\w./:-]{0,127}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_SPAN = re.compile(r"[0-9a-f]{16}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_STRUCTS: dict[str, type[msgspec.Struct]] = {
    "outcome": Outcome, "client": Client, "data": Data, "statement": StatementText,
}  # fmt: skip
_WORD_OF = {"outcome": "reason", "client": "ip", "statement": "text", "source": "name"}
"""Which member a bare text means."""

_OWN_LABELS = frozenset({"dedup", "clock"})
"""The intake's own."""


class _Wrong(Exception):
    """A member has a type that cannot be meant; says which."""


def parse(value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One object. Members of a wrong type are named, not guessed at."""
    if not isinstance(value, dict):
        return Rejected(f"is {_kind(value)}, not an object")
    if _is_newer(value):
        return Rejected(f"is an event of a newer schema than {SCHEMA_VERSION}: upgrade this server first")
    try:
        event = _Reading(canonical(value, data), arrival).event()
    except _Wrong as wrong:
        return Rejected(f"cannot be understood: {wrong}")
    return Parsed(event, _key(value, data, arrival))


def _is_newer(value: dict[str, Any]) -> bool:
    """Whether it is a canonical event that this version might take for what it does not say. Other
    programs' events may have a `schema` of their own, and name their source otherwise."""
    schema = value.get("schema")
    return type(schema) is int and schema > SCHEMA_VERSION and isinstance(value.get("source"), dict)


def _key(value: dict[str, Any], data: bytes, arrival: Arrival) -> str:
    """The event's own id; in a file without ids, place and bytes: reading it again doubles nothing."""
    given = value.get("id")
    if given and isinstance(given, (str, int)):
        return f"id {given}"
    return arrival.key_of(data)


class _Reading:
    """One object on its way to an event: `rest` is not yet taken, `left` has no place of its own."""

    def __init__(self, rest: dict[str, Any], arrival: Arrival) -> None:
        self._rest = rest
        self._arrival = arrival
        self._left: dict[str, Any] = {}
        self._parts: dict[str, Any] = {}
        self._claimed: dict[str, Any] = {}
        if not _OURS.isdisjoint(rest):
            self._claimed = {name: rest.pop(name) for name in sorted(_OURS) if name in rest}

    def event(self) -> Event:
        """The event; raises `_Wrong`."""
        rest, parts = self._rest, self._parts
        if not _TRACING.isdisjoint(rest):
            parts["trace_id"], parts["span_id"] = self._trace()
        parts["id"], parts["source"] = self._id(), self._source()
        parts["time"], parts["action"] = str(self._time()), self._action()
        if "severity" in rest or "level" in rest:
            parts["severity"] = self._severity()
        # An event has few of these, and to ask each for what is not there took a third of the time.
        for name, read in _MEMBERS.items():
            if name in rest:
                read(self, name)
        for name, kind in _STRUCTS.items():
            if name in rest:
                parts[name] = self._struct(name, kind, {}, self._left)
        return Event(attrs=self._attrs(), **parts)

    def _attrs(self) -> dict[str, Any]:
        """Everything that has no place of its own."""
        if "msg" in self._rest and "message" not in self._rest:
            self._rest["message"] = self._rest.pop("msg")
        if not (self._left or self._claimed or "attrs" in self._rest):
            return self._rest
        attrs = self._rest.pop("attrs", None)
        if attrs is not None and not isinstance(attrs, dict):
            raise _Wrong(f"attrs is {_kind(attrs)}, not an object")
        found: dict[str, Any] = dict(attrs or {})
        claimed = {"claimed": self._claimed} if self._claimed else {}
        for members in (self._rest, self._left, claimed):
            for name, value in members.items():
                free = name
                while free in found:
                    free += "'"
                found[free] = value
        return found

    def _id(self) -> str:
        """The event's id if it is a UUID; otherwise a new one, and the other for `attrs`."""
        given = self._text("id") if "id" in self._rest else ""
        if given and _UUID.fullmatch(given):
            return given
        if given:
            self._left["id"] = given
        return self._arrival.new_id()

    def _time(self) -> int:
        for name in _TIMES:
            if name in self._rest:
                found = time_ns(self._rest[name])
                if found is None:
                    raise _Wrong(f"{name} is no time: write ISO 8601 with a zone, or a number since 1970")
                del self._rest[name]
                return found
        return self._arrival.now_ns

    def _action(self) -> str:
        given = self._rest.pop("action", DEFAULT_ACTION)
        if not isinstance(given, str):
            raise _Wrong(f"action is {_kind(given)}, not a text")
        if given in ACTIONS:
            # What Glasshatch itself says of what it did is not for others to say.
            self._claimed["action"] = given
            return DEFAULT_ACTION
        if not _ACTION.fullmatch(given):
            self._left["action"] = given
            return DEFAULT_ACTION
        return given

    def _severity(self) -> int:
        if "severity" not in self._rest:
            word = self._rest.get("level")
            return SEVERITIES.get(word.lower(), 0) if isinstance(word, str) else 0
        given = self._rest.pop("severity")
        if isinstance(given, bool) or not isinstance(given, (str, int)):
            raise _Wrong(f"severity is {_kind(given)}, not a number or a word")
        found = SEVERITIES.get(given.lower()) if isinstance(given, str) else given
        if found is None or not 0 <= found <= 6:
            self._left["severity"] = given
            return 0
        return found

    def _source(self) -> Source:
        given = self._rest.get("source")
        if given is None and "service" not in self._rest:
            self._rest.pop("source", None)
            return _named(self._arrival.name)
        source: Source = self._struct("source", Source, {"kind": "json"}, self._left) or Source(kind="json")
        if source.kind in RESERVED_KINDS:
            # Only the gateway and the parsers here speak for those; others may only say that they claim it.
            self._claimed["source"] = given
            source = msgspec.structs.replace(source, kind="json")
        name = source.name
        if not name and isinstance(self._rest.get("service"), str):
            name = self._rest.pop("service")
        return msgspec.structs.replace(source, kind=source.kind or "json", name=name or self._arrival.name)

    def _actor(self, _: str) -> None:
        given = self._rest["actor"]
        if isinstance(given, str):
            del self._rest["actor"]
            if given:
                self._parts["actor"] = Actor(id=given, name=given, raw=RawPrincipal(principal=given))
            return
        name = given.get("name") if isinstance(given, dict) else None
        self._parts["actor"] = self._struct(
            "actor", Actor, {"id": name if isinstance(name, str) else ""}, self._left
        )

    def _one_resource(self, name: str) -> None:
        self._parts[name] = self._resource(self._rest.pop(name), name, self._left)

    def _native(self, name: str) -> None:
        self._parts[name] = self._rest.pop(name)

    def _plain_text(self, name: str) -> None:
        self._parts[name] = self._text(name)

    def _resource(self, given: Any, name: str, left: dict[str, Any]) -> Resource | None:
        if given is None or given == "":
            return None
        if isinstance(given, str):
            kind, slash, rest = given.partition("/")
            return Resource(type=kind if slash else "thing", id=given, name=rest if slash else given)
        if not isinstance(given, dict):
            raise _Wrong(f"{name} is {_kind(given)}, not a text or an object")
        resource, more = fitted(given, Resource, {"type": "thing"})
        if more:
            left[name] = more
        return resource

    def _resources(self, _: str) -> None:
        found, left = [], []
        for one in self._list("resources"):
            more: dict[str, Any] = {}
            resource = self._resource(one, "resources", more)
            found += [resource] if resource is not None else []
            left += list(more.values())
        if left:
            self._left["resources"] = left
        self._parts["resources"] = tuple(found)

    def _links(self, _: str) -> None:
        found, left = [], []
        for one in self._list("links"):
            try:
                found.append(msgspec.convert(one, Link))
            except msgspec.ValidationError:
                left.append(one)
        if left:
            self._left["links"] = left
        self._parts["links"] = tuple(found)

    def _labels(self, _: str) -> None:
        given = self._rest.pop("labels")
        if given is None:
            return
        if not isinstance(given, dict):
            raise _Wrong(f"labels is {_kind(given)}, not an object")
        labels: dict[str, str] = {}
        left: dict[str, Any] = {}
        for name, item in given.items():
            if name in _OWN_LABELS or isinstance(item, (dict, list)) or item is None:
                left[name] = item
            else:
                labels[name] = item if isinstance(item, str) else msgspec.json.encode(item).decode()
        if left:
            self._left["labels"] = left
        self._parts["labels"] = labels

    def _text(self, name: str) -> str:
        given = self._rest.pop(name, None)
        if given is None:
            return ""
        if isinstance(given, bool) or not isinstance(given, (str, int)):
            raise _Wrong(f"{name} is {_kind(given)}, not a text")
        return str(given)

    def _list(self, name: str) -> list[Any]:
        given = self._rest.pop(name, None)
        if given is None:
            return []
        if not isinstance(given, list):
            raise _Wrong(f"{name} is {_kind(given)}, not a list")
        return given

    def _trace(self) -> tuple[str, str]:
        """W3C trace context, of the header's form or as two members; what is neither stays in `attrs`."""
        parent = self._rest.get("traceparent")
        if isinstance(parent, str) and (found := _PARENT.fullmatch(parent)):
            del self._rest["traceparent"]
            return found[1], found[2]
        return self._hexadecimal("trace_id", _TRACE), self._hexadecimal("span_id", _SPAN)

    def _hexadecimal(self, name: str, form: re.Pattern[str]) -> str:
        given = self._text(name)
        if given and form.fullmatch(given.lower()):
            return given.lower()
        if given:
            self._left[name] = given
        return ""

    def _struct(self, name: str, kind: type[Any], defaults: dict[str, Any], left: dict[str, Any]) -> Any:
        given = self._rest.pop(name, None)
        if given is None:
            return None
        if isinstance(given, str) and name in _WORD_OF:
            if name == "outcome" and given in _STATUSES:
                return _STATUSES[given]
            given = {_WORD_OF[name]: given}
        if not isinstance(given, dict):
            raise _Wrong(f"{name} is {_kind(given)}, not an object")
        part, more = fitted(given, kind, defaults)
        if more:
            left[name] = more
        return part


_MEMBERS: dict[str, Callable[[_Reading, str], None]] = {
    "actor": _Reading._actor, "resource": _Reading._one_resource, "resources": _Reading._resources,
    "links": _Reading._links, "labels": _Reading._labels, "session_id": _Reading._plain_text,
    "request_id": _Reading._plain_text, "native": _Reading._native,
}  # fmt: skip
"""Members that an event may have, and what takes each, in the order in which they are looked at."""


@lru_cache(maxsize=1_024)
def _named(name: str) -> Source:
    """The source of an item that says nothing of it."""
    return Source(kind="json", name=name)


def _kind(value: Any) -> str:
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "nothing")
