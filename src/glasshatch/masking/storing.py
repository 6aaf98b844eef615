"""What the record keeps at places that stored rules name: applied to events that are redacted already.

A kept value is put back only if nothing secret is found in it, its name tells no secret, and it was scanned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..events import Event, Redaction
from .choosing import MaskingPolicy, StoredRule, each
from .columnnames import guess_by_name
from .engine import Finding
from .fieldpaths import Exact, Path, change_at, parse_path, spell
from .operators import masked
from .tokens import TOKEN, Tokens

Find = Callable[[Sequence[str]], list[list[Finding] | None]]


class Places:
    """The places that stored rules name, for each feed."""

    def __init__(self, policy: MaskingPolicy) -> None:
        self._rules = [
            (rule, parse_path(path)) for rule in policy.stored if rule.path for path in each(rule.path)
        ]
        self._known: dict[str, tuple[tuple[StoredRule, Path], ...]] = {}

    def of(self, feed: str) -> tuple[tuple[StoredRule, Path], ...]:
        """The rules with their places for the events of a feed, `kind/name`."""
        known = self._known.get(feed)
        if known is None:
            known = tuple(one for one in self._rules if one[0].comes_from(feed))
            if len(self._known) < 10_000:
                self._known[feed] = known
        return known


def settled(
    before: Event, after: Event, rules: Sequence[tuple[StoredRule, Path]], find: Find, tokens: Tokens
) -> Event:
    """The redacted event with what its rules say at their places; the first rule for a place decides."""
    wanted: dict[str, tuple[StoredRule, Exact, Any]] = {}
    for rule, path in rules:

        def note(exact: Exact, value: Any, rule: StoredRule = rule) -> Any:
            wanted.setdefault(spell(exact), (rule, exact, value))
            return value

        change_at(before, path, note)
    found = find([str(value) for _, _, value in wanted.values()])
    counts = Counter(after.redaction.counts if after.redaction else {})
    for (rule, exact, value), one in zip(wanted.values(), found, strict=True):
        type = _type(rule, exact, one)
        if one is None or type == "SECRET":
            continue
        shown = value if rule.operator == "keep" else masked(rule.chosen("stored"), type, str(value), tokens)
        shown = f"<{type}>" if shown is None else shown
        after = _put(after, exact, shown, type, rule.operator == "keep", counts)
    redaction = msgspec.structs.replace(
        after.redaction or Redaction(), counts=dict(sorted((+counts).items()))
    )
    return msgspec.structs.replace(after, redaction=redaction)


def _put(event: Event, exact: Exact, shown: Any, type: str, kept: bool, counts: Counter[str]) -> Event:
    def put(_exact: Exact, old: Any) -> Any:
        counts.subtract(_tokens_in(old))
        counts.update(_tokens_in(shown) or ([] if kept else [type]))
        return shown

    return change_at(event, exact, put)


def _tokens_in(value: Any) -> list[str]:
    return [match[1] for match in TOKEN.finditer(str(value))]


def _type(rule: StoredRule, exact: Exact, found: list[Finding] | None) -> str:
    """What a value is: a secret if anything says so, else what the rule, a finding or its name says."""
    told = [guess.type for part in exact if isinstance(part, str) and (guess := guess_by_name(part))]
    if "SECRET" in told or any(one.type == "SECRET" for one in found or ()):
        return "SECRET"
    named = each(rule.type)
    if len(named) == 1 and named[0].isidentifier():
        return named[0]
    return found[0].type if found else told[-1] if told else "TEXT"
