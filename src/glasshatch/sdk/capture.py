"""What to record of which action, at what level: the capture policy of an application.

    version = 1
    window = "60s"

    [[rule]]
    actions = ["page.viewed", "cache.*"]
    level = "sample"
    rate = 0.01

The first rule whose pattern fits an action counts; an action that no rule names is recorded whole. Failures
are recorded whole unless the rule says `failures = "same"`. What is counted, sampled away or left off is
itself counted and recorded at the end of each window.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..errors import ConfigError

Level = Literal["full", "counts", "sample", "off"]

_SECOND_NS = 1_000_000_000
_UNITS_NS = {"ms": 1_000_000, "s": _SECOND_NS, "m": 60 * _SECOND_NS, "h": 3_600 * _SECOND_NS}
_DURATION = re.compile(r"([0-9]{1,6})(ms|s|m|h)")
_FULL_RANGE = 1 << 56


class _RuleText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actions: list[str]
    level: Level = "full"
    rate: float = 1.0
    coalesce: str = ""
    failures: Literal["full", "same"] = "full"


class _PolicyText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1] = 1
    window: str = "60s"
    rule: list[_RuleText] = []


class Rule(msgspec.Struct, frozen=True):
    """What is done with an action.

    Attributes:
        rate: Of `sample`, which share of traces is recorded.
        coalesce_ns: Within how long repeats become one event; 0 for never.
        failures_too: Whether failures are treated so as well; otherwise they are recorded whole.
        plain: Whether there is nothing to do but to record.
    """

    level: Level = "full"
    rate: float = 1.0
    coalesce_ns: int = 0
    failures_too: bool = False
    patterns: tuple[str, ...] = ()
    plain: bool = False

    def picks(self, trace_id: str, chance: float) -> bool:
        """Whether a trace is among the sampled ones.

        The same for every program with the same rate, as by W3C Trace Context level 2: the rightmost 56 bits
        of the trace id are its random number. Without a trace `chance`, from 0 to 1, decides.
        """
        try:
            return int(trace_id[-14:], 16) >= int((1 - self.rate) * _FULL_RANGE)
        except ValueError:
            return chance < self.rate


WHOLE = Rule(plain=True)


class Capture:
    """A policy of rules. It never changes; a changed file makes another one."""

    def __init__(
        self, rules: tuple[Rule, ...] = (), window_ns: int = 60 * _SECOND_NS, digest: str = ""
    ) -> None:
        self._rules = rules
        self._known: dict[str, Rule] = {}
        self.window_ns = window_ns
        self.digest = digest

    @classmethod
    def of(cls, given: Mapping[str, Any] | str | Path | None) -> Capture:
        """From a TOML file, or from a mapping of the same form; None records everything whole.

        Raises:
            ConfigError: It cannot be read or understood; says which key, and the cure.
        """
        if given is None:
            return cls()
        if isinstance(given, Mapping):
            return _built(dict(given), "", hashlib.sha256(msgspec.json.encode(given, order="deterministic")))
        import tomllib

        try:
            data = Path(given).read_bytes()
            return _built(tomllib.loads(data.decode()), str(given), hashlib.sha256(data))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot be read: {type(error).__name__}", file=str(given)) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"is no TOML: {error}", file=str(given)) from None

    def rule(self, action: str) -> Rule:
        """What is done with an action."""
        known = self._known.get(action)
        if known is None:
            fitting = (rule for rule in self._rules if any(fnmatchcase(action, one) for one in rule.patterns))
            known = next(fitting, WHOLE)
            if len(self._known) < 10_000:  # names of actions are few, unless a program makes them up
                self._known[action] = known
        return known


def _built(text: dict[str, Any], file: str, digest: Any) -> Capture:
    try:
        policy = msgspec.convert(text, _PolicyText)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"the capture policy is not understood: {error}",
            file=file,
            hint="see docs/guides/capture-policy.md",
        ) from None
    rules = tuple(_rule(rule, f"rule {number}", file) for number, rule in enumerate(policy.rule, 1))
    return Capture(rules, _duration(policy.window, "window", file), digest.hexdigest())


def _rule(text: _RuleText, key: str, file: str) -> Rule:
    if not text.actions:
        raise ConfigError("names no action", key=key, file=file, hint='actions = ["page.*"]')
    if not 0 <= text.rate <= 1:
        raise ConfigError("a rate is from 0 to 1", key=f"{key}: rate", file=file)
    if text.level != "sample" and text.rate != 1:
        raise ConfigError("a rate is for a level of sample", key=f"{key}: rate", file=file)
    coalesce_ns = _duration(text.coalesce, f"{key}: coalesce", file) if text.coalesce else 0
    if coalesce_ns and text.level not in ("full", "sample"):
        raise ConfigError("coalesce is for full and sample", key=f"{key}: coalesce", file=file)
    plain = text.level == "full" and not coalesce_ns
    return Rule(text.level, text.rate, coalesce_ns, text.failures == "same", tuple(text.actions), plain)


def _duration(text: str, key: str, file: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise ConfigError(
            "is no length of time", key=key, file=file, hint='write "500ms", "10s", "5m" or "1h"'
        )
    return int(found[1]) * _UNITS_NS[found[2]]
