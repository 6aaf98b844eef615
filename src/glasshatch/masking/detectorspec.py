"""One `[[detector]]` of a pack: what it may say, and the detector that is made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from .detector import Detector
from .expressions import checked_regex, checked_trigger, widest
from .folding import octets
from .leads import lead_expression, lead_reach, lead_triggers, value_ahead
from .validators import validator_named

OPERATORS = ("token", "partial", "redact")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,30}")
_WINDOW_LIMIT = 16_384
_CONTEXT_REACH = 70

# A value may stand right after an escape that was never resolved: `\n4111…`.
_LEFT = r"(?:(?<![A-Za-z0-9])(?<![0-9][.,])|(?<=\\[nrt]))"
_RIGHT = r"(?![A-Za-z0-9])(?![.-][0-9])"
# What a word of `unless` takes with it: the lookalike, in one piece or in groups of digits.
_SWALLOWED = r"[(#]?[A-Za-z0-9][\w()+./:#-]*(?: \d{2,6}(?![\d-])){0,4}"


class DetectorSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One detector as a pack writes it.

    `trigger` (Hyperscan) finds candidates cheaply. Then an expression runs in Python's `re` on the window
    of `before` and `after` characters around the end of the trigger's hit, and must touch it. It is either
    `verify`, whose group `value` or else the whole match is the finding; or `value`, the value alone, to
    which the edges are added, and before it one of the words of `lead`, if there are any, which are then
    the trigger; `gap` lets so many odd characters stand between, 20 unless told where a checksum decides.
    Words of `unless` right before a value make it something else. `context` words must stand in the
    window. `digit = false`: a value may do without one.
    """

    name: str
    type: str
    verify: str = ""
    value: str = ""
    trigger: str | list[str] = ""
    keywords: list[str] = []
    lead: list[str] = []
    gap: int | None = None
    digit: bool = True
    unless: list[str] = []
    before: int | None = None
    after: int | None = None
    validator: str = ""
    context: list[str] = []
    confidence: float = 0.8
    operator: str = "token"
    examples: list[str] = []
    counter_examples: list[str] = []


def make_detector(raw: dict[str, Any]) -> Detector:
    """The detector of one table.

    Raises:
        ValueError: What is wrong with it.
        msgspec.ValidationError: A member is unknown, missing or of the wrong type.
    """
    spec = msgspec.convert(raw, DetectorSpec)
    if not _TYPE.fullmatch(spec.type):
        raise ValueError("type must be upper-case letters, digits and underscores, at most 31")
    if spec.operator not in OPERATORS:
        raise ValueError(f"operator {spec.operator!r} is not one of {', '.join(OPERATORS)}")
    verify = checked_regex(_expression(spec))
    before, after = _windows(spec, verify)
    return Detector(
        name=spec.name,
        type=spec.type,
        triggers=_triggers(spec),
        expression=verify.pattern,
        group="value" if "value" in verify.groupindex else 0,
        before=checked_window(before),
        after=checked_window(after),
        near=_near(spec.context),
        confidence=checked_confidence(spec.confidence),
        operator=spec.operator,
        examples=tuple(spec.examples),
        counter_examples=tuple(spec.counter_examples),
        validator=known_validator(spec.validator),
    )


def _expression(spec: DetectorSpec) -> str:
    if bool(spec.verify) == bool(spec.value):
        raise ValueError("a detector has either `verify` or `value`")
    if spec.verify:
        if spec.lead or spec.unless or spec.gap is not None:
            raise ValueError("`lead`, `gap` and `unless` go with `value`, not with `verify`")
        return spec.verify
    front, more = "", 1
    if spec.lead:
        ahead = value_ahead(rf"{_LEFT}(?:{spec.value}){_RIGHT}", _gap(spec))
        front, more = lead_expression(spec.lead, _gap(spec), ahead), 1 + re.compile(spec.value).groups
    found = rf"{front}{_LEFT}(?P<value>{_shifted(spec.value, more)}){_RIGHT}"
    if not spec.unless:
        return found
    lookalike = rf"{lead_expression(spec.unless)}{_SWALLOWED}"
    return f"{lookalike}|{found}"


def _gap(spec: DetectorSpec) -> int:
    """As told; else some where a checksum or a calendar decides, and none where the form alone does."""
    if spec.gap is not None:
        return spec.gap
    return _CHECKED_GAP if spec.validator.startswith("stdnum.") or spec.validator in _DECIDING else 0


_CHECKED_GAP = 20
_DECIDING = frozenset(
    {"luhn", "npi", "personnummer", "us_ssn", "imei", "birth_date", "kvnr", "de_pension", "es_social"}
)


def _shifted(value: str, more: int) -> str:
    """The value behind so many groups of ours: its own back references count that many more."""
    return re.sub(r"(?<!\\)\\([1-8])", lambda found: f"\\{int(found[1]) + more}", value)


def _triggers(spec: DetectorSpec) -> tuple[str, ...]:
    own = [spec.trigger] if isinstance(spec.trigger, str) else list(spec.trigger)
    own = [trigger for trigger in own if trigger]
    for trigger in own:
        checked_trigger(trigger)
    triggers = own + [literal(word) for word in spec.keywords]
    if not triggers and spec.lead:
        triggers = lead_triggers(spec.lead, _gap(spec), spec.digit)
    if not triggers:
        raise ValueError("a detector needs a trigger, a lead or keywords")
    return tuple(triggers)


def _windows(spec: DetectorSpec, verify: re.Pattern[str]) -> tuple[int, int]:
    """The window: as told; else wide enough for the lead and the value, or 80 characters each way."""
    before, after = spec.before, spec.after
    if spec.value:
        width = widest(spec.value, _WINDOW_LIMIT) + 3
        reach = lead_reach(spec.lead or spec.unless, _gap(spec)) if spec.lead or spec.unless else 0
        around = _CONTEXT_REACH if spec.context else 0
        before = width + max(reach, around) if before is None else before
        # After a lead alone the connection is still to come; otherwise the hit reached into the value.
        late = 40 if spec.lead and not spec.digit else around // 2
        after = width + late if after is None else after
    return 80 if before is None else before, 80 if after is None else after


def literal(word: str) -> str:
    """A word as a trigger.

    Raises:
        ValueError: It is so short that it would hit everywhere.
    """
    if len(word) < 2:
        raise ValueError("a keyword of fewer than two characters would hit everywhere")
    return "".join(f"\\x{byte:02x}" if not chr(byte).isalnum() else chr(byte) for byte in octets(word))


def checked_window(size: int) -> int:
    """A size of a window, in characters."""
    if not 0 <= size <= _WINDOW_LIMIT:
        raise ValueError(f"a window of {size} is outside 0 to {_WINDOW_LIMIT}")
    return size


def checked_confidence(value: float) -> float:
    """How sure a detector is, above 0 and at most 1."""
    if not 0 < value <= 1:
        raise ValueError("confidence must be above 0 and at most 1")
    return value


def known_validator(validator: str) -> str:
    """The name of a validator, or nothing; raises `ValueError` if there is none of that name."""
    if validator:
        validator_named(validator)
    return validator


def _near(words: Sequence[str]) -> str:
    if not words:
        return ""
    return r"(?i)(?<![a-z])(?:" + "|".join(re.escape(word) for word in words) + r")(?![a-z])"
