"""Detectors are data: read from packs, checked line by line, refused with file, line and reason."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError
from .expressions import checked_regex, checked_trigger, portable
from .validators import VALIDATORS, entropy

PACK_FORMAT = 1
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,30}")
_OPERATORS = ("token", "partial", "redact")
_WINDOW_LIMIT = 16_384
_SECRET_WINDOW = (160, 512)
_Build = Callable[[dict[str, Any]], "Detector | None"]


class DetectorSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One detector as a pack writes it.

    `trigger` (Hyperscan) finds candidates cheaply; `verify` (Python `re`) then runs on the window
    of `before` and `after` characters around the end of the trigger's hit, and must touch it. Its
    group `value`, or the whole match, is the finding. `context` words must stand in the window.
    """

    name: str
    type: str
    verify: str
    trigger: str | list[str] = ""
    keywords: list[str] = []
    before: int = 80
    after: int = 80
    validator: str = ""
    context: list[str] = []
    confidence: float = 0.8
    operator: str = "token"
    examples: list[str] = []
    counter_examples: list[str] = []


class RuleSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """One secret rule in gitleaks' shape; a rule without `regex` (paths only) is not for text."""

    id: str
    regex: str = ""
    description: str = ""
    keywords: list[str] = []
    entropy: float = 0.0
    secretGroup: int = 0
    validator: str = ""
    confidence: float = 0.9
    before: int = _SECRET_WINDOW[0]
    after: int = _SECRET_WINDOW[1]
    examples: list[str] = []
    counter_examples: list[str] = []
    allowlists: list[dict[str, Any]] = []
    allowlist: dict[str, Any] = {}


class Detector(msgspec.Struct, frozen=True):
    """A detector ready to run."""

    name: str
    type: str
    triggers: tuple[str, ...]
    verify: re.Pattern[str]
    group: int | str
    before: int
    after: int
    accepts: Callable[[str], bool] | None
    context: re.Pattern[str] | None
    confidence: float
    operator: str
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]
    where: str = ""


class Pack(msgspec.Struct, frozen=True):
    """The detectors of one file, and the hash of its bytes."""

    name: str
    hash: str
    detectors: tuple[Detector, ...]


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs inside the package."""
    folder = resources.files(__package__) / "packs"
    names = [entry.name.removesuffix(".toml") for entry in folder.iterdir()]
    return tuple(sorted(name for name in names if name != "columns"))


def load_shipped(name: str) -> Pack:
    """Read a pack of the package by name.

    Raises:
        ConfigError: No such pack.
    """
    if name not in shipped_packs():
        raise ConfigError(
            f"there is no detector pack {name!r}",
            key="masking.packs",
            hint=f"the shipped packs are {', '.join(shipped_packs())}",
        )
    file = resources.files(__package__) / "packs" / f"{name}.toml"
    return parse_pack(name, file.read_bytes(), f"{name}.toml")


def load_file(path: Path) -> Pack:
    """Read a user's pack.

    Raises:
        ConfigError: The file cannot be read, or a detector in it is refused.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the detector pack: {error.strerror}", file=str(path), key="masking.packs"
        ) from None
    return parse_pack(path.stem, data, str(path))


def parse_pack(name: str, data: bytes, file: str) -> Pack:
    """Read the bytes of a pack: `[[detector]]` tables, or gitleaks' `[[rules]]`.

    Raises:
        ConfigError: With file, line and reason, for the first detector that is refused.
    """
    try:
        text = data.decode("utf-8")
        document = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"not a TOML file: {error}", file=file) from None
    version = document.get("format", PACK_FORMAT)
    if version != PACK_FORMAT:
        raise ConfigError(
            f"pack format {version!r} is not {PACK_FORMAT}",
            file=file,
            key="format",
            hint="upgrade glasshatch",
        )
    found = _read(text, file, ("detector", "name"), document.get("detector", []), _detector)
    found += _read(text, file, ("rules", "id"), document.get("rules", []), _secret_rule)
    if not found:
        raise ConfigError("the pack holds no detector", file=file, hint="add a [[detector]] table")
    _refuse_doubles(found, file)
    return Pack(name=name, hash=hashlib.sha256(data).hexdigest(), detectors=tuple(found))


def _read(text: str, file: str, table: tuple[str, str], raws: Sequence[Any], build: _Build) -> list[Detector]:
    name, key = table
    found = []
    for number, raw in enumerate(raws):
        where = f"{file}:{_line_of(text, name, number)}"
        label = str(raw.get(key, f"number {number + 1}")) if isinstance(raw, dict) else "?"
        try:
            detector = build(raw)
        except (ValueError, msgspec.ValidationError, re.error) as error:
            raise ConfigError(
                f"refused: {error}", file=where, key=label, hint="mend the detector or remove it"
            ) from None
        if detector is not None:
            found.append(msgspec.structs.replace(detector, where=where))
    return found


