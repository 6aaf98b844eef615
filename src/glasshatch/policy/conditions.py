"""A policy's scope and conditions, out of Cedar's JSON, as a formula."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import logic
from .logic import FALSE, TRUE, Atom, Every, Formula, Not

Json = Mapping[str, Any]


def formula_of(policy: Json) -> Formula:
    """When a policy matches."""
    parts = [_scope(name, policy[name]) for name in ("principal", "action", "resource")]
    for condition in policy.get("conditions", ()):
        body = _read(condition["body"])
        parts.append(body if condition["kind"] == "when" else Not(body))
    return Every(tuple(parts))


def _scope(subject: str, scope: Json) -> Formula:
    if scope["op"] == "Every":
        return TRUE
    entities = scope.get("entities") or [scope[name] for name in ("entity",) if name in scope]
    if scope["op"] not in ("==", "in") or not entities:
        return _other(subject, scope)
    return logic.Some(tuple(_entity(subject, scope["op"], entity) for entity in entities))


def _entity(subject: str, op: str, entity: Json) -> Formula:
    if entity["type"] == "Role":
        # Nobody is a role; who holds one is in it.
        return FALSE if op == "==" else logic.has(f"{subject}.roles", entity["id"])
    return logic.equals(subject, entity["id"])


def _read(body: Any) -> Formula:
    if not isinstance(body, Mapping) or len(body) != 1:
        return _other("", body)
    ((op, inner),) = body.items()
    reader = _READERS.get(op)
    found = reader(inner) if reader else None
    return _other("", body) if found is None else found


def _other(subject: str, body: Any) -> Formula:
    return Atom("other", f"{subject} {json.dumps(body, sort_keys=True)}")


def _value(inner: Any) -> Formula | None:
    if not isinstance(inner, bool):
        return None
    return TRUE if inner else FALSE


def _and(inner: Json) -> Formula:
    return Every((_read(inner["left"]), _read(inner["right"])))


def _or(inner: Json) -> Formula:
    return logic.Some((_read(inner["left"]), _read(inner["right"])))


def _choice(inner: Json) -> Formula:
    question = _read(inner["if"])
    return logic.Some((Every((question, _read(inner["then"]))), Every((Not(question), _read(inner["else"])))))


def _equal(inner: Json) -> Formula | None:
    for one, other in ((inner["left"], inner["right"]), (inner["right"], inner["left"])):
        subject, word = _path(one), _word(other)
        if subject and word is not None:
            return logic.equals(subject, word)
    return None


def _unequal(inner: Json) -> Formula | None:
    found = _equal(inner)
    return None if found is None else Not(found)


def _contains(inner: Json) -> Formula | None:
    subject, word = _path(inner["left"]), _word(inner["right"])
    if subject and word is not None:
        return logic.has(subject, word)
    words, subject = _words(inner["left"]), _path(inner["right"])
    if words is None or not subject:
        return None
    return logic.Some(tuple(logic.equals(subject, word) for word in words))


def _contains_any(inner: Json) -> Formula | None:
    for one, other in ((inner["left"], inner["right"]), (inner["right"], inner["left"])):
        subject, words = _path(one), _words(other)
        if subject and words is not None:
            return logic.Some(tuple(logic.has(subject, word) for word in words))
    return None


def _contains_all(inner: Json) -> Formula | None:
    subject, words = _path(inner["left"]), _words(inner["right"])
    if subject and words is not None:
        return Every(tuple(logic.has(subject, word) for word in words))
    words, subject = _words(inner["left"]), _path(inner["right"])
    return logic.within(subject, words) if subject and words is not None else None


def _empty(inner: Json) -> Formula | None:
    subject = _path(inner["arg"])
    return logic.within(subject, ()) if subject else None


def _in(inner: Json) -> Formula | None:
    entity = inner["right"].get("Value", {}) if isinstance(inner["right"], Mapping) else {}
    found = entity.get("__entity") if isinstance(entity, Mapping) else None
    subject = inner["left"].get("Var") if isinstance(inner["left"], Mapping) else None
    return _entity(subject, "in", found) if found and subject else None


_READERS: dict[str, Any] = {
    "Value": _value, "&&": _and, "||": _or, "!": lambda inner: Not(_read(inner["arg"])),
    "if-then-else": _choice, "==": _equal, "!=": _unequal, "contains": _contains,
    "containsAny": _contains_any, "containsAll": _contains_all, "isEmpty": _empty, "in": _in,
}  # fmt: skip


def _path(body: Any) -> str:
    """`context.risks` out of its nodes; empty for anything else."""
    if not isinstance(body, Mapping):
        return ""
    if "Var" in body:
        return str(body["Var"])
    inner = body.get(".")
    before = _path(inner["left"]) if inner else ""
    return f"{before}.{inner['attr']}" if inner and before else ""


def _word(body: Any) -> str | None:
    """A constant text or entity."""
    value = body.get("Value") if isinstance(body, Mapping) else None
    if isinstance(value, Mapping) and "__entity" in value:
        return str(value["__entity"]["id"])
    return value if isinstance(value, str) else None


def _words(body: Any) -> tuple[str, ...] | None:
    """A set of constant texts."""
    items = body.get("Set") if isinstance(body, Mapping) else None
    if items is None:
        return None
    found = [_word(item) for item in items]
    return None if None in found else tuple(word for word in found if word is not None)
