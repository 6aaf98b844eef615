"""From a log record in plain form to an event. Pure.

Where an attribute has a place in an event, it is moved there; every other one stays under `attrs` by its own
name. Attributes: OpenTelemetry semantic conventions, stable names and the older ones that SDKs still send.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from ...events import ACTIONS, Event, Source, foreign
from ..parsed import Arrival, Parsed, Rejected
from .origins import KIND, origin_of, text_of
from .places import OF_STATEMENTS, group, parts_of, place_of
from .plain import PlainRecord, canonical_number

PARAMETERS: Final = "parameters"
"""As the intake has it: the values that a statement was given."""

DEFAULT_ACTION: Final = "log.recorded"
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,63}(?:\.[\w-]{1,63}){1,6}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FINE_NS: Final = 10**6
_WORTH_TELLING_NS: Final = 10**9
"""SDKs observe a record microseconds after it was made, which says nothing."""
_HEXADECIMAL = re.compile(r"[0-9a-f]*")
_NUMBERS: Final = (
    "timeUnixNano", "observedTimeUnixNano", "severityNumber", "droppedAttributesCount", "flags",
)  # fmt: skip
_TYPES: Final = {
    "resource": dict, "scope": dict, "attributes": dict, "severityText": str, "eventName": str,
    "traceId": str, "spanId": str, **dict.fromkeys(_NUMBERS, int),
}  # fmt: skip
_TEXTS: Final = {
    "trace": 1, "debug": 1, "info": 1, "information": 1, "notice": 2, "warn": 3, "warning": 3, "error": 4,
    "err": 4, "critical": 5, "alert": 5, "fatal": 6, "emergency": 6, "panic": 6,
}  # fmt: skip
_SEVERITIES: Final = (0, *[1] * 9, *[2] * 3, *[3] * 4, 4, *[5] * 3, *[6] * 4)
"""By `SeverityNumber`, 0 to 24."""


def parse(value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One record in plain form; members of a wrong type are named, not guessed at."""
    if type(value) is not PlainRecord:
        if wrong := _wrong(value):
            return Rejected(wrong)
        value = _checked(value)
    return Parsed(*_event(value, data, arrival))


def _event(record: PlainRecord, data: bytes, arrival: Arrival) -> tuple[Event, str]:
    origin, own = record.origin, record.get
    attrs, found = _sorted(record["attributes"])
    time, observed = own("timeUnixNano", 0), own("observedTimeUnixNano", 0)
    special = found.pop("record", None) or {}
    headers = found.pop("group", None)
    uid = text_of(special, "log.record.uid") if special else ""
    parts = parts_of(found, origin.kubernetes, origin.env) if found or origin.kubernetes else {}
    if headers:
        special.update(_grouped(headers, "statement" in parts))
    action = _action(own("eventName", ""), special)
    if level := own("severityText", ""):
        parts["labels"] = {"level": level}
    if observed and time and abs(observed - time) >= _WORTH_TELLING_NS:
        special["observed_time_unix_nano"] = str(observed)
    if dropped := own("droppedAttributesCount", 0):
        special["dropped_attributes_count"] = canonical_number(dropped)
    _trace(record, parts, special)
    id = uid if uid and _UUID.fullmatch(uid) else arrival.new_id()
    if uid and id != uid:
        special["log.record.uid"] = uid
    placed = not origin.env or ("resource" in parts and parts["resource"].env == origin.env)
    left = (*found.values(), special, origin.attrs if placed else origin.placeless)
    event = Event(
        id=id, time=str(time or observed or arrival.now_ns), action=action,
        source=origin.source if origin.source.name else _named(origin.source, arrival.name),
        severity=_severity(own("severityNumber", 0), level), native=own("body"),
        attrs=_together(attrs, left, "statement" in parts), **parts,
    )  # fmt: skip
    return event, _key(record, data, arrival, uid, time, observed)


