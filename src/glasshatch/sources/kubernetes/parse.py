"""From an audit event to a canonical one. Copies of a fact share auditID and stage; the fuller is kept."""

from __future__ import annotations

from typing import Any

import msgspec

from ...events import Actor, Client, Event, Outcome, RawPrincipal, Resource, Source
from ..canonical import canonical
from ..parsed import Arrival, Parsed, Rejected, time_ns
from .secrets import without_secrets

_LEVELS = {"Metadata": 1, "Request": 2, "RequestResponse": 3}
_STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_NATIVE_BYTES = 40_000
_SURELY_FITTING = 3_000
"""So many bytes fit, even if each digit in them became the twelve of a hidden value."""
_VERSIONS = ("audit.k8s.io/v1", "audit.k8s.io/v1beta1")
_TRUNCATED = "audit.k8s.io/truncated"
_REFUSED_TO_ACT_AS = "cannot impersonate resource"
_CHANGES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def parse(value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One audit event; anything else is rejected."""
    # In a webhook's list only the list says which version its items have.
    if not isinstance(value, dict) or value.get("apiVersion", _VERSIONS[0]) not in _VERSIONS:
        return Rejected("is no audit event: apiVersion is not audit.k8s.io/v1")
    audit_id, stage = value.get("auditID"), value.get("stage")
    if not isinstance(audit_id, str) or not audit_id or stage not in _STAGES:
        return Rejected("is an audit event without auditID or a known stage")
    happened_ns = time_ns(value.get("requestReceivedTimestamp")) or time_ns(value.get("stageTimestamp"))
    if happened_ns is None:
        return Rejected("is an audit event without a time")
    user = value.get("user")
    if not isinstance(user, dict) or not isinstance(user.get("username", ""), str):
        return Rejected("is an audit event whose user is not an object with a name")
    # From here on nothing is read but what may be kept.
    value = without_secrets(value)
    plain = canonical(value, data)
    annotations = plain.get("annotations")
    native, cut = _native(plain, len(data))
    event = Event(
        id=arrival.new_id(), time=str(happened_ns), action=_action(value),
        source=Source(kind="kubernetes", name=arrival.name), outcome=_outcome(value),
        severity=_severity(value), actor=_actor(value), client=_client(value), request_id=audit_id,
        resource=_resource(value, arrival.name), labels=_labels(value, cut),
        attrs={"annotations": dict(annotations)} if isinstance(annotations, dict) and annotations else {},
        native=native,
    )  # fmt: skip
    return Parsed(event, *weigh(value))


def weigh(value: Any) -> tuple[str, int]:
    """What tells copies of one fact apart from other facts, and how much a copy holds; no key for none."""
    if not isinstance(value, dict) or not (audit_id := value.get("auditID")):
        return "", 0
    # What a copy holds counts, and its level only then: one that was truncated has lost its bodies.
    parts = sum(name in value for name in ("requestObject", "responseObject", "responseStatus"))
    return f"{audit_id} {value.get('stage')}", parts * 10 + _LEVELS.get(str(value.get("level")), 0)


def _action(value: dict[str, Any]) -> str:
    """`secrets.get`, `pods-exec.create`, `url.get`."""
    reference = _object(value.get("objectRef"))
    verb = _word(value.get("verb")) or "request"
    resource = _word(reference.get("resource"))
    if not resource:
        return f"url.{verb}"
    inner = _word(reference.get("subresource"))
    return f"{resource}-{inner}.{verb}" if inner else f"{resource}.{verb}"


def _word(given: Any) -> str:
    return "".join(char for char in str(given or "").lower() if char.isalnum() or char == "-")[:60]


def _outcome(value: dict[str, Any]) -> Outcome | None:
    """By the HTTP code: `status` says `Success` of some refusals, and nothing of most answers."""
    status = _object(value.get("responseStatus"))
    code = status.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    reason = status.get("reason") if code >= 400 else ""
    return Outcome(
        status="failure" if code >= 400 else "success",
        code=str(code),
        reason=reason if isinstance(reason, str) else "",
    )


def _severity(value: dict[str, Any]) -> int:
    code = _object(value.get("responseStatus")).get("code")
    if code in (401, 403):
        return 3
    return 2 if str(value.get("verb")) in _CHANGES else 1


def _actor(value: dict[str, Any]) -> Actor:
    """Who acts: under impersonation the impersonated user, and the real one as the raw principal."""
    user, other = _object(value.get("user")), _object(value.get("impersonatedUser"))
    # A refused impersonation was never acted under: the API server answers 403 to the real user.
    refused = _object(value.get("responseStatus")).get("code") == 403 and not value.get("objectRef")
    acting = other if other.get("username") and not refused else user
    name = str(acting.get("username") or "")
    groups = acting.get("groups")
    return Actor(
        id=name, name=name, type="service" if name.startswith("system:") else "unknown",
        roles=tuple(str(group) for group in groups[:64]) if isinstance(groups, list) else (),
        idp="kubernetes",
        raw=RawPrincipal(namespace="kubernetes", principal=str(user.get("username") or "")),
    )  # fmt: skip


def _client(value: dict[str, Any]) -> Client | None:
    addresses = value.get("sourceIPs")
    ip = str(addresses[0]) if isinstance(addresses, list) and addresses else ""
    agent = value.get("userAgent")
    return Client(ip=ip, user_agent=agent if isinstance(agent, str) else "") if ip or agent else None


def _resource(value: dict[str, Any], cluster: str) -> Resource:
    reference = _object(value.get("objectRef"))
    kind = str(reference.get("resource") or "")
    if not kind:
        # A path may have been cut where something secret began.
        path = str(value.get("requestURI") or "").partition("?")[0]
        return Resource(type="url", id=f"kubernetes/{cluster}{path}", name=path)
    namespace, name = str(reference.get("namespace") or ""), str(reference.get("name") or "")
    parts = [part for part in ("kubernetes", cluster, namespace, kind, name) if part]
    return Resource(
        type=kind, id="/".join(parts), name=name or kind, labels={"namespace": namespace} if namespace else {}
    )


def _labels(value: dict[str, Any], cut: bool) -> dict[str, str]:
    labels = {"stage": str(value.get("stage")), "level": str(value.get("level"))}
    if acting := _impersonation(value):
        labels["impersonation"] = acting
        labels["impersonator"] = str(_object(value.get("user")).get("username") or "")
    # Cut here, or by the API server already, which leaves the bodies out and says so.
    cut = cut or _object(value.get("annotations")).get(_TRUNCATED) == "true"
    return {**labels, "truncated": "true"} if cut else labels


def _impersonation(value: dict[str, Any]) -> str:
    """`used`, `refused`, or nothing: of a refused one the API server names the real user only."""
    code = _object(value.get("responseStatus")).get("code")
    if _object(value.get("impersonatedUser")).get("username"):
        return "refused" if code == 403 and not value.get("objectRef") else "used"
    said = (_object(value.get(name)).get("message") for name in ("responseStatus", "responseObject"))
    return "refused" if code == 403 and any(_REFUSED_TO_ACT_AS in str(one) for one in said) else ""


def _native(native: dict[str, Any], size: int) -> tuple[dict[str, Any], bool]:
    """The audit event without what is secret, and whether something was cut for its length."""
    if size <= _SURELY_FITTING:
        return native, False
    for name in ("responseObject", "requestObject", "annotations"):
        if len(msgspec.json.encode(native)) <= _NATIVE_BYTES:
            return native, name != "responseObject"
        if name in native:
            native[name] = "[TOO LARGE]"
    return native, True


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
