"""From a JSON object to an event: canonical members where they fit, everything else under `attrs`."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any

import msgspec

from ...events import (
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
    foreign,
)
from ..parsed import Arrival, Parsed, Rejected, time_ns

DEFAULT_ACTION = "event.recorded"
_OURS = ("decision", "redaction", "access", "tenant", "schema", "observed_time")
"""What only Glasshatch itself says of an event; a client's claim is kept as such."""

_RESERVED = frozenset({"glasshatch", "gateway", "kubernetes"})
_TIMES = ("time", "timestamp", "@timestamp", "ts")
_SEVERITIES = {
    "trace": 1, "debug": 1, "info": 1, "information": 1, "notice": 2, "warn": 3, "warning": 3,
    "error": 4, "err": 4,
    "critical": 5, "crit": 5, "alert": 5, "emergency": 6, "fatal": 6, "panic": 6,
}  # fmt: skip
_ACTION = re.compile(r"[A-Za-z0-9][\w./:-]{0,127}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_SPAN = re.compile(r"[0-9a-f]{16}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_STRUCTS: dict[str, Any] = {
    "outcome": Outcome, "client": Client, "data": Data, "statement": StatementText,
}  # fmt: skip


class _Wrong(Exception):
    """A member has a type that cannot be meant; says which."""


def parse(value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One object. Members of a wrong type are named, not guessed at."""
    if not isinstance(value, dict):
        return Rejected(f"is {_kind(value)}, not an object")
    rest = dict(value)
    try:
        event = _event(rest, arrival)
    except _Wrong as wrong:
        return Rejected(f"cannot be understood: {wrong}")
    return Parsed(event, _key(value, data, arrival))


def _key(value: dict[str, Any], data: bytes, arrival: Arrival) -> str:
    """The event's own id; in a file without ids, place and bytes: reading it again doubles nothing."""
    given = value.get("id")
    if isinstance(given, str) and given:
        return f"id {given}"
    if not arrival.line:
        return ""
    content = data or msgspec.json.encode(value)
    return f"line {arrival.file} {arrival.line} {hashlib.blake2b(content, digest_size=16).hexdigest()}"


def _event(rest: dict[str, Any], arrival: Arrival) -> Event:
    claimed = {name: rest.pop(name) for name in _OURS if name in rest}
    trace_id, span_id = _trace(rest)
    id, other_id = _id(rest, arrival)
    source = _source(rest, arrival, claimed)
    parts: dict[str, Any] = {
        "time": str(_time(rest, arrival)), "action": _action(rest), "severity": _severity(rest),
        "actor": _actor(rest), "resource": _resource(rest.pop("resource", None), "resource"),
        "resources": _resources(rest), "links": _links(rest), "labels": _labels(rest),
        "session_id": _text(rest, "session_id"), "request_id": _text(rest, "request_id"),
        "native": foreign(rest.pop("native", None)),
    }  # fmt: skip
    for name, kind in _STRUCTS.items():
        parts[name] = _struct(rest, name, kind)
    return Event(
        id=id,
        source=source,
        trace_id=trace_id,
        span_id=span_id,
        attrs=_attrs(rest, claimed, other_id),
        **parts,
    )


def _attrs(rest: dict[str, Any], claimed: dict[str, Any], other_id: str) -> dict[str, Any]:
    """Everything that has no place of its own."""
    attrs = rest.pop("attrs", None)
    if attrs is not None and not isinstance(attrs, dict):
        raise _Wrong(f"attrs is {_kind(attrs)}, not an object")
    if "msg" in rest and "message" not in rest:
        rest["message"] = rest.pop("msg")
    if other_id:
        rest["id"] = other_id
    if claimed:
        rest["claimed"] = claimed
    found: dict[str, Any] = foreign({**rest, **(attrs or {})})
    return found


def _id(rest: dict[str, Any], arrival: Arrival) -> tuple[str, str]:
    """The event's id if it is a UUID; otherwise a new one, and the other for `attrs`."""
    given = rest.pop("id", "")
    if not isinstance(given, str):
        raise _Wrong(f"id is {_kind(given)}, not a text")
    try:
        if given and str(uuid.UUID(given)) == given:
            return given, ""
    except ValueError:
        pass
    return arrival.new_id(), given


def _time(rest: dict[str, Any], arrival: Arrival) -> int:
    for name in _TIMES:
        if name in rest:
            found = time_ns(rest[name])
            if found is None:
                raise _Wrong(f"{name} is no time: write ISO 8601 with a zone, or a number since 1970")
            del rest[name]
            return found
    return arrival.now_ns


def _action(rest: dict[str, Any]) -> str:
    given = rest.pop("action", DEFAULT_ACTION)
    if not isinstance(given, str):
        raise _Wrong(f"action is {_kind(given)}, not a text")
    if not _ACTION.fullmatch(given):
        raise _Wrong("action is not of the form noun.verb")
    return given


def _severity(rest: dict[str, Any]) -> int:
    if "severity" not in rest:
        word = rest.get("level")
        return _SEVERITIES.get(word.lower(), 0) if isinstance(word, str) else 0
    given = rest.pop("severity")
    found = _SEVERITIES.get(given.lower()) if isinstance(given, str) else given
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= 6:
        raise _Wrong("severity is no number from 0 to 6, nor a known word")
    return found


def _source(rest: dict[str, Any], arrival: Arrival, claimed: dict[str, Any]) -> Source:
    given = rest.pop("source", None)
    service = rest.pop("service", "")
    if isinstance(given, str):
        given = {"name": given}
    if given is not None and not isinstance(given, dict):
        raise _Wrong(f"source is {_kind(given)}, not an object")
    source: Source = _converted({"kind": "json", **(given or {})}, "source", Source)
    if source.kind in _RESERVED:
        # Only the gateway and the parsers here speak for those; others may only say that they claim it.
        claimed["source"] = given
        source = msgspec.structs.replace(source, kind="json")
    name = source.name or (service if isinstance(service, str) else "") or arrival.name
    return msgspec.structs.replace(source, name=name)


def _actor(rest: dict[str, Any]) -> Actor | None:
    given = rest.pop("actor", None)
    if given is None:
        return None
    if isinstance(given, str):
        return Actor(id=given, name=given, raw=RawPrincipal(principal=given)) if given else None
    if not isinstance(given, dict):
        raise _Wrong(f"actor is {_kind(given)}, not a text or an object")
    actor: Actor = _converted({"id": str(given.get("name", "")), **given}, "actor", Actor)
    return actor


def _resource(given: Any, name: str) -> Resource | None:
    if given is None or given == "":
        return None
    if isinstance(given, str):
        kind, slash, rest = given.partition("/")
        return Resource(type=kind if slash else "thing", id=given, name=rest if slash else given)
    if not isinstance(given, dict):
        raise _Wrong(f"{name} is {_kind(given)}, not a text or an object")
    resource: Resource = _converted({"type": "thing", **given}, name, Resource)
    return resource


def _resources(rest: dict[str, Any]) -> tuple[Resource, ...]:
    given = rest.pop("resources", ())
    if not isinstance(given, (list, tuple)):
        raise _Wrong(f"resources is {_kind(given)}, not a list")
    return tuple(found for one in given if (found := _resource(one, "resources")) is not None)


def _links(rest: dict[str, Any]) -> tuple[Link, ...]:
    given = rest.pop("links", ())
    if not isinstance(given, (list, tuple)):
        raise _Wrong(f"links is {_kind(given)}, not a list")
    return tuple(_converted(one, "links", Link) for one in given)


def _labels(rest: dict[str, Any]) -> dict[str, str]:
    given = rest.pop("labels", {})
    if not isinstance(given, dict):
        raise _Wrong(f"labels is {_kind(given)}, not an object")
    # `dedup` and `clock` are the intake's own.
    return {
        name: item if isinstance(item, str) else str(item)
        for name, item in foreign(given).items()
        if name not in ("dedup", "clock")
    }


def _text(rest: dict[str, Any], name: str) -> str:
    given = rest.pop(name, "")
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        raise _Wrong(f"{name} is {_kind(given)}, not a text")
    return str(foreign(str(given)))


def _trace(rest: dict[str, Any]) -> tuple[str, str]:
    parent = rest.pop("traceparent", None)
    if isinstance(parent, str) and (found := _PARENT.fullmatch(parent)):
        return found[1], found[2]
    trace_id, span_id = _text(rest, "trace_id").lower(), _text(rest, "span_id").lower()
    if trace_id and not _TRACE.fullmatch(trace_id):
        raise _Wrong("trace_id is not 32 hexadecimal digits")
    if span_id and not _SPAN.fullmatch(span_id):
        raise _Wrong("span_id is not 16 hexadecimal digits")
    return trace_id, span_id


def _struct(rest: dict[str, Any], name: str, kind: Any) -> Any:
    given = rest.pop(name, None)
    if given is None:
        return None
    if name == "outcome" and isinstance(given, str):
        given = {"status": given} if given in ("success", "failure", "unknown") else {"reason": given}
    if name == "statement" and isinstance(given, str):
        given = {"text": given}
    return _converted(given, name, kind)


def _converted(given: Any, name: str, kind: Any) -> Any:
    try:
        return msgspec.convert({**foreign(given)}, kind)
    except msgspec.ValidationError as error:
        where = str(error).partition(" - at `$")[2].strip("`")
        raise _Wrong(f"{name}{where} has a wrong type") from None
    except TypeError:
        raise _Wrong(f"{name} is {_kind(given)}, not an object") from None


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
