"""A query without personal literals: as it may be kept, and as it finds what was recorded."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from .fields import keeps_identity, open_member
from .stages import Order, Pipeline, Stats
from .tree import And, Compare, Exists, Match, Not, Or, Query, Word

Redact = Callable[[str], str]


def redacted(query: Query, redact: Redact, keeps: Callable[[Query], bool] = lambda leaf: False) -> Query:
    """The tree with every literal redacted, as it may be recorded. Its depth is bounded, so recursion is.

    Args:
        keeps: Which leaves stay as they are, where the query is kept to be asked again.
    """
    return _each(query, lambda leaf: leaf if keeps(leaf) else _clean(leaf, redact))


def findable(query: Query, redact: Redact, *older: Redact) -> Query:
    """The tree that finds what the typed one means in a redacted record.

    Texts were redacted before they were recorded, so what is looked for in them is too. Who acted, and on
    what, stays clear in the record (unless nobody vouched for it), so such fields are asked for both; a
    word that would be redacted can also be the name of an actor.

    Args:
        older: How the same was redacted under earlier token keys: what was recorded then is found too.
    """

    def meant(leaf: Query) -> Query:
        ways = dict.fromkeys(_meant(leaf, one) for one in (redact, *older))
        return next(iter(ways)) if len(ways) == 1 else Or(tuple(ways))

    return _each(query, meant)


def _each(query: Query, change: Callable[[Query], Query]) -> Query:
    match query:
        case Not(part):
            return Not(_each(part, change))
        case And(parts):
            return And(tuple(_each(part, change) for part in parts))
        case Or(parts):
            return Or(tuple(_each(part, change) for part in parts))
        case _:
            return change(query)


def _clean(leaf: Query, redact: Redact) -> Query:
    match leaf:
        case Word(text, quoted):
            return Word(redact(text), quoted)
        case Match(field, value, quoted):
            return Match(_named(field, redact), redact(value), quoted)
        case Compare(field, operator, value) if not keeps_identity(field):
            return Compare(_named(field, redact), operator, redact(value))
        case Exists(field):
            return Exists(_named(field, redact))
        case _:
            return leaf


def stages_redacted(pipeline: Pipeline, redact: Redact) -> Pipeline:
    """The stages with every name of an open member redacted: such names come from sources, as values do."""

    def named(name: str) -> str:
        return _named(name, redact)

    stats = pipeline.stats
    if stats is None:
        order = tuple(Order(named(one.column), one.descending) for one in pipeline.order)
        return replace(pipeline, order=order, fields=tuple(map(named, pipeline.fields)))
    groups = tuple(replace(one, field=named(one.field)) for one in stats.groups)
    made = tuple(replace(one, field=named(one.field)) for one in stats.aggregates)
    clean = Stats(made, groups)
    names = dict(zip(stats.columns, clean.columns, strict=True))
    order = tuple(Order(names[one.column], one.descending) for one in pipeline.order)
    return replace(pipeline, stats=clean, order=order)


def _named(field: str, redact: Redact) -> str:
    member = open_member(field)
    return f"{member[0]}.{redact(member[1])}" if member else field


def _meant(leaf: Query, redact: Redact) -> Query:
    clean = _clean(leaf, redact)
    if clean == leaf:
        return leaf
    match leaf:
        case Word(text, _):
            return Or((clean, Match("actor", text, True)))
        case Match(field, _, _) if field in ("time", "observed_time", "client.ip"):
            return leaf
        case Match(field, _, _) if keeps_identity(field):
            return Or((leaf, clean))
        case _:
            return clean
