"""Suggestions for a query that is being typed: what the grammar takes, and what the asker may see."""

from __future__ import annotations

import msgspec

from ..errors import Denied
from .expressions import Expressions
from .investigator import Investigator
from .query import SEVERAL
from .query.completion import Spot, Suggestion, as_value, field_names, spot_at
from .query.fields import fields_of, open_member
from .visibility import Visibility

MOST = 30
_NEWEST = 100_000
"""Of so many events, the newest, are values looked up: what is typed has to be answered at once."""

_LEAST_OPEN = 10_000
_VALUED = ("name", "names", "id", "ip")


class Completion(msgspec.Struct, frozen=True):
    """Suggestions for the characters `start` to `end`; looked: the field whose recorded values they tell."""

    start: int
    end: int
    items: list[Suggestion]
    expected: tuple[str, ...]
    looked: str = ""


def complete(investigator: Investigator, text: str, caret: int, visible: Visibility) -> Completion:
    """What may stand at the caret, at most thirty suggestions; of what is hidden nothing is told."""
    spot = spot_at(text, caret)
    items, looked = list(spot.fixed), ""
    if spot.field and _shows(visible, spot.field) and _has_values(spot.field):
        looked = spot.field
        items = _values(investigator, spot, visible) + items
    elif spot.names:
        names = [name for name in field_names(spot.begun) if _shows(visible, name)]
        if (member := open_member(spot.begun)) or spot.begun in ("attrs.", "labels.", "native."):
            root, begun = member or (spot.begun[:-1], "")
            if _shows(visible, f"{root}.x"):
                looked = f"{root}.{begun}*"
                names = _members(investigator, root, begun, visible)
        told = [Suggestion(name if name.endswith(".") else name + spot.suffix, "field") for name in names]
        # Behind a whole part a query goes on with an operator more often than with another field.
        goes_on = not spot.begun and any(one.text == "AND" for one in items)
        items = [*items, *told] if goes_on else [*told, *items]
    return Completion(spot.start, spot.end, items[:MOST], spot.expected, looked)


def _shows(visible: Visibility, name: str) -> bool:
    try:
        visible.check_fields([f"{name}x" if name.endswith(".") else name])
    except Denied:
        return False
    return True


def _has_values(name: str) -> bool:
    if open_member(name) or name in SEVERAL:
        return True
    return name == "severity" or any(field.kind in _VALUED for field in fields_of(name))


def _values(investigator: Investigator, spot: Spot, visible: Visibility) -> list[Suggestion]:
    where, bound = investigator.compiled(visible.query())
    write = Expressions(bound)
    begun = write.bind(spot.begun.lower())
    rows = investigator.index.select(
        "SELECT value, count() AS n FROM (SELECT"  # noqa: S608
        f" {write.values(spot.field)} AS found FROM events WHERE tenant = {{tenant:String}} AND {where}"
        f" ORDER BY time DESC LIMIT {_NEWEST}) ARRAY JOIN found AS value"
        f" WHERE position(lower(value), {begun}) > 0"
        f" GROUP BY value ORDER BY startsWith(lower(value), {begun}) DESC, n DESC, value LIMIT {MOST}",
        write.bound | {"tenant": investigator.index.tenant},
    )
    return [Suggestion(as_value(str(value)), "value", int(n)) for value, n in rows]


def _members(investigator: Investigator, root: str, begun: str, visible: Visibility) -> list[str]:
    where, bound = investigator.compiled(visible.query())
    rows = investigator.index.select(
        "SELECT name, count() AS n FROM (SELECT"  # noqa: S608
        f" mapKeys({root}) AS names FROM events WHERE tenant = {{tenant:String}} AND {where}"
        f" ORDER BY time DESC LIMIT {_LEAST_OPEN}) ARRAY JOIN names AS name"
        f" WHERE startsWith(name, {{begun:String}}) GROUP BY name ORDER BY n DESC, name LIMIT {MOST}",
        bound | {"tenant": investigator.index.tenant, "begun": begun},
    )
    return [f"{root}.{name}" for name, _ in rows if _typed(name)]


def _typed(name: str) -> bool:
    return open_member(f"attrs.{name}") is not None and as_value(name) == name and ":" not in name
