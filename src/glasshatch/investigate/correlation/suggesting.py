"""Principals that look like actors. Likeness only suggests: nothing here makes an alias."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from ...index.columns import lower
from ..aliases import Aliases
from ..investigator import Investigator
from ..query import compile_sql
from ..visibility import Visibility

_MOST_PRINCIPALS = 5_000
_MOST = 200
_PARTS = re.compile(r"[^a-z0-9]+")
_SHORTEST = 3


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """One principal and the actor that it looks like, and what speaks for it."""

    namespace: str
    principal: str
    actor: str
    evidence: tuple[str, ...]
    events: int
    first: str
    last: str


def suggestions(
    investigator: Investigator, actors: Sequence[tuple[str, str]], visible: Visibility
) -> list[Suggestion]:
    """Principals of other systems that are no alias yet, with likely actors (each an id and a name).

    A token of the record says nothing of whom it stands for, so it is like nobody.
    """
    index = investigator.index
    where, bound = compile_sql(visible.query(), investigator.now_ns())
    rows = index.select(
        "SELECT actor_raw_namespace, actor_raw, count() AS n, min(time), max(time)"  # noqa: S608
        " FROM events WHERE tenant = {tenant:String} AND actor_raw != '' AND actor_raw NOT LIKE '<%'"
        f" AND {where} GROUP BY 1, 2 ORDER BY n DESC LIMIT {_MOST_PRINCIPALS}",
        {**bound, "tenant": index.tenant},
    )
    declared = _declared(visible.known)
    found = []
    for namespace, principal, count, first, last in rows:
        if (namespace, lower(principal)) in declared:
            continue
        for _, name in actors:
            evidence = likeness(principal, name)
            if evidence:
                found.append(Suggestion(
                    namespace=namespace, principal=principal, actor=name, evidence=evidence,
                    events=int(count), first=str(first), last=str(last),
                ))  # fmt: skip
    return found[:_MOST]


def likeness(principal: str, name: str) -> tuple[str, ...]:
    """What speaks for a principal being the actor of this name; nothing if nothing does."""
    one, other = lower(principal), lower(name)
    local, _, domain = one.partition("@")
    own, _, own_domain = other.partition("@")
    bare = local.rpartition(":")[2].rpartition("/")[2]
    evidence = []
    if one == other:
        evidence.append("the same name")
    elif bare == own and len(own) >= _SHORTEST:
        evidence.append(f"{bare!r} is the name before its domain or behind its prefix")
    elif len(own) >= _SHORTEST and own in _PARTS.split(bare):
        evidence.append(f"{own!r} is a part of the name")
    elif sorted(_PARTS.split(bare)) == sorted(_PARTS.split(own)) and len(own) >= _SHORTEST:
        evidence.append("the same parts in another order")
    if evidence and domain and domain == own_domain:
        evidence.append(f"the same domain {domain}")
    return tuple(evidence)


def _declared(known: Aliases) -> set[tuple[str, str]]:
    return {(one.namespace, lower(one.principal)) for one in known}
