"""A decision of the record, made a question again: who asked, where, and what the statement meant.

The record holds no text with values. It has what policy saw of a statement as far as it is short: verbs,
risks, tables, masked columns; and the shape, out of which columns, lookups, guesses and lineage are read
anew. What hangs on a literal (such as whether a condition narrows) is a recorded risk and not read anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from ...events import Event
from ...identity import Identity
from ...policy import Ask, Grant, ResourceFacts
from ...statements import Statement, analyze

_KINDS = {
    "postgres": "sql", "mysql": "mysql", "redis": "redis", "ssh": "shell", "kubernetes": "kubectl",
    "mcp": "mcp",
}  # fmt: skip
_STATEMENTS = ("statement.run", "statement.denied", "statement.held")
_SESSIONS = ("session.opened", "session.refused")
_MOST_NAMES = 48
"""As many tables and masked columns as a session records of one statement."""
_FROM_TEXT = ("columns", "commands", "lineage_known", "masked_guesses", "masked_lookups")
_SHORTENED = " [shortened]"
_PLACE = re.compile(r"\?")


class Remembered(msgspec.Struct, frozen=True):
    """A decision as it was recorded. `ask` is None for a session's; `doubts` says what of it is not known.

    `gaps` are attributes of the context that could not be read anew.
    """

    event: Event
    actor: Identity
    resource: ResourceFacts
    ask: Ask | None
    doubts: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def remember(event: Event, grants: Sequence[Grant]) -> Remembered | str:
    """The question behind a decision of policy; or why it cannot be asked again.

    Args:
        grants: All the actor ever had; those that were in force then count.
    """
    actor, resource = event.actor, event.resource
    if actor is None or resource is None or not actor.id or actor.type == "unknown":
        return "nobody was known yet"
    if event.decision is None or event.decision.rule.startswith("gateway/"):
        return "a rule of the gateway's own decided"
    who = Identity(
        id=actor.id, tenant=event.tenant, type=actor.type, name=actor.name, roles=actor.roles,
        on_behalf_of=actor.on_behalf_of,
    )  # fmt: skip
    where = ResourceFacts(type=resource.type, name=resource.name, env=resource.env, labels=resource.labels)
    if event.action in _SESSIONS:
        return Remembered(event, who, where, None)
    statement, doubts, gaps = _statement(event, _KINDS.get(resource.type, resource.type))
    ask = Ask(
        actor=who, resource=where, statement=statement, masked=_words(event, "masked"),
        grants=tuple(map(_as_then(event.time_ns), grants)), now_ns=event.time_ns,
    )  # fmt: skip
    return Remembered(event, who, where, ask, doubts, gaps)


def is_decision(event: Event) -> bool:
    """Whether an event of a session carries a decision."""
    made = event.action in _STATEMENTS or (event.action in _SESSIONS and event.decision is not None)
    return made and event.source.kind == "gateway"


def _as_then(now_ns: int) -> Callable[[Grant], Grant]:
    """A grant as it was at that time: what was revoked later was in force."""

    def then(grant: Grant) -> Grant:
        return msgspec.structs.replace(grant, revoked_ns=0) if grant.revoked_ns > now_ns else grant

    return then


def _statement(event: Event, kind: str) -> tuple[Statement, tuple[str, ...], tuple[str, ...]]:
    recorded = Statement(
        kind=kind, verbs=_words(event, "verbs"), risks=_words(event, "risks"),
        resources=tuple(one.name for one in event.resources if one.type == "table"),
    )  # fmt: skip
    doubts = []
    if {"execute", "fetch"} & set(recorded.verbs):
        doubts.append("it ran what was prepared before")
    if len(recorded.resources) >= _MOST_NAMES or len(_words(event, "masked")) >= _MOST_NAMES:
        doubts.append("it named more tables or columns than are recorded")
    read = _read_anew(event, kind, recorded)
    if read is None:
        return recorded, tuple(doubts), _FROM_TEXT
    whole = msgspec.structs.replace(
        recorded, columns=read.columns, outputs=read.outputs, commands=read.commands, lookups=read.lookups,
        guesses=read.guesses,
    )  # fmt: skip
    return whole, tuple(doubts), ()


def _read_anew(event: Event, kind: str, recorded: Statement) -> Statement | None:
    """The meaning of the recorded shape; None if it cannot be read, or is not what was recorded."""
    shape = event.statement.shape if event.statement else ""
    if not shape or shape.endswith(_SHORTENED) or kind not in ("sql", "mysql"):
        return None
    read = analyze(kind, _PLACE.sub("'1'", shape))
    return read if read.verbs == recorded.verbs else None


def _words(event: Event, name: str) -> tuple[str, ...]:
    found = event.attrs.get(name, ())
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()
