"""Many rules at once: of each record only the rules are asked whose anchors it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import ahocorasick

from .anchors import anchors_of
from .forms import Same, SigmaRule, leaves
from .logsources import FOREIGN, Sources, applies, sources_of
from .matching import Lists, Matches, compile_form
from .records import Reader, Record

_MOST_DISPATCHES = 512
_MOST_NEEDLES = 24
_NEVER = b"\0"
"""Stands in no JSON, so that no rule at all is a no as well."""

_PLAIN = re.compile(r"[a-z0-9 ._:@*+-]+")
"""What stands in JSON as it is."""


class _Compiled:
    """A rule with what finds it. The function is made when the rule is first asked: most never are."""

    __slots__ = ("_lists", "_matches", "anchors", "rule")

    def __init__(self, rule: SigmaRule, lists: Lists) -> None:
        self.rule = rule
        self.anchors = anchors_of(rule.form)
        self._lists = lists
        self._matches: Matches | None = None

    def matches(self, record: Record) -> bool:
        if self._matches is None:
            self._matches = compile_form(self.rule.form, self._lists)
        return self._matches(record)


class _Field:
    """The anchors of one field: those of whole texts, of last parts, and of what stands inside."""

    __slots__ = ("automaton", "bases", "exact", "inside")

    def __init__(self) -> None:
        self.exact: dict[str, list[int]] = {}
        self.bases: dict[str, list[int]] = {}
        self.inside: dict[str, list[int]] = {}
        self.automaton: Any = None

    def add(self, way: str, text: str, number: int) -> None:
        where = {"is": self.exact, "base": self.bases, "has": self.inside}[way]
        where.setdefault(text, []).append(number)

    def close(self) -> None:
        if self.inside:
            self.automaton = ahocorasick.Automaton()
            for text, numbers in self.inside.items():
                self.automaton.add_word(text, numbers)
            self.automaton.make_automaton()

    def find(self, text: str, found: set[int]) -> None:
        """Add the numbers of the rules that a text may concern."""
        if numbers := self.exact.get(text):
            found.update(numbers)
        if self.bases:
            at = max(text.rfind("\\"), text.rfind("/"))
            if numbers := self.bases.get(text[at + 1 :]):
                found.update(numbers)
        if self.automaton is not None:
            for _, numbers in self.automaton.iter(text):
                found.update(numbers)


class _Dispatch:
    """The rules for the records of one set of log sources."""

    def __init__(self, compiled: Sequence[_Compiled], numbers: Sequence[int]) -> None:
        self.always = [number for number in numbers if compiled[number].anchors is None]
        self.fields: dict[str, _Field] = {}
        for number in numbers:
            for anchor in compiled[number].anchors or ():
                self.fields.setdefault(anchor.field, _Field()).add(anchor.way, anchor.text, number)
        for field in self.fields.values():
            field.close()
        self.anywhere = self.fields.pop("", None)

    def candidates(self, record: Record) -> list[int]:
        """The numbers of the rules to ask, in their order."""
        found = set(self.always)
        fields, texts = self.fields, record.texts
        for name in fields.keys() & record.values.keys():
            field, text = fields[name], texts[name]
            if text is None:
                continue
            if type(text) is str:
                field.find(text, found)
            else:
                for one in text:
                    field.find(one, found)
        if self.anywhere is not None:
            for one in record.every_text():
                self.anywhere.find(one, found)
        return sorted(found)


class RuleSet:
    """Rules, ready to be asked about records. For one thread."""

    def __init__(
        self, rules: Sequence[SigmaRule], lists: Lists | None = None, also: Iterable[str] = ()
    ) -> None:
        """lists: what rules ask for by name. also: further names that somebody will ask records for."""
        self.rules = list(rules)
        self._compiled = [_Compiled(rule, lists or {}) for rule in rules]
        self._dispatches: dict[Sources, _Dispatch] = {}
        self._needles: dict[str, tuple[bytes, ...] | None] = {}
        self._reader = Reader((*_names(rules), *also))

    def may_match(self, data: bytes, kind: str) -> bool:
        """Whether a rule may match a record of which only the JSON is at hand. To be wrong about a yes costs
        time; a no is certain.

        Args:
            kind: The kind of source it comes from; not empty.
        """
        needles = self._needles.get(kind, ())
        if needles == ():
            if len(self._needles) >= _MOST_DISPATCHES:
                self._needles.clear()
            needles = self._needles[kind] = self._needles_of(kind)
        # Beyond ASCII there are letters whose lower case is in it, as the sign of the kelvin.
        if needles is None or not data.isascii():
            return True
        text = data.lower()
        for needle in needles:  # noqa: SIM110 - a generator costs more than the search
            if needle in text:
                return True
        return False

    def _needles_of(self, kind: str) -> tuple[bytes, ...] | None:
        """Texts of which a record of a feed must hold one so that a rule can match; None for any."""
        if sources_of(Record({}, {}), kind) is not FOREIGN:
            return None
        found: set[bytes] = {_NEVER}
        for one in self._compiled:
            if not applies(one.rule.source, FOREIGN) and one.rule.source.product != "windows":
                continue
            if one.anchors is None or not all(_PLAIN.fullmatch(anchor.text) for anchor in one.anchors):
                return None
            found.update(anchor.text.encode() for anchor in one.anchors)
        if len(found) > 1:
            found.discard(_NEVER)
        return tuple(found) if len(found) <= _MOST_NEEDLES else None

    def read(self, document: dict[str, Any]) -> Record:
        """A decoded JSON object as `match` asks about it."""
        return self._reader.read(document)

    def match(self, record: Record, sources: Sources) -> list[SigmaRule]:
        """The rules that a record matches, in their order.

        Args:
            sources: What the record is about, as `sources_of` says; rules about other things are not asked.
        """
        compiled = self._compiled
        return [
            compiled[number].rule
            for number in self._dispatch(sources).candidates(record)
            if compiled[number].matches(record)
        ]

    def _dispatch(self, sources: Sources) -> _Dispatch:
        found = self._dispatches.get(sources)
        if found is None:
            if len(self._dispatches) >= _MOST_DISPATCHES:
                self._dispatches.clear()
            numbers = [number for number, rule in enumerate(self.rules) if applies(rule.source, sources)]
            found = self._dispatches[sources] = _Dispatch(self._compiled, numbers)
        return found


def _names(rules: Sequence[SigmaRule]) -> Iterator[str]:
    """Every name that a rule asks for."""
    for rule in rules:
        for leaf in leaves(rule.form):
            yield leaf.field
            if isinstance(leaf, Same):
                yield leaf.other
