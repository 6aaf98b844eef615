"""What of an event is sealed: found by configured paths, replaced by tokens before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from ..errors import ConfigError
from ..events import Event, Scalar
from .columnnames import guess_by_name
from .engine import Finding
from .eventfields import OWN_KINDS
from .fieldpaths import Exact, Path, bound, change_at, parse_path, scalar_at, spell
from .redact import Redactor

_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,30}")
_SOURCE = re.compile(r"[a-z0-9*?][a-z0-9*?_-]*(/[^\s/]+)?")
_ANY_TEXT = "TEXT"
_ANY_SUBJECT = "SUBJECT"


class SealRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which values of a feed's events are sealed: kept in the vault under their data subject's own key.

    source: whose events, as `kind` or `kind/name`, with `*` and `?`. fields: paths to the values, such as
    `native.customer.email`, `attrs.lines[*].note` or `attrs."enduser.id"`. subject: the path of the value
    that names the data subject; without it, the sealed value names its subject itself. subject_type: the
    type of that name, as in `CUSTOMER`.

    Raises:
        ConfigError: A path is none, the source is our own, or a secret is made a subject.
    """

    source: str
    fields: tuple[str, ...]
    subject: str = ""
    subject_type: str = ""

    def __post_init__(self) -> None:
        if not _SOURCE.fullmatch(self.source):
            raise ConfigError(f"{self.source[:80]!r} is no source", key="seal.source", hint="as in json/shop")
        if self.source.partition("/")[0] in OWN_KINDS:
            raise ConfigError(
                f"events of {self.source} are not sealed", key="seal.source",
                hint="what the gateway records is redacted before it is an event",
            )  # fmt: skip
        if not self.fields:
            raise ConfigError("names no field", key="seal.fields", hint="as in native.customer.email")
        for path in (*self.fields, *filter(None, (self.subject,))):
            parse_path(path)
        if self.subject_type and (not _TYPE.fullmatch(self.subject_type) or self.subject_type == "SECRET"):
            raise ConfigError(
                "is no type of a data subject", key="seal.subject_type", hint="upper case, like CUSTOMER"
            )
        if self.subject_type and not self.subject:
            raise ConfigError("needs a subject", key="seal.subject_type", hint="say which path names it")

    def fits(self, feed: str) -> bool:
        """Whether the rule speaks of a feed, `kind/name`."""
        return fnmatchcase(feed if "/" in self.source else feed.partition("/")[0], self.source)


class Taken(msgspec.Struct, frozen=True):
    """A value that is sealed: where it stood, what it is, its subject's tokens, the current one first."""

    field: str
    value: Scalar
    names: tuple[str, ...]


class _Wish(msgspec.Struct, frozen=True):
    field: str
    value: Scalar
    text: str
    hint: str
    subject: Any
    subject_hint: str
    subject_type: str


class _Name(msgspec.Struct, frozen=True):
    """What names a data subject: where it stands, its text, and of which type it is, if that is said."""

    field: str
    text: str
    hint: str
    type: str


