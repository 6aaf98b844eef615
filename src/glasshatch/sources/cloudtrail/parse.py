"""From a record of CloudTrail to an event. Contents of records: AWS, "CloudTrail record contents"."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, Literal

import msgspec

from ...events import Actor, Client, Event, Link, Outcome, RawPrincipal, Resource, Source
from ..canonical import canonical
from ..parsed import Arrival, Parsed, Rejected, time_ns
from .digests import is_digest, parse_digest
from .secrets import clean_message, without_secrets

_KNOWN_VERSION = "1."
_NATIVE_BYTES = 40_000
_SURELY_FITTING = 3_000
"""So many bytes fit, even if each digit in them became the twelve of a hidden value."""
_LARGE = ("responseElements", "requestParameters", "additionalEventData", "serviceEventDetails")
_REFUSED = ("AccessDenied", "UnauthorizedOperation", "Unauthorized", "Failed authentication", "AuthFailure")
_RESOURCES = 64
_WORD, _ADDRESS = 60, 64


def parse(value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One record; anything else is rejected."""
    if not isinstance(value, dict):
        return Rejected("is no record of CloudTrail")
    if is_digest(value):
        return parse_digest(value, arrival)
    version, source, name = value.get("eventVersion"), value.get("eventSource"), value.get("eventName")
    if not isinstance(version, str) or not version.startswith(_KNOWN_VERSION):
        return Rejected("is no record of CloudTrail of version 1: eventVersion is missing or another")
    if not (isinstance(source, str) and isinstance(name, str) and source and name):
        return Rejected("is a record without eventSource or eventName")
    # Pipelines of logs move the time to a name of theirs, and take AWS's away.
    happened_ns = _time_ns(value.get("eventTime")) or _time_ns(value.get("@timestamp"))
    if happened_ns is None:
        return Rejected("is a record without a time")
    user = value.get("userIdentity")
    if user is not None and not isinstance(user, dict):
        return Rejected("is a record whose userIdentity is no object")
    native, cut = _native(value, data)
    event = Event(
        id=arrival.new_id(), time=str(happened_ns), action=_action(source, name),
        source=Source(kind="cloudtrail", name=arrival.name), outcome=_outcome(value, name),
        severity=_severity(value), actor=_actor(user or {}), client=_client(value),
        request_id=_text(value, "requestID"), session_id=_session(user or {}),
        resource=_resource(value, source), resources=_resources(value.get("resources")),
        links=_links(value), labels=_labels(value, cut), native=native,
    )  # fmt: skip
    given = value.get("eventID")
    return Parsed(event, f"event {given}" if isinstance(given, str) and given else "")


def _action(source: str, name: str) -> str:
    """`iam.CreateUser`, `s3.GetObject`."""
    service = source.partition(".")[0]
    return _word(service[:_WORD]) + "." + _word(name[:_WORD])


@lru_cache(maxsize=8_192)
def _word(text: str) -> str:
    return (
        "".join(char for char in text[:100] if char.isascii() and (char.isalnum() or char in "-_"))
        or "unknown"
    )


def _time_ns(value: Any) -> int | None:
    return time_ns(value) if isinstance(value, str) else None


def _outcome(value: dict[str, Any], name: str) -> Outcome:
    """A sign-in at the console says in its answer how it ended, everything else by an error code."""
    code, message = _text(value, "errorCode"), clean_message(_text(value, "errorMessage"))
    answer = value.get("responseElements")
    if name == "ConsoleLogin" and isinstance(answer, dict) and answer.get("ConsoleLogin") == "Failure":
        return Outcome(status="failure", code=code or "Failure", reason=message)
    return Outcome(status="failure" if code or message else "success", code=code, reason=message)


def _severity(value: dict[str, Any]) -> int:
    error = _text(value, "errorCode") or _text(value, "errorMessage")
    if any(word in error for word in _REFUSED):
        return 3
    return 1 if value.get("readOnly") is not False else 2


