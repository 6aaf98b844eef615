"""Free text in which names are looked for by a language model: where it stands, and what replaces it. Pure.

The model runs elsewhere and may fail; whatever it did not look at becomes `[UNSCANNED]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

import msgspec

from ..errors import ConfigError
from ..events import Event
from .eventfields import OWN_KINDS
from .fieldpaths import Exact, Path, change_at, parse_path
from .tokens import UNSCANNED

NameSpan = tuple[int, int, str]
"""Start, end in characters, and the type of what stands there, as in `NAME`."""

_QUARANTINED = "intake.quarantined"
_CONTENTS = {"item", "excerpt"}
_LABEL = "ner"


class FreeTextRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which fields of a feed's events are free text, in which names are looked for.

    source: whose events, as `kind` or `kind/name`, with `*` and `?`. fields: paths to the texts, such as
    `attrs.note` or `attrs.lines[*].text`.

    Raises:
        ConfigError: A path is none, or the source is our own.
    """

    source: str
    fields: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.source.partition("/")[0] in OWN_KINDS:
            raise ConfigError(
                f"events of {self.source[:80]} have no free text of others", key="ner.texts.source",
                hint="name a feed, as in json/support",
            )  # fmt: skip
        if not self.fields:
            raise ConfigError("names no field", key="ner.texts.fields", hint="as in attrs.note")
        for path in self.fields:
            parse_path(path)

    def fits(self, feed: str) -> bool:
        """Whether the rule speaks of a feed, `kind/name`."""
        return fnmatchcase(feed if "/" in self.source else feed.partition("/")[0], self.source)


class NerSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Names in free text, found by a language model; needs `glasshatch[ner]` and an installed model.

    model: a spaCy model, by the name of its package or the path of its folder. language: the model's, as in
    en. entities: what to look for, by Presidio's names. seconds: how long a delivery waits; what was not
    looked at by then becomes [UNSCANNED]. characters: a longer text becomes [UNSCANNED]. waiting: how many
    deliveries may wait; the texts of one more become [UNSCANNED].
    """

    model: str = "en_core_web_sm"
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")] = "en"
    entities: tuple[str, ...] = ("PERSON",)
    seconds: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10
    characters: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20_000
    waiting: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 8
    texts: tuple[FreeTextRule, ...] = ()


Find = Callable[[Sequence[str]], Sequence["Sequence[NameSpan] | None"]]
"""Looks for names in texts; None for each that it could not look at."""


class FreeTexts:
    """Replaces names in the free text of events."""

    def __init__(self, rules: Sequence[FreeTextRule], find: Find, token: Callable[[str, str], str]) -> None:
        """`token` gives what stands in the place of a type and value."""
        self._rules = [(rule, [parse_path(field) for field in rule.fields]) for rule in rules]
        self._find = find
        self._token = token

    def clean(self, events: Sequence[Event], feed: str) -> list[Event]:
        """The events without the names that were found; labelled by whether all of their text was looked at.

        Texts that nobody looked at are `[UNSCANNED]`, and so is what a quarantined item held: where its free
        text was, nobody can say.
        """
        paths = [path for rule, found in self._rules if rule.fits(feed) for path in found]
        if not paths:
            return list(events)
        texts = [text for event in events for text in _texts(event, paths)]
        answers = iter(self._find(texts) if texts else ())
        return [self._cleaned(event, paths, answers) for event in events]

    def _cleaned(
        self, event: Event, paths: Sequence[Path], answers: Iterator[Sequence[NameSpan] | None]
    ) -> Event:
        if event.action == _QUARANTINED:
            unseen = dict.fromkeys(_CONTENTS & event.attrs.keys(), UNSCANNED)
            return msgspec.structs.replace(event, attrs={**event.attrs, **unseen})
        looked = True
        count = 0

        def replace(_exact: Exact, value: Any) -> Any:
            nonlocal looked, count
            if not isinstance(value, str):
                return value
            count += 1
            spans = next(answers)
            looked = looked and spans is not None
            return UNSCANNED if spans is None else self._without(value, spans)

        changed = _changed(event, paths, replace)
        if not count:
            return changed
        labels = {**changed.labels, _LABEL: "scanned" if looked else "unscanned"}
        return msgspec.structs.replace(changed, labels=labels)

    def _without(self, text: str, spans: Sequence[NameSpan]) -> str:
        parts, end = [], 0
        for start, stop, kind in sorted(spans):
            if start >= end:
                parts += [text[end:start], self._token(kind, text[start:stop])]
                end = stop
        return "".join([*parts, text[end:]])


def _changed(event: Event, paths: Sequence[Path], change: Callable[[Exact, Any], Any]) -> Event:
    for path in paths:
        event = change_at(event, path, change)
    return event


def _texts(event: Event, paths: Sequence[Path]) -> list[str]:
    found: list[str] = []

    def look(_exact: Exact, value: Any) -> Any:
        if isinstance(value, str):
            found.append(value)
        return value

    if event.action != _QUARANTINED:
        _changed(event, paths, look)
    return found