class Sealing:
    """Takes what is to be sealed out of events; in its place stands its token. Pure."""

    def __init__(self, rules: Sequence[SealRule], redactor: Redactor) -> None:
        self._rules = [
            (
                rule,
                [parse_path(field) for field in rule.fields],
                parse_path(rule.subject) if rule.subject else (),
            )
            for rule in rules
        ]
        self._redactor = redactor
        self._known: dict[str, list[_Fitting]] = {}

    def take(
        self, events: Sequence[Event], feed: str
    ) -> tuple[Sequence[Event], dict[int, tuple[Taken, ...]]]:
        """The events with tokens in the place of what is sealed, and what that was, by their places.

        What names a data subject becomes its token too: in clear it would outlive an erasure. The rules are
        those of the feed that brought them, whatever the events say of themselves. A value in which a secret
        is found, or that cannot be scanned, is left to redaction: secrets are never revealed.
        """
        rules = self._fitting(feed)
        if not rules:
            return events, {}
        wishes = [(_wishes(event, rules), _names(event, rules)) for event in events]
        asked = [wish for found, _ in wishes for wish in found]
        texts = [text for wish in asked for text in (wish.text, _text(wish.subject))]
        texts += [name.text for _, names in wishes for name in names]
        if not texts:
            return events, {}
        findings = self._redactor.findings(texts)
        pairs = iter(zip(findings[: 2 * len(asked) : 2], findings[1 : 2 * len(asked) : 2], strict=True))
        told = iter(findings[2 * len(asked) :])
        changed, taken = list(events), dict[int, tuple[Taken, ...]]()
        for place, (found, names) in enumerate(wishes):
            tokens = {name.field: self._named(name, next(told)) for name in names}
            judged = [(wish, self._judged(wish, *next(pairs))) for wish in found]
            sealed = {wish.field: one for wish, one in judged if one is not None}
            tokens |= {field: one[1] for field, one in sealed.items()}
            changed[place] = _replaced(events[place], rules, tokens)
            if sealed:
                taken[place] = tuple(one[0] for one in sealed.values())
        return changed, taken

    def _fitting(self, feed: str) -> list[_Fitting]:
        fitting = self._known.get(feed)
        if fitting is None:
            fitting = [one for one in self._rules if feed and one[0].fits(feed)]
            if len(self._known) < 10_000:
                self._known[feed] = fitting
        return fitting

    def _named(self, name: _Name, found: list[Finding] | None) -> str:
        """The token of what names a data subject; of what may be a secret there is none to compare."""
        type = _type_of(name.text, name.hint, found, name.type or _ANY_SUBJECT)
        return self._redactor.tokens.token(name.type or type, name.text) if type else "<SECRET>"

    def _judged(
        self, wish: _Wish, found: list[Finding] | None, told: list[Finding] | None
    ) -> tuple[Taken, str] | None:
        """What is sealed, and the token that stands in its place; None for what must not be sealed."""
        type = _type_of(wish.text, wish.hint, found, _ANY_TEXT)
        subject_type = wish.subject_type or _type_of(
            _text(wish.subject), wish.subject_hint, told, _ANY_SUBJECT
        )
        if not type or (wish.subject is not None and not subject_type):
            return None
        whose = (type, wish.text) if wish.subject is None else (subject_type, _text(wish.subject))
        names = self._redactor.tokens.lookup(*whose)
        # One of two values is told by its token, keyed or not.
        token = "<BOOLEAN>" if isinstance(wish.value, bool) else self._redactor.tokens.token(type, wish.text)
        return Taken(wish.field, wish.value, names), token


_Fitting = tuple[SealRule, list[Path], Path]
"""A rule with its paths read, and that of its subject."""

_MAX_FIELD = 200
"""A path longer than this names nothing that anybody asks for; the value is redacted as always."""


def _wishes(event: Event, rules: Sequence[_Fitting]) -> list[_Wish]:
    found: dict[str, _Wish] = {}
    for rule, paths, subject in rules:
        for path in paths:

            def note(
                exact: Exact, value: Any, rule: SealRule = rule, path: Path = path, subject: Path = subject
            ) -> Any:
                field = spell(exact)
                if field not in found and len(field) <= _MAX_FIELD:
                    whose = scalar_at(event, bound(subject, path, exact)) if subject else None
                    hint = _hint(subject) if subject else ""
                    found[field] = _wish(field, exact, value, whose, hint, rule.subject_type)
                return value

            change_at(event, path, note)
    return list(found.values())


def _names(event: Event, rules: Sequence[_Fitting]) -> list[_Name]:
    found: dict[str, _Name] = {}
    for rule, _, subject in rules:
        if subject:

            def note(exact: Exact, value: Any, rule: SealRule = rule, subject: Path = subject) -> Any:
                field = spell(exact)
                found.setdefault(field, _Name(field, _text(value), _hint(subject), rule.subject_type))
                return value

            change_at(event, subject, note)
    return list(found.values())


def _replaced(event: Event, rules: Sequence[_Fitting], tokens: dict[str, str]) -> Event:
    for _, paths, subject in rules if tokens else ():
        for path in (*paths, subject) if subject else paths:
            event = change_at(event, path, lambda exact, value: tokens.get(spell(exact), value))
    return event


def _wish(field: str, exact: Exact, value: Any, whose: Any, whose_hint: str, whose_type: str) -> _Wish:
    value = repr(value) if isinstance(value, float) else value
    return _Wish(field, value, _text(value), _hint(exact), whose, whose_hint, whose_type)


def _hint(path: Path | Exact) -> str:
    """What the names on the way say of a value; a secret's name anywhere outweighs all others."""
    told = [guess.type for part in path if isinstance(part, str) and (guess := guess_by_name(part))]
    return "SECRET" if "SECRET" in told else told[-1] if told else ""


def _type_of(text: str, hint: str, found: list[Finding] | None, otherwise: str) -> str:
    """The type of a whole value; empty for one that is or may be a secret."""
    if found is None or hint == "SECRET" or any(finding.type == "SECRET" for finding in found):
        return ""
    if len(found) == 1 and (found[0].start, found[0].end) == (0, len(text)):
        return found[0].type
    return hint or otherwise


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
