"""Which operator a value gets: rules by resource, place, type, role and purpose; the first that fits decides.

What people may see (`rules`) and what the record may keep (`stored`) are chosen apart: nothing is stored in
clear because of who asked, so a stored rule knows neither roles nor purposes.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError
from .dates import Coarse
from .fieldpaths import parse_path
from .operators import NOT_SEALED, Chosen, Operator, check_operator, check_secret, check_settings

Some = str | tuple[str, ...]
"""One pattern or several, of which one must fit; none at all means that it does not matter."""

_STORED = ("token", "redact", "null", "partial", "bucket", "keep")
_TYPE = re.compile(r"[A-Z*?][A-Z0-9_*?]{0,30}")
_FORMAT = 1
_MANY = 20_000


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every rule says: an operator for types, with its settings."""

    operator: Operator
    type: Some = ()
    bucket: int = 10
    every: Coarse = "year"
    days: int = 365
    day_first: bool = True

    def chosen(self, because: str) -> Chosen:
        """The operator with its settings."""
        return Chosen(self.operator, because, self.bucket, self.every, self.days, self.day_first)

    def speaks_of(self, type: str) -> bool:
        """Whether values of a type are meant; a secret is only where it is named."""
        if type == "SECRET":
            return "SECRET" in each(self.type)
        return _fits(self.type, type)

    def check(self, where: str) -> None:
        """Refuse what cannot be meant; raises `ConfigError`."""
        check_operator(self.operator, where)
        check_settings(self.bucket, self.days, where)
        for type in each(self.type):
            if not _TYPE.fullmatch(type):
                raise ConfigError(f"{type[:40]!r} is no type", key=where, hint="upper case, like EMAIL")
        if "SECRET" in each(self.type):
            check_secret(self.operator, where)


class MaskRule(_Rule, frozen=True):
    """Which operator people meet. Conditions that are given must all fit; of several patterns, one must.

    resource: `postgres/orders` or `orders`. column: `schema.table.column`. path: members of a JSON document,
    as in `address.street`. type: the type of the value, as in `EMAIL`. role: the actor has it. purpose: the
    grant was given for it. All but `role` and `purpose` take `*` and `?`.

    Raises:
        ConfigError: There is no such operator or type, or a secret would be shown.
    """

    resource: Some = ()
    column: Some = ()
    path: Some = ()
    role: Some = ()
    purpose: Some = ()

    def __post_init__(self) -> None:
        where = f"masking.rules ({self.operator})"
        self.check(where)
        if self.operator == "seal":
            raise ConfigError(NOT_SEALED, key=where, hint="token here; [[seal]] keeps values of feeds")
        if not any((self.resource, self.column, self.path, self.type, self.role, self.purpose)):
            raise ConfigError("speaks of everything", key=where, hint='say so with type = "*"')

    def may_meet(self, resource: str) -> bool:
        """Whether it speaks of a resource, `type/name`."""
        return _fits(self.resource, resource) or _fits(self.resource, resource.partition("/")[2])

    def meant_for(self, roles: Collection[str], purpose: str) -> bool:
        """Whether it speaks of somebody with these roles and this purpose."""
        return (not self.role or not set(each(self.role)).isdisjoint(roles)) and (
            not self.purpose or (bool(purpose) and purpose in each(self.purpose))
        )

    def fits(self, type: str, column: str, path: str) -> bool:
        """Whether it speaks of a value of this type in this place; an unknown place fits no pattern."""
        return self.speaks_of(type) and _stands(self.column, column) and _stands(self.path, path)


