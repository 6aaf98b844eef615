"""A record as rules see it: its members by dotted path, in lower case, with the value each holds.

A path goes through lists: `a.b` names the `b` of every item of `a`, and holds several values then. Members of
a canonical event have their own names, and those of `native` and `attrs` the names that their source gave
them as well, so that public rules need no mapping; where two members share a name, either may match. The same
goes for the wrappings in which Windows' events come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .numbers import plain_number

_MAX_DEPTH = 64
_MAX_NAMES = 50_000
_WRAPPINGS = (
    "native.", "attrs.", "event.eventdata.", "event.system.", "event.userdata.", "winlog.event_data.",
    "winlog.user_data.", "winlog.", "eventdata.", "system.",
)  # fmt: skip
"""Members whose members are named without them too, tried again and again from the left."""

_OTHER_NAMES = {
    "provider.#attributes.name": ("provider_name",),
    "provider.@name": ("provider_name",),
    "event_id": ("eventid",),
    "computer_name": ("computer",),
    "eventid.#text": ("eventid",),
}
"""How rules name what these writers name otherwise."""

ALWAYS_READ = frozenset(
    {"channel", "eventid", "app", "appname", "resource.name", "eventsource", "eventname", "auditid", "verb"}
)
"""Members that tell what a record is about, whether a rule asks for them or not."""


class _Name:
    """A member's place: the names asked for under which its value is found, and the members below it."""

    __slots__ = ("below", "path", "targets")

    def __init__(self, path: str, wanted: frozenset[str] | None) -> None:
        self.path = path
        every = dict.fromkeys((path, *_aliases(path)))
        self.targets = tuple(name for name in every if wanted is None or name in wanted)
        self.below: dict[str, _Name] = {}


def _aliases(path: str) -> Iterator[str]:
    """The other names of a path."""
    yield from _OTHER_NAMES.get(path, ())
    for wrapping in _WRAPPINGS:
        if path.startswith(wrapping):
            inner = path[len(wrapping) :]
            yield inner
            yield from _aliases(inner)
            return


class _Object:
    """Stands where a member has members itself: it is there, and is no text."""

    def __str__(self) -> str:
        return ""


_OBJECT = _Object()


class _Texts(dict[str, Any]):
    """The texts of values in lower case, each made when it is first asked for; None where there is none."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __missing__(self, name: str) -> Any:
        value = self._values.get(name)
        text: Any
        if type(value) is str:
            text = value.lower()
        elif type(value) is list:
            text = [as_text(one) for one in value if one is not None] or None
        else:
            text = None if value is None or value is _OBJECT else as_text(value)
        self[name] = text
        return text


class Record:
    """One record. `values` by name as they came, several as a list; `texts[name]` in lower case, or None."""

    __slots__ = ("_document", "_whole", "texts", "values")

    def __init__(self, document: dict[str, Any], values: dict[str, Any]) -> None:
        self.values = values
        self.texts = _Texts(values)
        self._document = document
        self._whole: list[str] | None = None

    def every_text(self) -> list[str]:
        """Every text of it, in lower case; what rules without a field look into."""
        if self._whole is None:
            self._whole = list(dict.fromkeys(_scalars(self._document, 0)))
        return self._whole

    def one(self, name: str) -> str:
        """The first text under a name; empty if there is none."""
        text = self.texts[name]
        return text if type(text) is str else text[0] if text else ""


def _scalars(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, (dict, list, tuple)):
        if depth < _MAX_DEPTH:
            for item in value.values() if isinstance(value, dict) else value:
                yield from _scalars(item, depth + 1)
    elif value is not None:
        yield as_text(value)


class Reader:
    """Makes records. Remembers the names it has met, so many at most; for one thread."""

    def __init__(self, wanted: Iterable[str] | None = None) -> None:
        """`wanted` are the names that will be asked for; all others are passed over. None: every name."""
        self._wanted = None if wanted is None else frozenset(wanted) | ALWAYS_READ
        self._names: dict[str, _Name] = {}
        self._count = 0

    def read(self, document: dict[str, Any]) -> Record:
        """The record of a decoded JSON object; what stands deeper than 64 levels is left out."""
        if self._count > _MAX_NAMES:
            # Names come from outside: no more than so many are remembered.
            self._names, self._count = {}, 0
        values: dict[str, Any] = {}
        self._walk(document, self._names, "", values, 0)
        return Record(document, values)

    def _walk(
        self,
        members: dict[str, Any],
        names: dict[str, _Name],
        prefix: str,
        values: dict[str, Any],
        depth: int,
    ) -> None:
        for key, value in members.items():
            name = names.get(key)
            if name is None:
                name = names[key] = _Name(prefix + str(key).lower(), self._wanted)
                self._count += 1
            # Most members hold one text, and most are not asked for.
            if type(value) is str or type(value) is int:
                for target in name.targets:
                    if target in values:
                        _add(target, value, values)
                    else:
                        values[target] = value
            else:
                self._member(value, name, values, depth)

    def _member(self, value: Any, name: _Name, values: dict[str, Any], depth: int) -> None:
        if isinstance(value, dict):
            for target in name.targets:
                values.setdefault(target, _OBJECT)
            if depth < _MAX_DEPTH:
                self._walk(value, name.below, name.path + ".", values, depth + 1)
        elif isinstance(value, (list, tuple)):
            if depth < _MAX_DEPTH:
                for item in value:
                    self._member(item, name, values, depth + 1)
        else:
            for target in name.targets:
                _add(target, value, values)


def _add(name: str, value: Any, values: dict[str, Any]) -> None:
    """One more value under a name."""
    known = values.get(name)
    if known is None or known is _OBJECT:
        values[name] = value
    elif type(known) is list:
        known.append(value)
    elif value is not None:
        values[name] = [known, value]


def as_text(value: Any) -> str:
    """A value as it is compared: in lower case, `true` and `false`, whole numbers without a fraction."""
    if type(value) is str:
        return value.lower()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return plain_number(value)
    return str(value).lower()
