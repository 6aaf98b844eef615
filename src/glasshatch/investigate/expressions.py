"""The value of a field as SQL and as Python: as a text to group by and to show, as a number to sum up.

Both say the same of an event, so that a table over the index and one over events in hand agree.
"""

from __future__ import annotations

from ..events import Event
from ..index.columns import as_text, flat
from .query import SEVERAL
from .query.fields import fields_of, open_member
from .query.sql import Parameter
from .query.values import DECIMAL


class Expressions:
    """Writes SQL; what comes from a query is bound to parameters of its own names."""

    def __init__(self, bound: dict[str, Parameter], prefix: str = "x") -> None:
        self.bound = bound
        self._prefix = prefix

    def bind(self, value: Parameter) -> str:
        """The parameter that stands for this value."""
        name = f"{self._prefix}{len(self.bound)}"
        self.bound[name] = value
        kind = "String" if isinstance(value, str) else "Int64" if isinstance(value, int) else "Float64"
        return f"{{{name}:{kind}}}"

    def text(self, name: str) -> str:
        """A field's values in one text."""
        if name in SEVERAL:
            every = ", ".join(self.text(one) for one in SEVERAL[name])
            return f"arrayStringConcat(arrayFilter(x -> x != '', [{every}]), ', ')"
        if name == "actor":
            return "if(actor_name != '', actor_name, actor_id)"
        if member := open_member(name):
            return f"arrayStringConcat({member[0]}[{self.bind(member[1])}], ', ')"
        field = fields_of(name)[0]
        if field.kind == "names":
            return f"arrayStringConcat({field.column}, ', ')"
        return f"toString({field.column})" if field.kind in ("number", "time") else field.column

    def values(self, name: str) -> str:
        """A field's values one by one, in an array of texts; an empty one is none."""
        if member := open_member(name):
            return f"arrayFilter(x -> x != '', {member[0]}[{self.bind(member[1])}])"
        if name != "actor" and name not in SEVERAL and fields_of(name)[0].kind == "names":
            return f"arrayFilter(x -> x != '', {fields_of(name)[0].column})"
        return f"arrayFilter(x -> x != '', [{self.text(name)}])"

    def numbers(self, name: str) -> str:
        """The numbers among an open member's values, in an array."""
        member = open_member(name)
        assert member is not None
        every, fits = f"{member[0]}[{self.bind(member[1])}]", self.bind(f"^{DECIMAL}$")
        return f"arrayMap(x -> toFloat64(x), arrayFilter(x -> match(x, {fits}), {every}))"


def text_of(event: Event, name: str) -> str:
    """A field's values in one text, as `Expressions.text` has it."""
    if name in SEVERAL:
        return ", ".join(filter(None, (text_of(event, one) for one in SEVERAL[name])))
    if name == "actor":
        return (event.actor.name or event.actor.id) if event.actor else ""
    if member := open_member(name):
        return ", ".join(flat(getattr(event, member[0])).get(member[1], ()))
    field = fields_of(name)[0]
    value = field.read(event)
    return ", ".join(value) if field.kind == "names" else as_text(value)