class StoredRule(_Rule, frozen=True):
    """What the record keeps of a value. Knows no roles: the record is the same for everybody.

    source: whose events, as `kind` or `kind/name`, with `*` and `?`. path: where in an event, as in
    `native.order.city` or `attrs.lines[*].note`. type: the type of the value; with a path, what it is. role,
    purpose: refused.

    Raises:
        ConfigError: There is no such operator, type or path, or a secret would be kept.
    """

    source: Some = ()
    path: Some = ()
    role: Some = ()
    purpose: Some = ()

    def comes_from(self, feed: str) -> bool:
        """Whether it speaks of the events of a feed, `kind/name`."""
        return not self.source or any(
            fnmatchcase(feed if "/" in pattern else feed.partition("/")[0], pattern)
            for pattern in each(self.source)
        )

    def fits(self, type: str, column: str, path: str) -> bool:
        """Whether it speaks of all values of this type, wherever they stand."""
        return not self.path and self.speaks_of(type)

    def __post_init__(self) -> None:
        where = f"masking.stored ({self.operator})"
        self.check(where)
        if self.role or self.purpose:
            raise ConfigError(
                "nothing is stored in clear because of who asked", key=where, hint="remove role and purpose"
            )
        if self.operator not in _STORED:
            raise ConfigError(
                f"{self.operator} is nothing for the record: it must show that something was taken out",
                key=where, hint="token, redact, partial, bucket or keep; [[seal]] seals values of feeds",
            )  # fmt: skip
        if not (self.type or self.path):
            raise ConfigError("speaks of everything", key=where, hint="give a type or a path")
        for path in each(self.path):
            parse_path(path)
        if (
            self.operator == "keep"
            and not self.path
            and any(type.strip("*?") == "" for type in each(self.type))
        ):
            raise ConfigError("would keep everything in clear", key=where, hint="name the types or the paths")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    rules: tuple[MaskRule, ...] = ()
    stored: tuple[StoredRule, ...] = ()


class MaskingPolicy:
    """The rules in their order. It never changes; any thread may ask it."""

    def __init__(self, rules: Sequence[MaskRule] = (), stored: Sequence[StoredRule] = ()) -> None:
        self.rules = tuple(rules)
        self.stored = tuple(stored)
        self._views: dict[Any, MaskingView] = {}
        text = msgspec.json.encode([self.rules, self.stored], order="sorted")
        self.hash = hashlib.sha256(text).hexdigest()
        """Of the rules as they were read; equal rules have equal hashes."""

    @classmethod
    def load(cls, file: Path) -> MaskingPolicy:
        """Read a policy from a file of its own: `format = 1`, `[[rules]]`, `[[stored]]`.

        Raises:
            ConfigError: Names the file, the key and the cure.
        """
        return cls(*_read(file))

    def operator_for(
        self, *, resource: str = "", column: str = "", path: str = "", type: str = "",
        roles: Collection[str] = (), purpose: str = "", default: Operator = "token",
    ) -> Chosen:  # fmt: skip
        """The operator for one value: of the first rule that fits, else `default`.

        Args:
            resource: `type/name`.
            column: `schema.table.column`, if it is known.
            path: Its place in a document, as in `address.street`, if it stands in one.
            type: Its type; empty if nothing is known of it.
        """
        view = self.view(resource=resource, roles=roles, purpose=purpose)
        return view.operator_for(type, column=column, path=path) or Chosen(_allowed(type, default), "default")

    def view(
        self, *, resource: str = "", roles: Collection[str] = (), purpose: str = ""
    ) -> MaskingView:  # fmt: skip
        """What somebody with these roles and this purpose meets at a resource; cheap to ask for again."""
        key = (resource, frozenset(roles), purpose)
        view = self._views.get(key)
        if view is None:
            fitting = [
                (place, rule)
                for place, rule in enumerate(self.rules)
                if rule.may_meet(resource) and rule.meant_for(roles, purpose)
            ]
            view = MaskingView(fitting)
            if len(self._views) < _MANY:
                self._views[key] = view
        return view

    def stored_view(self, feed: str = "") -> MaskingView:
        """What the record keeps of the events of a feed, `kind/name`, by type."""
        key = ("stored", feed)
        view = self._views.get(key)
        if view is None:
            view = MaskingView(
                [(at, rule) for at, rule in enumerate(self.stored) if not rule.path and rule.comes_from(feed)]
            )
            if len(self._views) < _MANY:
                self._views[key] = view
        return view

    def stored_views(self) -> list[MaskingView]:
        """Every way in which the record keeps values by type: of most feeds, and of each that is named."""
        feeds = dict.fromkeys(feed for rule in self.stored for feed in each(rule.source))
        return [self.stored_view(), *map(self.stored_view, feeds)]

    def may_mask(self, resource: str, column: str, type: str = "") -> bool:
        """Whether anybody at all meets a rule that masks this column, so that it has to be traced."""
        return any(
            rule.operator != "keep" and rule.may_meet(resource) and rule.fits(type, column, "")
            for rule in self.rules
        )


