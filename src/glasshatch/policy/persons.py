"""Which rules ask who somebody is, and not only of what kind they are and what roles they have.

Where none does, one answer holds for everybody of equal kind and roles: ten thousand people are then a
handful of questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from glasshatch.identity import Identity

Asks = Literal["nobody", "own", "somebody"]
"""Not who it is; only whether a word of the resource is the asker's own id, or their human's; or more."""

SOMEBODY: Final = "somebody-of-these-roles"
HUMAN: Final = "somebody-behind-an-agent"
"""Words that stand for the asker's own id, and their human's, in an answer that holds for many."""

_ORDER: Final[tuple[Asks, ...]] = ("nobody", "own", "somebody")
_SHARED = frozenset({"roles", "kind"})
_OWN = frozenset({"id", "on_behalf_of"})
_EXPRESSIONS = frozenset({"left", "right", "arg", "if", "then", "else", "in"})
_PARTS = _EXPRESSIONS | {"attr", "pattern", "entity_type", "tag"}


class Persons:
    """Of the rules of one text, in Cedar's JSON. Whatever form is not known here asks who somebody is."""

    def __init__(self, policies: Iterable[Any]) -> None:
        self._of: dict[str, Asks] = {}
        self._any: Asks = "nobody"
        for policy in policies:
            found = _worst(
                [_scope(policy["principal"]), *(_asks(one["body"]) for one in policy["conditions"])]
            )
            actions = _actions(policy["action"])
            if actions is None:
                self._any = _worst([self._any, found])
            for action in actions or ():
                self._of[action] = _worst([self._of.get(action, "nobody"), found])

    def asks(self, action: str) -> Asks:
        """What the rules that may apply to this action ask of who somebody is."""
        return _worst([self._any, self._of.get(action, "nobody")])

    def shared(self, actor: Identity, action: str) -> Identity:
        """Whoever stands for all to whom the rules give the same answer as to this actor."""
        return somebody_like(actor) if self.asks(action) == "nobody" else actor


def somebody_like(actor: Identity) -> Identity:
    """Somebody of the same kind and roles, and with a human behind them if there is one."""
    return msgspec.structs.replace(
        actor, id=SOMEBODY, name=SOMEBODY, on_behalf_of=HUMAN if actor.on_behalf_of else "", credential="",
        emergency=None,
    )  # fmt: skip


def _worst(found: Iterable[Asks]) -> Asks:
    return max(found, key=_ORDER.index)


def _actions(scope: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The actions that a rule is about; None for all."""
    if scope["op"] == "==":
        return (scope["entity"]["id"],)
    if scope["op"] == "in" and "entities" in scope:
        return tuple(one["id"] for one in scope["entities"])
    return None


def _scope(scope: Mapping[str, Any]) -> Asks:
    within = scope.get("in") or scope
    if scope["op"] == "All" or (scope["op"] == "is" and "in" not in scope):
        return "nobody"
    if scope["op"] in ("in", "is") and within.get("entity", {}).get("type") == "Role":
        return "nobody"
    return "somebody"


def _asks(expression: Any) -> Asks:
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return "somebody"
    ((op, inner),) = expression.items()
    if op == "Var":
        return "somebody" if inner == "principal" else "nobody"
    if op == "Value":
        # A rule about the very words that stand for people here: then nobody stands for anybody.
        return "somebody" if inner in (SOMEBODY, HUMAN) else "nobody"
    known = _known(op, inner)
    if known is not None:
        return known
    if op == "Record" and isinstance(inner, Mapping):
        return _worst(["nobody", *map(_asks, inner.values())])
    if isinstance(inner, list):
        return _worst(["nobody", *map(_asks, inner)])
    if not isinstance(inner, Mapping) or not inner.keys() <= _PARTS:
        return "somebody"
    return _worst(["nobody", *(_asks(inner[name]) for name in _EXPRESSIONS & inner.keys())])


def _known(op: str, inner: Any) -> Asks | None:
    """The forms in which the asker may stand without being asked for; None for all others."""
    if not isinstance(inner, Mapping):
        return None
    if op == ".":
        return "nobody" if _principal(inner["left"]) and inner["attr"] in _SHARED else None
    if op in ("is", "has"):
        return "nobody" if _principal(inner["left"]) and "in" not in inner else None
    if op == "in":
        roles = inner["right"].get("Value", {})
        role = isinstance(roles, Mapping) and roles.get("__entity", {}).get("type") == "Role"
        return "nobody" if _principal(inner["left"]) and role else None
    if op in ("==", "!="):
        return _compared(op, inner["left"], inner["right"]) or _compared(op, inner["right"], inner["left"])
    return None


def _compared(op: str, one: Any, other: Any) -> Asks | None:
    """An own name beside a word of the resource; or whether there is a human behind the asker."""
    named = one.get(".", {})
    if not (named and _principal(named["left"]) and named["attr"] in _OWN):
        return None
    if named["attr"] == "on_behalf_of" and other == {"Value": ""}:
        return "nobody"
    place = other.get(".", {})
    return "own" if op == "==" and place and place["left"] == {"Var": "resource"} else None


def _principal(node: Any) -> bool:
    return bool(node == {"Var": "principal"})