def _line_of(text: str, table: str, number: int) -> int:
    headers = re.finditer(rf"^[ \t]*\[\[[ \t]*{table}[ \t]*\]\]", text, re.MULTILINE)
    for index, header in enumerate(headers):
        if index == number:
            return text.count("\n", 0, header.start()) + 1
    return 1


def _refuse_doubles(found: Sequence[Detector], file: str) -> None:
    seen: set[str] = set()
    for detector in found:
        if detector.name in seen:
            raise ConfigError("two detectors have the same name", file=file, key=detector.name)
        seen.add(detector.name)


def _detector(raw: dict[str, Any]) -> Detector:
    spec = msgspec.convert(raw, DetectorSpec)
    if not _TYPE.fullmatch(spec.type):
        raise ValueError("type must be upper-case letters, digits and underscores, at most 31")
    if spec.operator not in _OPERATORS:
        raise ValueError(f"operator {spec.operator!r} is not one of {', '.join(_OPERATORS)}")
    triggers = [spec.trigger] if isinstance(spec.trigger, str) else list(spec.trigger)
    triggers = [trigger for trigger in triggers if trigger]
    triggers += [_literal(word) for word in spec.keywords]
    verify = checked_regex(spec.verify)
    return Detector(
        name=spec.name,
        type=spec.type,
        triggers=_checked_triggers(triggers),
        verify=verify,
        group="value" if "value" in verify.groupindex else 0,
        before=_window(spec.before),
        after=_window(spec.after),
        accepts=_validator(spec.validator),
        context=_context(spec.context),
        confidence=_confidence(spec.confidence),
        operator=spec.operator,
        examples=tuple(spec.examples),
        counter_examples=tuple(spec.counter_examples),
    )


def _secret_rule(raw: dict[str, Any]) -> Detector | None:
    rule = msgspec.convert(raw, RuleSpec)
    if not rule.regex:
        return None
    if not rule.keywords:
        raise ValueError("a secret rule needs keywords: they are its trigger")
    verify = checked_regex(portable(rule.regex))
    # gitleaks: without secretGroup, the first group that took part is the secret.
    group = rule.secretGroup or (1 if verify.groups else 0)
    if group > verify.groups:
        raise ValueError(f"secretGroup {group} is more than the {verify.groups} groups of the regex")
    return Detector(
        name=rule.id,
        type="SECRET",
        triggers=_checked_triggers([_literal(word) for word in rule.keywords]),
        verify=verify,
        group="value" if "value" in verify.groupindex else group,
        before=_window(rule.before),
        after=_window(rule.after),
        accepts=_secret_check(rule),
        context=None,
        confidence=_confidence(rule.confidence),
        operator="redact",
        examples=tuple(rule.examples),
        counter_examples=tuple(rule.counter_examples),
    )


def _validator(name: str) -> Callable[[str], bool] | None:
    if name and name not in VALIDATORS:
        raise ValueError(f"validator {name!r} is not one of {', '.join(sorted(VALIDATORS))}")
    return VALIDATORS[name] if name else None


def _secret_check(rule: RuleSpec) -> Callable[[str], bool] | None:
    allowed = _allowlist(rule)
    check = _validator(rule.validator)
    if not rule.entropy and allowed is None:
        return check

    def accepts(value: str) -> bool:
        if rule.entropy and entropy(value) < rule.entropy:
            return False
        if check is not None and not check(value):
            return False
        return allowed is None or allowed.search(value) is None

    return accepts


def _allowlist(rule: RuleSpec) -> re.Pattern[str] | None:
    lists = [*rule.allowlists, rule.allowlist]
    # gitleaks' other targets (`match`, `line`, paths, commits) speak of repositories; not of texts.
    parts = [
        f"(?:{portable(regex)})"
        for entry in lists
        if entry.get("regexTarget", "secret") == "secret"
        for regex in entry.get("regexes", [])
    ]
    parts += [rf"(?i:{re.escape(word)})" for entry in lists for word in entry.get("stopwords", [])]
    return checked_regex("|".join(parts)) if parts else None


def _checked_triggers(triggers: Sequence[str]) -> tuple[str, ...]:
    if not triggers:
        raise ValueError("a detector needs a trigger or keywords")
    for trigger in triggers:
        checked_trigger(trigger)
    return tuple(triggers)


def _literal(word: str) -> str:
    if len(word) < 2:
        raise ValueError("a keyword of fewer than two characters would hit everywhere")
    return "".join(
        f"\\x{byte:02x}" if not chr(byte).isalnum() else chr(byte) for byte in word.encode("latin-1")
    )


def _window(size: int) -> int:
    if not 0 <= size <= _WINDOW_LIMIT:
        raise ValueError(f"a window of {size} is outside 0 to {_WINDOW_LIMIT}")
    return size


def _confidence(value: float) -> float:
    if not 0 < value <= 1:
        raise ValueError("confidence must be above 0 and at most 1")
    return value


def _context(words: Sequence[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    return re.compile(r"(?i)(?<![a-z])(?:" + "|".join(re.escape(word) for word in words) + r")(?![a-z])")
