"""A canonical event as an OCSF object: what the class requires is always there, nothing is made up.

Times are milliseconds, as OCSF has them; the nanoseconds stand in `metadata.original_time`. What OCSF has no
attribute for stands under `unmapped` with our own names, the redacted original in `raw_data`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import msgspec

from .... import __version__
from ....events import ACTIONS, Actor, Event, Resource, clipped
from ...parcel import Item
from .classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    APPLICATION_LIFECYCLE,
    AUTHENTICATION,
    DATASTORE_ACTIVITY,
    DETECTION_FINDING,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    OTHER,
    activity_of,
)

OCSF_VERSION = "1.8.0"

Members = dict[str, Any]
_SEVERITIES = ("Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal")
_STATUS = {"success": (1, "Success"), "failure": (2, "Failure"), "unknown": (0, "Unknown")}
_USERS = {"human": (1, "User"), "service": (4, "Service"), "agent": (99, "Agent"), "unknown": (0, "Unknown")}
_RELATIONAL = frozenset(("postgres", "mysql", "mariadb", "mssql", "oracle", "sqlite"))
_PERSONAL = 1
_UNKNOWN = "unknown"
_UNMAPPED = ("access", "redaction", "links", "labels", "attrs", "resources")


def mapped(item: Item) -> Members:
    """The whole object, of the class that `activity_of` says."""
    event = item.event
    activity = activity_of(event)
    class_ = activity.of
    severity = min(max(event.severity, 0), len(_SEVERITIES) - 1)
    known = ACTIONS.get(event.action)
    found: Members = {
        "class_uid": class_.uid, "class_name": class_.name,
        "category_uid": class_.category_uid, "category_name": class_.category,
        "activity_id": activity.id, "activity_name": event.action if activity.id == OTHER else activity.name,
        "type_uid": class_.uid * 100 + activity.id, "type_name": f"{class_.name}: {activity.name}",
        "time": clipped(event.time) // 1_000_000,
        "severity_id": severity, "severity": _SEVERITIES[severity],
        "message": known.meaning if known else event.action,
        "metadata": _metadata(item),
    }  # fmt: skip
    _add_outcome(found, event)
    _CLASSES[class_.uid](found, event)
    unmapped = _unmapped(event)
    if unmapped:
        found["unmapped"] = unmapped
    if event.native is not None:
        found["raw_data"] = _text(event.native)
    return found


def _metadata(item: Item) -> Members:
    event, source = item.event, item.event.source
    found: Members = {
        "version": OCSF_VERSION,
        "product": {"name": "Glasshatch", "vendor_name": "Glasshatch", "version": __version__},
        "uid": event.id, "event_code": event.action, "tenant_uid": event.tenant,
        "log_name": item.ledger, "sequence": item.index, "original_time": event.time,
        "log_provider": f"{source.kind}/{source.name}" if source.name else source.kind,
    }  # fmt: skip
    if event.observed_time:
        found["logged_time"] = clipped(event.observed_time) // 1_000_000
    if correlation := event.trace_id or event.request_id or event.session_id:
        found["correlation_uid"] = correlation
    if event.data is not None and event.data.classes:
        found["data_classifications"] = [
            {"category_id": _PERSONAL, "category": "Personal", "status_details": list(event.data.classes)}
        ]
        _use(found, "data_classification")
    return found


def _use(metadata: Members, profile: str) -> None:
    """Say that attributes of a profile are used, which a class has only then."""
    metadata.setdefault("profiles", []).append(profile)


def _add_outcome(found: Members, event: Event) -> None:
    outcome = event.outcome
    if outcome is None:
        refused = event.decision is not None and event.decision.effect == "deny"
        found["status_id"], found["status"] = _STATUS["failure" if refused else "unknown"]
        return
    found["status_id"], found["status"] = _STATUS[outcome.status]
    if outcome.code:
        found["status_code"] = outcome.code
    if outcome.reason:
        found["status_detail"] = outcome.reason


def _authentication(found: Members, event: Event) -> None:
    found["user"] = _user(event.actor)
    found["service"] = _service(event)
    found["actor"] = _actor(event)
    _add_endpoint(found, event)
    if event.session_id:
        found["session"] = {"uid": event.session_id}


def _account_change(found: Members, event: Event) -> None:
    about = event.resource
    if about is not None and (about.id or about.name):
        found["user"] = {key: text for key, text in (("uid", about.id), ("name", about.name)) if text}
    else:
        found["user"] = _user(event.actor)
    found["actor"] = _actor(event)
    _add_endpoint(found, event)


def _group(found: Members, event: Event) -> None:
    found["group"] = _named(event.resource, event.action)
    found["actor"] = _actor(event)
    _add_endpoint(found, event)


def _entity(found: Members, event: Event) -> None:
    noun = event.action.partition(".")[0]
    found["entity"] = {"type": noun, **_named(event.resource, noun)}
    found["actor"] = _actor(event)
    _add_endpoint(found, event)
    if event.access is not None and event.access.reason:
        found["comment"] = event.access.reason


def _finding(found: Members, event: Event) -> None:
    links = {link.rel: link.id for link in event.links}
    attrs = event.attrs
    info: Members = {"uid": links.get("alert") or event.id, "title": str(attrs.get("title") or event.action)}
    if rule := attrs.get("rule"):
        info["analytic"] = {"uid": str(rule), "type_id": 1, "type": "Rule"}
    if explanation := attrs.get("explanation"):
        info["desc"] = str(explanation)
    if behind := [{"uid": link.id} for link in event.links if link.rel == "event"]:
        info["related_events"] = behind
    found["finding_info"] = info
    found["is_alert"] = event.action == "alert.raised"
    # A finding's status is its life, not the outcome of a call.
    states = {"alert.raised": (1, "New"), "alert.acknowledged": (2, "In Progress")}
    found["status_id"], found["status"] = states.get(event.action, (0, "Unknown"))
    _add_actor_of_host(found, event)
    if event.resource is not None:
        found["resources"] = [_resource(event.resource)]


def _lifecycle(found: Members, event: Event) -> None:
    found["app"] = {"name": "Glasshatch", "version": __version__}
    if event.source.instance:
        found["app"]["uid"] = event.source.instance
    _add_actor_of_host(found, event)


def _call(found: Members, event: Event) -> None:
    found["actor"] = _actor(event)
    found["src_endpoint"] = _endpoint(event)
    api: Members = {"operation": event.action, "service": _service(event)}
    if event.request_id:
        api["request"] = {"uid": event.request_id}
    found["api"] = api
    resources = event.resources if event.resource is None else (event.resource, *event.resources)
    if named := [_resource(one) for one in resources if one.id or one.name]:
        found["resources"] = named
    if event.client is not None and event.client.user_agent:
        found["http_request"] = {"user_agent": event.client.user_agent}
    if event.trace_id:
        found["trace"] = {"uid": event.trace_id}
        _use(found["metadata"], "trace")


def _datastore(found: Members, event: Event) -> None:
    found["actor"] = _actor(event)
    found["src_endpoint"] = _endpoint(event)
    about = event.resource
    kind = about.type if about is not None else ""
    relational = kind in _RELATIONAL
    found["database"] = {
        **_named(about, event.source.name or event.source.kind),
        "type_id": 1 if relational else 0, "type": "Relational" if relational else "Unknown",
    }  # fmt: skip
    said = event.statement
    if said is not None and (text := said.text or said.shape):
        found["query_info"] = {"query_string": text, "uid": said.hash or event.id}


_CLASSES: dict[int, Callable[[Members, Event], None]] = {
    AUTHENTICATION.uid: _authentication, ACCOUNT_CHANGE.uid: _account_change, GROUP_MANAGEMENT.uid: _group,
    ENTITY_MANAGEMENT.uid: _entity, DETECTION_FINDING.uid: _finding, APPLICATION_LIFECYCLE.uid: _lifecycle,
    API_ACTIVITY.uid: _call, DATASTORE_ACTIVITY.uid: _datastore,
}  # fmt: skip


def _actor(event: Event) -> Members:
    """Who did it; the program that recorded, where nobody did."""
    found: Members = {"app_name": event.source.kind}
    actor = event.actor
    if actor is not None:
        found["user"] = _user(actor)
        if actor.on_behalf_of:
            found["invoked_by"] = actor.on_behalf_of
        if actor.idp:
            found["idp"] = {"name": actor.idp}
    if event.session_id:
        found["session"] = {"uid": event.session_id}
    decision = event.decision
    if decision is not None:
        policy = {"name": decision.rule, "uid": decision.policy_hash, "desc": decision.reason}
        found["authorizations"] = [{"decision": decision.effect}]
        if decision.rule or decision.policy_hash:
            found["authorizations"][0]["policy"] = {key: text for key, text in policy.items() if text}
    return found


def _add_actor_of_host(found: Members, event: Event) -> None:
    """In classes that have no actor of their own, one comes with the profile `host`, which is named."""
    if event.actor is not None:
        found["actor"] = _actor(event)
        _use(found["metadata"], "host")


def _user(actor: Actor | None) -> Members:
    if actor is None:
        return {"name": _UNKNOWN, "type_id": 0, "type": "Unknown"}
    number, name = _USERS[actor.type]
    found: Members = {"uid": actor.id, "type_id": number, "type": name}
    if actor.name:
        found["name"] = actor.name
    if actor.roles:
        found["groups"] = [{"name": role} for role in actor.roles]
    if actor.raw is not None and actor.raw.principal:
        found["uid_alt"] = actor.raw.principal
    return found


def _add_endpoint(found: Members, event: Event) -> None:
    if event.client is not None and event.client.ip:
        found["src_endpoint"] = _endpoint(event)


def _endpoint(event: Event) -> Members:
    """Where it came from; the source's name where no address is known."""
    client = event.client
    found: Members = {}
    if client is not None:
        if client.ip:
            found["ip" if _is_address(client.ip) else "name"] = client.ip
        if 0 < client.port <= 65_535:
            found["port"] = client.port
    if not found.keys() & {"ip", "name"}:
        found["svc_name"] = event.source.name or event.source.kind
    return found


def _service(event: Event) -> Members:
    about = event.resource
    if about is not None and (about.id or about.name):
        return {key: text for key, text in (("uid", about.id), ("name", about.name or about.id)) if text}
    return {"name": event.source.name or event.source.kind}


def _named(about: Resource | None, otherwise: str) -> Members:
    if about is None or not (about.id or about.name):
        return {"name": otherwise}
    return {key: text for key, text in (("uid", about.id), ("name", about.name)) if text}


def _resource(about: Resource) -> Members:
    found: Members = {key: text for key, text in (("uid", about.id), ("name", about.name)) if text}
    if about.type:
        found["type"] = about.type
    if about.labels:
        found["labels"] = [f"{key}={value}" for key, value in about.labels.items()]
    return found or {"name": about.type or _UNKNOWN}


def _unmapped(event: Event) -> Members:
    found: Members = {name: value for name in _UNMAPPED if (value := getattr(event, name))}
    if event.data is not None:
        found["data"] = event.data
    if event.statement is not None and event.statement.shape:
        found["statement_shape"] = event.statement.shape
    for name in ("request_id", "span_id"):
        if value := getattr(event, name):
            found[name] = value
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