class MaskingView:
    """A policy as one actor meets it at one resource."""

    def __init__(self, rules: Sequence[tuple[int, MaskRule | StoredRule]] = ()) -> None:
        self._rules = tuple(rules)
        self._known: dict[tuple[str, str, str], Chosen | None] = {}
        self.has_paths = any(isinstance(rule, MaskRule) and rule.path for _, rule in rules)
        """Whether a rule speaks of places inside documents."""

    @property
    def empty(self) -> bool:
        """Whether no rule speaks of this actor here."""
        return not self._rules

    def operator_for(self, type: str, *, column: str = "", path: str = "") -> Chosen | None:
        """The operator of the first rule that fits; None if none does, and the default holds."""
        if not self._rules:
            return None
        key = (type, column, path)
        if key in self._known:
            return self._known[key]
        found = next(
            (
                rule.chosen(f"masking rule {place + 1}")
                for place, rule in self._rules
                if rule.fits(type, column, path)
            ),
            None,
        )
        if len(self._known) < _MANY:
            self._known[key] = found
        return found

    def masks(self, column: str, type: str) -> bool:
        """Whether a rule masks this column for whoever meets these."""
        chosen = self.operator_for(type, column=column)
        return chosen is not None and chosen.operator != "keep"

    def placed(self, type: str, *, column: str, path: str) -> Chosen | None:
        """The operator for a whole value in a document, if a rule with a path is the first that fits it."""
        for number, rule in self._rules:
            if rule.fits(type, column, path):
                return rule.chosen(f"masking rule {number + 1}") if rule.path else None
        return None


NOBODY = MaskingView()
"""Meets no rule: what a value gets is the default."""


def _allowed(type: str, default: Operator) -> Operator:
    return "redact" if type == "SECRET" and default != "null" else default


def each(some: Some) -> tuple[str, ...]:
    """The patterns of a member that may hold one or several."""
    return (some,) if isinstance(some, str) else some


def _fits(patterns: Some, value: str) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in each(patterns))


def _stands(patterns: Some, place: str) -> bool:
    return not patterns or (
        bool(place) and any(fnmatchcase(place.lower(), pattern.lower()) for pattern in each(patterns))
    )


def _read(file: Path) -> tuple[tuple[MaskRule, ...], tuple[StoredRule, ...]]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        read = msgspec.convert(raw, _File)
    except FileNotFoundError:
        raise ConfigError("there is no such file", file=str(file), hint="a masking policy in TOML") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=str(file)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not TOML: {error}", file=str(file)) from None
    except msgspec.ValidationError as error:
        what, _, where = str(error).replace("`", "").partition(" - at $.")
        raise ConfigError(
            what, file=str(file), key=where, hint="docs/concepts/masking.md says what rules are"
        ) from None
    except ConfigError as error:
        # A rule that knows what it may hold, and not which file it stands in.
        raise ConfigError(error.message, file=str(file), hint=error.hint) from None
    if read.format != _FORMAT:
        raise ConfigError(
            f"has format {read.format}", file=str(file), key="format", hint=f"format = {_FORMAT}"
        )
    return read.rules, read.stored
