"""One `[[rules]]` of a pack: a secret's rule as gitleaks writes it, and the detector that is made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from .detector import Detector
from .detectorspec import checked_confidence, checked_window, known_validator, literal
from .expressions import checked_regex, checked_trigger, portable
from .needed import SHORTEST, needed_words

_SECRET_WINDOW = (160, 512)


class Allowlist(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """Values that are no secrets, as gitleaks writes it: one of its members must hold, with `AND` each.

    Paths and commits speak of repositories, so a list that needs them (`condition = "AND"`) never
    applies to a text.
    """

    regexes: list[str] = []
    stopwords: list[str] = []
    paths: list[str] = []
    commits: list[str] = []
    condition: str = "OR"
    regexTarget: str = "secret"


class RuleSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """One secret rule in gitleaks' shape; a rule without `regex` (paths only) is not for text.

    Of our own are `validator`, `confidence`, the window, the examples, and `trigger`: Hyperscan expressions
    that stand in for the keywords where those are so short that they are everywhere.
    """

    id: str
    regex: str = ""
    description: str = ""
    keywords: list[str] = []
    trigger: list[str] = []
    entropy: float = 0.0
    secretGroup: int = 0
    validator: str = ""
    confidence: float = 0.9
    before: int = _SECRET_WINDOW[0]
    after: int = _SECRET_WINDOW[1]
    examples: list[str] = []
    counter_examples: list[str] = []
    allowlists: list[Allowlist] = []
    allowlist: Allowlist = Allowlist()


def global_allowlists(document: dict[str, Any]) -> list[Allowlist]:
    """The allowlists that a file of rules sets for all of them.

    Raises:
        msgspec.ValidationError: Names the member that is wrong.
    """
    raw = [*document.get("allowlists", []), document.get("allowlist", {})]
    return msgspec.convert([one for one in raw if "targetRules" not in one], list[Allowlist])


def make_secret_detector(raw: dict[str, Any], everywhere: Sequence[Allowlist]) -> Detector | None:
    """The detector of one rule; None for a rule about paths.

    Raises:
        ValueError: What is wrong with it.
        msgspec.ValidationError: A member is missing or of the wrong type.
    """
    rule = msgspec.convert(raw, RuleSpec)
    if not rule.regex:
        return None
    verify = checked_regex(portable(rule.regex))
    # gitleaks: without secretGroup, the first group that took part is the secret.
    group = rule.secretGroup or (1 if verify.groups else 0)
    if group > verify.groups:
        raise ValueError(f"secretGroup {group} is more than the {verify.groups} groups of the regex")
    return Detector(
        name=rule.id,
        type="SECRET",
        triggers=_triggers(rule, verify.pattern),
        expression=verify.pattern,
        group="value" if "value" in verify.groupindex else group,
        before=checked_window(rule.before),
        after=checked_window(rule.after),
        near="",
        confidence=checked_confidence(rule.confidence),
        operator="redact",
        examples=tuple(rule.examples),
        counter_examples=tuple(rule.counter_examples),
        validator=known_validator(rule.validator),
        least_entropy=rule.entropy,
        allowed=_allowed([*rule.allowlists, rule.allowlist, *everywhere]),
    )


def _triggers(rule: RuleSpec, regex: str) -> tuple[str, ...]:
    for trigger in rule.trigger:
        checked_trigger(trigger)
    if rule.trigger:
        return tuple(rule.trigger)
    words = rule.keywords or needed_words(regex)
    if not words:
        raise ValueError(
            f"a secret rule needs keywords, or a word of {SHORTEST} letters in its regex: it is its trigger"
        )
    return tuple(literal(word) for word in words)


def _allowed(lists: Sequence[Allowlist]) -> str:
    """What lets a value pass as no secret, as one expression; empty if nothing does."""
    parts = []
    for entry in lists:
        if entry.condition.upper() == "AND" and (entry.paths or entry.commits):
            continue
        # A list about the whole match or line is read as one about the secret: it then allows less, which
        # errs on the side of hiding.
        values = [f"(?:{portable(regex)})" for regex in entry.regexes]
        words = [rf"(?i:{re.escape(word)})" for word in entry.stopwords]
        if entry.condition.upper() == "AND" and values and words:
            both = "".join(rf"(?=[\s\S]*(?:{'|'.join(one)}))" for one in (values, words))
            values, words = [rf"\A{both}"], []
        parts += values + words
    return checked_regex("|".join(parts)).pattern if parts else ""
