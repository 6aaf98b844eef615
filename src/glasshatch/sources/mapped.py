"""An item of another system as an event, by the plan of its mapping. Pure.

What a plan takes out of the item stands in the event's members; the whole item, without its secrets, stands
under `native`, so nothing that was said is lost.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from ..events import (
    ACTIONS,
    Actor,
    Client,
    Event,
    Outcome,
    RawPrincipal,
    Resource,
    Source,
)
from .canonical import canonical
from .parsed import Arrival, Parsed, Rejected, time_ns
from .templates import Step, Template, at

HIDDEN = "[REDACTED]"
_MOST_RESOURCES = 64
_LONGEST_ACTION = 128
_TRACE, _SPAN = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
_TYPES = frozenset({"human", "service", "agent", "unknown"})
_STATUSES = frozenset({"success", "failure", "unknown"})
_SEVERITIES = {
    "trace": 1, "debug": 1, "default": 0, "info": 1, "informational": 1, "notice": 2, "low": 2, "warn": 3,
    "warning": 3, "medium": 3, "error": 4, "high": 4, "critical": 5, "alert": 5, "emergency": 6, "fatal": 6,
    **{str(number): number for number in range(7)},
}  # fmt: skip


class Plan(msgspec.Struct, frozen=True):
    """A compiled mapping.

    kind: its name. utc: whether times without a zone are in UTC. members: of the event itself. parts: of its
    parts, by their members. each, item: where a list of resources stands, and the members of each.
    secrets: the paths of what is not kept.
    """

    kind: str
    utc: bool
    time: Template
    key: Template
    members: dict[str, Template]
    parts: dict[str, dict[str, Template]]
    each: tuple[Step, ...]
    item: dict[str, Template]
    labels: dict[str, Template]
    secrets: tuple[tuple[Step, ...], ...]


def parse_mapped(plan: Plan, value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One item by a plan; without a time or an action it is rejected."""
    if not isinstance(value, dict):
        return Rejected("is not an object")
    item = canonical(value, data)
    happened_ns = _time_ns(plan.time(item), utc=plan.utc)
    if happened_ns is None:
        return Rejected(f"has no time where the mapping of {plan.kind} looks for it")
    given = {name: read(item) for name, read in plan.members.items()}
    action = _action(plan.kind, given.pop("action"))
    if not action:
        return Rejected(f"has no action where the mapping of {plan.kind} looks for it")
    parts = {
        name: {member: text for member, read in members.items() if (text := read(item))}
        for name, members in plan.parts.items()
    }
    event = Event(
        id=arrival.new_id(), time=str(happened_ns), action=action,
        source=Source(kind=plan.kind, name=arrival.name),
        severity=_SEVERITIES.get(given["severity"].lower(), 0),
        session_id=given["session_id"], request_id=given["request_id"],
        trace_id=_matching(_TRACE, given["trace_id"]), span_id=_matching(_SPAN, given["span_id"]),
        actor=_actor(parts.get("actor", {}), plan.kind), client=_client(parts.get("client", {})),
        outcome=_outcome(parts.get("outcome", {})), resource=_resource(parts.get("resource", {})),
        resources=_resources(plan, item),
        labels={name: text for name, read in plan.labels.items() if (text := read(item))},
        native=_without(item, plan.secrets),
    )  # fmt: skip
    key = plan.key(item)
    return Parsed(event, f"id {key}" if key else arrival.key_of(data))


def _time_ns(text: str, *, utc: bool) -> int | None:
    found = time_ns(text)
    return time_ns(f"{text}Z") if found is None and utc and text else found


@lru_cache(maxsize=8_192)
def _action(kind: str, given: str) -> str:
    """The action's word; one of ours that another system uses is told apart by the system's name."""
    kept = "".join(char for char in given if char.isascii() and (char.isalnum() or char in "_.:/-"))
    kept = kept[:_LONGEST_ACTION].strip(".:/-")
    return f"{kind}.{kept}" if kept in ACTIONS else kept


def _matching(form: re.Pattern[str], text: str) -> str:
    text = text.lower()
    return text if form.fullmatch(text) else ""


def _actor(given: dict[str, str], kind: str) -> Actor | None:
    id = given.get("id") or given.get("name", "")
    if not id:
        return None
    type = given.get("type", "unknown")
    return Actor(
        id=id, name=given.get("name", id), type=type if type in _TYPES else "unknown",  # type: ignore[arg-type]
        idp=given.get("idp", ""), on_behalf_of=given.get("on_behalf_of", ""),
        raw=RawPrincipal(namespace=kind, principal=id),
    )  # fmt: skip


def _client(given: dict[str, str]) -> Client | None:
    """An address is kept in clear, so it must be one; what is none stands as the device."""
    if not given:
        return None
    ip = given.get("ip", "")
    if ip and not _is_address(ip):
        given = {**given, "device": given.get("device", ip), "ip": ""}
    return Client(**given)  # type: ignore[arg-type]


@lru_cache(maxsize=8_192)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _outcome(given: dict[str, str]) -> Outcome | None:
    if not given:
        return None
    status = given.get("status", "unknown").lower()
    return Outcome(
        status=status if status in _STATUSES else "unknown",  # type: ignore[arg-type]
        code=given.get("code", ""), reason=given.get("reason", ""),
    )  # fmt: skip


def _resource(given: dict[str, str]) -> Resource | None:
    return Resource(**given) if given.get("id") and given.get("type") else None  # type: ignore[arg-type]


def _resources(plan: Plan, item: Any) -> tuple[Resource, ...]:
    several = at(item, plan.each) if plan.each else None
    found = []
    for one in several[:_MOST_RESOURCES] if isinstance(several, list) else ():
        members = {member: text for member, read in plan.item.items() if (text := read(one))}
        if (resource := _resource(members)) is not None:
            found.append(resource)
    return tuple(found)


def _without(item: Any, secrets: Sequence[tuple[Step, ...]]) -> Any:
    for path in secrets:
        item = _hidden(item, path)
    return item


def _hidden(item: Any, path: tuple[Step, ...]) -> Any:
    """The same item, with another value where the path leads; a list's `[]` means each of its items."""
    if not path:
        return HIDDEN
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if not isinstance(item, dict) or step not in item:
            return item
        return {**item, step: _hidden(item[step], rest)}
    if not isinstance(item, list):
        return item
    if step is None:
        return [_hidden(one, rest) for one in item]
    wanted = range(len(item))[step] if -len(item) <= step < len(item) else -1
    return [_hidden(one, rest) if place == wanted else one for place, one in enumerate(item)]
