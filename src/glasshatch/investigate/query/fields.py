"""Which names a query may use for the fields of an event."""

from __future__ import annotations

import difflib
import re

from ...index.columns import FIELDS, OPEN_FIELDS, Field

ALIASES = {
    "trace": "trace_id", "span": "span_id", "session": "session_id", "request": "request_id",
    "source": "source.kind", "outcome": "outcome.status", "status": "outcome.status", "code": "outcome.code",
    "ip": "client.ip", "rule": "decision.rule", "effect": "decision.effect", "statement": "statement.text",
    "rows": "data.rows", "masked": "data.masked", "grant": "access.grant_id", "reason": "access.reason",
    "role": "actor.roles", "roles": "actor.roles", "subject": "data.subjects", "env": "resource.env",
    "class": "data.classes", "link": "links.id", "links": "links.id",
    "user": "actor", "approval": "access.approval_id",
    "namespace": "native.objectRef.namespace",
}  # fmt: skip
"""Short names people type."""

PAIRS = {"actor": ("actor.name", "actor.id"), "resource": ("resources", "resource.type")}
"""Names that look into two fields at once."""

SEVERAL = {"verb": ("attrs.verbs", "native.verb")}
"""Names for the same thing that different sources keep in different open members."""

_SCANNED = {
    "outcome.code", "outcome.reason", "access.reason", "access.ticket", "decision.reason",
    "client.user_agent",
    "statement.text", "statement.shape",
}  # fmt: skip


_PLAIN = re.compile(r"[A-Za-z_][\w.\-/]*")
_QUOTED = re.compile(r'(?<=\.)"((?:\\.|[^"\\])*)"', re.DOTALL)


def keeps_identity(name: str) -> bool:
    """Whether a field holds what redaction leaves clear: who acted, ids, times, the workforce's addresses."""
    return open_member(name) is None and name not in _SCANNED


def resolve(name: str) -> str:
    """The full name of a field, which may be unknown."""
    return ALIASES.get(name, name)


def typed(text: str) -> str:
    """The name that a text in a query stands for: what is not plain of a member's name stands in quotes."""
    return _QUOTED.sub(lambda found: re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), text)


def as_typed(name: str) -> str:
    """A field's name as it stands in a query."""
    member = open_member(name)
    if member is None or _PLAIN.fullmatch(name):
        return name
    escaped = member[1].replace("\\", "\\\\").replace('"', '\\"')
    return f'{member[0]}."{escaped}"'


def cure_of(name: str) -> str:
    """What somebody may have meant by a name that no field has."""
    if name.rstrip(".") in OPEN_FIELDS:
        root = name.rstrip(".")
        return f"name a member of it, as in {root}.path:value"
    every = [*ALIASES, *PAIRS, *SEVERAL, *FIELDS]
    if near := difflib.get_close_matches(name.lower(), every, n=1, cutoff=0.7):
        return f"did you mean {near[0]}?"
    short = name[:60]
    return (
        f"members of a source's own are named attrs.{short}, labels.{short} or native.{short};"
        " a text that holds a colon stands in quotes; docs/reference/query.md lists the fields"
    )


def known_field(name: str) -> bool:
    """Whether a query may name this field."""
    return name in FIELDS or name in PAIRS or name in SEVERAL or open_member(name) is not None


def open_member(name: str) -> tuple[str, str] | None:
    """`attrs.a.b` as its member and its path, for members with names of their own."""
    member, _, path = name.partition(".")
    return (member, path) if member in OPEN_FIELDS and path else None


def fields_of(name: str) -> tuple[Field, ...]:
    """The fields with columns that a name stands for; none for `attrs.…` and the like."""
    return tuple(FIELDS[one] for one in PAIRS.get(name, (name,)) if one in FIELDS)
