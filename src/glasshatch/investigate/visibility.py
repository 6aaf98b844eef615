"""Whose eyes a question is asked with: which events they see, and which fields they may ask about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ..errors import Denied
from .aliases import NOBODY, Aliases
from .query import SEVERAL, And, Everything, Not, Or, Query, Word
from .query.fields import open_member, resolve

FIELDS_OF = {
    "statement": ("statement.", "attrs.", "native."),
    "subjects": ("data.subjects",),
    "client": ("client.",),
    "detail": ("attrs.", "labels.", "native."),
}
"""How the names of fields begin that belong to a class of fields."""


class Visibility(msgspec.Struct, frozen=True):
    """By default nothing is seen.

    Attributes:
        within: What every question is joined with.
        hidden: Classes of fields that no question may name.
        known: By which aliases they know actors.
    """

    within: Query = Or(())
    hidden: tuple[str, ...] = ()
    known: Aliases = NOBODY

    def query(self) -> Query:
        """As a part that every question is joined with."""
        return self.within

    def check(self, query: Query) -> None:
        """Refuse a question whose answer would tell what is hidden.

        Raises:
            Denied: It looks into such a field, or for a word in all of them.
        """
        if self.hidden:
            for leaf in _leaves(query):
                if isinstance(leaf, Word):
                    raise self._refused(
                        "a word is looked for in all fields", "name a field, as in actor:alice"
                    )
                self.check_fields([getattr(leaf, "field", "")])

    def check_fields(self, names: Iterable[str]) -> None:
        """Refuse to tell anything by these fields; raises `Denied`."""
        if not self.hidden:
            return
        for name in names:
            for one in _every(resolve(name)):
                if any(f"{one}.".startswith(begin) or one == begin for begin in self._beginnings()):
                    raise self._refused(f"{name} is a field", "ask about another field")

    def _beginnings(self) -> list[str]:
        return [begin for name in self.hidden for begin in FIELDS_OF[name]]

    def _refused(self, what: str, cure: str) -> Denied:
        hidden = ", ".join(self.hidden)
        return Denied(f"{what} of which you may not see: {hidden}", hint=f"{cure}; glasshatch access show")


def _every(name: str) -> tuple[str, ...]:
    """A field's full names: some stand for several."""
    return SEVERAL.get(name, (name,)) if open_member(name) is None else (name,)


def _leaves(query: Query) -> Iterator[Query]:
    match query:
        case Everything():
            return
        case Not(part):
            yield from _leaves(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _leaves(part)
        case _:
            yield query