def _sorted(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The attributes that stay, and the others by the part of an event that they are for."""
    attrs: dict[str, Any] = {}
    found: dict[str, dict[str, Any]] = {}
    for name, item in given.items():
        if place := place_of(name):
            found.setdefault(place, {})[name] = item
        else:
            attrs[name] = item
    return attrs, found


def _grouped(headers: dict[str, Any], with_statement: bool) -> dict[str, Any]:
    """Headers by their own names, which tell what is a secret; values that a statement was given as such."""
    groups: dict[str, Any] = {}
    for name, item in headers.items():
        whole, part = group(name)
        groups.setdefault(whole, {})[part] = item
    if with_statement and (given := groups.pop(OF_STATEMENTS, None)):
        groups[PARAMETERS] = [item if isinstance(item, str) else str(item) for item in given.values()]
    return groups


def _together(
    attrs: dict[str, Any], others: Iterable[dict[str, Any]], with_statement: bool
) -> dict[str, Any]:
    """All that has no place of its own; of two things of one name the second gets a mark."""
    if with_statement and PARAMETERS in attrs:
        # Under this name the intake expects what the statement was given, and nothing else.
        attrs[f"{PARAMETERS}'"] = attrs.pop(PARAMETERS)
    for members in others:
        for name, item in members.items():
            free = name
            while free in attrs:
                free += "'"
            attrs[free] = item
    return attrs


def _key(record: PlainRecord, data: bytes, arrival: Arrival, uid: str, time: int, observed: int) -> str:
    """What tells a record that is delivered again from another that is equal to it.

    A time finer than a millisecond is taken to be of one record only, which therefore comes once, however
    deliveries are cut. Where times are coarse, two deliveries may each have such a record: then it is the
    same only within the same delivery. Without any time nothing tells: each is recorded.
    """
    if uid:
        return f"uid {uid}"
    fine = time % _FINE_NS or observed % _FINE_NS
    if not fine and arrival.line:
        return f"{arrival.key_of(record.origin.digest + data)} {record.number}"
    if not (time or observed):
        return ""
    of = b"" if fine else record.delivery()
    return f"copy {arrival.digest(b'%b%b%d ' % (record.origin.digest, of, record.number) + data)}"


def _action(name: str, special: dict[str, Any]) -> str:
    """The event's name if it is one as ours are; Glasshatch's own are not for others to say."""
    if special and not name and isinstance(special.get("event.name"), str):
        name = special.pop("event.name")
    if not name:
        return DEFAULT_ACTION
    if _is_action(name):
        return name
    if name in ACTIONS:
        special["claimed"] = {"action": name}
    else:
        special["event_name"] = name
    return DEFAULT_ACTION


@lru_cache(maxsize=4_096)
def _is_action(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name not in ACTIONS


def _severity(number: int, text: str) -> int:
    if 0 < number < len(_SEVERITIES):
        return _SEVERITIES[number]
    return _TEXTS.get(text.lower(), 0) if text else 0


def _trace(record: PlainRecord, parts: dict[str, Any], special: dict[str, Any]) -> None:
    """Ids of the right length that are not zero; others are kept as they came."""
    for name, place, digits in (("traceId", "trace_id", 32), ("spanId", "span_id", 16)):
        given = record.get(name)
        if not given:
            continue
        if len(given) == digits and given.strip("0"):
            parts[place] = given
        elif given.strip("0"):
            special[place] = given


@lru_cache(maxsize=1_024)
def _named(source: Source, name: str) -> Source:
    return Source(kind=KIND, name=name, instance=source.instance, version=source.version)


def _wrong(value: Any) -> str:
    """What makes an object be no record in plain form; empty if nothing does."""
    if not isinstance(value, dict):
        return "is no log record"
    for name, kind in _TYPES.items():
        given = value.get(name)
        if given is not None and (not isinstance(given, kind) or isinstance(given, bool)):
            return f"is a log record whose {name} is of another type"
    if not all(0 <= (value.get(name) or 0) < 2**64 for name in _NUMBERS):
        return "is a log record with a number that cannot be"
    if not all(_HEXADECIMAL.fullmatch(value.get(name) or "") for name in ("traceId", "spanId")):
        return "is a log record with an id that is not hexadecimal"
    return ""


def _checked(value: dict[str, Any]) -> PlainRecord:
    """A record in plain form that no reader of ours made."""
    numbers = {name: value[name] for name in _NUMBERS if value.get(name)}
    given = {name: item for name, item in value.items() if item is not None and name not in _NUMBERS}
    record = foreign(given)
    origin = origin_of(record.get("resource", {}), record.get("scope", {}))
    return PlainRecord({"attributes": {}, **record, **numbers}, origin)