def _actor(user: dict[str, Any]) -> Actor | None:
    """Of a role's session: the role's caller by the session's name, and the role as a role."""
    kind, arn = _text(user, "type"), _text(user, "arn")
    name = _text(user, "userName") or arn.rpartition("/")[2] or _text(user, "invokedBy")
    id = arn or _text(user, "principalId") or _text(user, "invokedBy") or _text(user, "accountId")
    if not id:
        return None
    context = user.get("sessionContext")
    issuer = context.get("sessionIssuer") if isinstance(context, dict) else None
    role = _text(issuer, "arn") if isinstance(issuer, dict) else ""
    return Actor(
        id=id, name=name or id, type=_actor_type(kind, user), roles=(role,) if role else (), idp="aws",
        raw=RawPrincipal(namespace="aws", principal=_text(user, "principalId") or id),
    )  # fmt: skip


def _actor_type(kind: str, user: dict[str, Any]) -> Literal["human", "service", "agent", "unknown"]:
    if kind in ("AWSService", "AWSAccount") or (not kind and user.get("invokedBy")):
        return "service"
    return "human" if kind in ("Root", "IdentityCenterUser") else "unknown"


def _session(user: dict[str, Any]) -> str:
    """The access key of a session names it, and opens nothing by itself."""
    key = _text(user, "accessKeyId")
    return key if key.startswith("ASIA") else ""


def _client(value: dict[str, Any]) -> Client | None:
    """A service that called on somebody's behalf stands there by name."""
    address, agent = _text(value, "sourceIPAddress"), _text(value, "userAgent")
    if len(address) <= _ADDRESS and _is_address(address):
        return Client(ip=address, user_agent=agent)
    return Client(device=address, user_agent=agent) if address or agent else None


@lru_cache(maxsize=8_192)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _resource(value: dict[str, Any], source: str) -> Resource:
    """The service of an account in a region; what was touched in it stands in `resources`."""
    account = _text(value, "recipientAccountId") or "account"
    service, region = source.partition(".")[0], _text(value, "awsRegion")
    return Resource(
        type="aws", id="/".join(part for part in ("aws", account, region, service) if part), name=service
    )


def _resources(given: Any) -> tuple[Resource, ...]:
    found = []
    for one in given[:_RESOURCES] if isinstance(given, list) else ():
        if isinstance(one, dict) and (arn := _text(one, "ARN") or _text(one, "ARNPrefix")):
            kind = _text(one, "type") or _text(one, "resourceType") or "aws"
            found.append(Resource(type=kind, id=arn, name=arn.rpartition(":")[2]))
    return tuple(found)


def _links(value: dict[str, Any]) -> tuple[Link, ...]:
    """One call that two accounts record has the same shared id in both."""
    shared = _text(value, "sharedEventID")
    return (Link(rel="shared_event", id=shared),) if shared else ()


def _labels(value: dict[str, Any], cut: bool) -> dict[str, str]:
    labels = {"region": _text(value, "awsRegion"), "type": _text(value, "eventType")}
    labels = {name: text for name, text in labels.items() if text}
    if type(value.get("readOnly")) is bool:
        labels["read_only"] = "true" if value["readOnly"] else "false"
    return {**labels, "truncated": "true"} if cut else labels


def _native(value: dict[str, Any], data: bytes) -> tuple[Any, bool]:
    """The record without what is secret, and whether something was cut for its length."""
    native = {
        str(name): without_secrets(item) if type(item) is dict or type(item) is list else item
        for name, item in value.items()
    }
    if isinstance(native.get("errorMessage"), str):
        native["errorMessage"] = clean_message(native["errorMessage"])
    native = canonical(native, data)
    if len(data) <= _SURELY_FITTING:
        return native, False
    for name in _LARGE:
        if len(msgspec.json.encode(native)) <= _NATIVE_BYTES:
            return native, name != _LARGE[0]
        if name in native:
            native[name] = "[TOO LARGE]"
    return native, True


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
