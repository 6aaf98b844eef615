"""A detection rule as its author wrote it: the value, and the strict reading of one TOML document.

A rule that cannot be meant as written is refused with file, key and reason; nothing is guessed.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from ..errors import ConfigError
from .explaining import Explain, compile_explanation
from .fields import item_type, kind_of
from .matching import BadCondition, Matches, compile_match, reader_of
from .ruletests import Line, RuleTest, Table, duration_ns

RuleKind = Literal["volume", "count", "first_seen"]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{2,62}$")]
Text = Annotated[str, msgspec.Meta(min_length=3, max_length=2_000)]
Tag = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{1,60}$")]


class Learning(Table, frozen=True):
    """How much of a group must be known before a first sight of it says anything: both must be reached."""

    touches: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    period: str = "0s"


class RuleFile(Table, frozen=True):
    """Every key of a rule file."""

    id: Id
    title: Line
    description: Text
    severity: Annotated[int, msgspec.Meta(ge=0, le=6)]
    kind: RuleKind
    match: Annotated[dict[str, Any], msgspec.Meta(min_length=1)]
    group_by: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=8)]
    explanation: Line
    version: Annotated[int, msgspec.Meta(ge=1)] = 1
    enabled: bool = True
    each: Literal["", "resources", "links"] = ""
    sum: str = ""
    values: tuple[str, ...] = ()
    threshold: Annotated[int, msgspec.Meta(ge=0)] = 0
    window: str = ""
    history: str = ""
    lateness: str = "5m"
    quiet: str = "0s"
    again: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    learn: Learning = Learning()
    tags: tuple[Tag, ...] = ()
    false_positives: str = ""
    test: tuple[RuleTest, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was checked. Times are in nanoseconds; `origin` is the file it came from."""

    file: RuleFile
    origin: str
    window_ns: int
    history_ns: int
    lateness_ns: int
    quiet_ns: int
    learn_ns: int

    @property
    def id(self) -> str:
        """Its name, unique among the rules of a server."""
        return self.file.id

    @property
    def state_key(self) -> str:
        """Equal for two texts of a rule exactly if what one has remembered is of use to the other."""
        file = self.file
        shape = (file.id, file.kind, file.match, file.group_by, file.each, file.sum, file.values)
        digest = hashlib.sha256(msgspec.json.encode(shape, order="sorted")).hexdigest()
        return f"{file.id}/{digest[:16]}"

    def matcher(self) -> Matches:
        """Its conditions, compiled."""
        return compile_match(self.file.match, self.file.each)

    def explainer(self) -> Explain:
        """Its explanation, compiled."""
        return compile_explanation(self.file.explanation, self.file.each)


def parse_rule(data: bytes, origin: str) -> Rule:
    """Read the text of one rule file.

    Raises:
        ConfigError: Not TOML, an unknown key, or a rule that cannot be meant; names file and key.
    """
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", file=origin) from None
    try:
        file = msgspec.convert(document, RuleFile)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        missing = re.search(r"field `([^`]+)`", reason)
        key = ".".join(part for part in (place.strip("`."), missing[1] if missing else "") if part)
        raise ConfigError(reason, file=origin, key=key) from None
    rule = Rule(file=file, origin=origin, **dict(_durations(file, origin)))
    _check_kind(file, origin)
    _check_parts(rule, origin)
    return rule


def _durations(file: RuleFile, origin: str) -> Iterator[tuple[str, int]]:
    for name in ("window", "history", "lateness", "quiet"):
        yield f"{name}_ns", _duration(getattr(file, name) or "0s", origin, name)
    yield "learn_ns", _duration(file.learn.period, origin, "learn.period")
    for number, test in enumerate(file.test):
        for one in test.events:
            for name in ("at", "every"):
                _duration(getattr(one, name), origin, f"test[{number}].events.{name}")


def _duration(text: str, origin: str, key: str) -> int:
    try:
        return duration_ns(text)
    except ValueError as error:
        raise ConfigError(str(error), file=origin, key=key) from None


_KEYS: dict[str, tuple[set[str], set[str]]] = {
    # what a kind needs, and what would mean nothing to it
    "count": ({"threshold", "window"}, {"sum", "values", "history", "learn"}),
    "volume": ({"threshold", "window", "sum"}, {"values", "history", "learn"}),
    "first_seen": ({"values", "history"}, {"sum", "threshold", "window", "again"}),
}


def _check_kind(file: RuleFile, origin: str) -> None:
    needed, senseless = _KEYS[file.kind]
    for key in sorted(needed):
        if not getattr(file, key) or getattr(file, key) == "0s":
            raise ConfigError(f"a rule of kind {file.kind} needs it", file=origin, key=key)
    for key in sorted(senseless):
        if getattr(file, key) not in ("", (), 0, Learning()):
            raise ConfigError(f"means nothing to a rule of kind {file.kind}", file=origin, key=key)


def _check_parts(rule: Rule, origin: str) -> None:
    file = rule.file
    try:
        rule.matcher()
    except BadCondition as error:
        raise ConfigError(str(error), file=origin, key=f"match.{error.field}") from None
    try:
        rule.explainer()
    except ValueError as error:
        raise ConfigError(str(error), file=origin, key="explanation") from None
    for key in ("group_by", "values"):
        for path in getattr(file, key):
            _check_path(path, file.each, origin, key)
    if file.sum:
        _check_path(file.sum, file.each, origin, "sum")
        if kind_of(file.sum, file.each) not in ("number", "open"):
            raise ConfigError(f"{file.sum} is no number", file=origin, key="sum")
    if file.each:
        item_type(file.each)


def _check_path(path: str, each: str, origin: str, key: str) -> None:
    try:
        reader_of(path, each)
    except BadCondition as error:
        raise ConfigError(str(error), file=origin, key=key) from None
