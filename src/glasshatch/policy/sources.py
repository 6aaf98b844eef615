"""Policy texts: found by name or path, checked at load, and refused with file, line and reason."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import cedarpy
import msgspec

from glasshatch.errors import ConfigError

_SETS = Path(__file__).parent / "sets"
_SCHEMA = _SETS / "schema.cedarschema"
# Enough of Cedar's lexer to find where a policy ends: strings, comments, and the semicolon.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|;|[^";/]+|.', re.DOTALL)


class Rule(msgspec.Struct, frozen=True):
    """One policy of a set, by its annotations. `effect` is what a match of it leads to."""

    name: str
    reason: str
    effect: Literal["allow", "deny", "review"]
    order: int


class Source(msgspec.Struct, frozen=True):
    """One policy file as it was read."""

    file: str
    text: str


def find_sources(source: str | Path) -> tuple[str, tuple[Source, ...]]:
    """The name and texts of a shipped set, a `.cedar` file, or a folder of them.

    Raises:
        ConfigError: There is no such set, file or folder, it cannot be read, or it is empty.
    """
    path = Path(source)
    shipped = _SETS / f"{source}.cedar"
    if isinstance(source, str) and re.fullmatch(r"[a-z][a-z0-9-]*", source) and shipped.is_file():
        path = shipped
    files = sorted(path.glob("*.cedar")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        names = ", ".join(sorted(set_file.stem for set_file in _SETS.glob("*.cedar")))
        raise ConfigError(
            "there is no such policy set",
            file=str(source),
            hint=f"give a .cedar file, a folder or one of: {names}",
        )
    return path.stem, tuple(_read(file) for file in files)


def _read(file: Path) -> Source:
    try:
        return Source(file.name, file.read_bytes().decode())
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError("the policy file cannot be read as UTF-8 text", file=str(file)) from problem


def hash_sources(sources: tuple[Source, ...]) -> str:
    """SHA-256 of the exact text; of a folder, SHA-256 of what `sha256sum *.cedar` prints."""
    digests = [hashlib.sha256(source.text.encode()).hexdigest() for source in sources]
    if len(sources) == 1:
        return digests[0]
    lines = [f"{digest}  {source.file}\n" for digest, source in zip(digests, sources, strict=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_rules(
    sources: tuple[Source, ...],
) -> tuple[cedarpy.PolicySet, cedarpy.PolicySet, dict[str, Rule]]:
    """The parsed set, the same without its reviews, and its rules by the id the engine reports.

    Raises:
        ConfigError: A policy does not parse, asks about what does not exist, or lacks its name or reason.
    """
    pieces = [(source.file, line, text) for source in sources for line, text in _policies(source)]
    schema = _SCHEMA.read_text()
    rules: dict[str, Rule] = {}
    every: dict[str, object] = {}
    firm: dict[str, object] = {}
    for order, (file, line, text) in enumerate(pieces):
        where = f"{file}:{line}"
        policy = _parsed(where, text, schema)
        rule = _annotated(where, policy, order)
        if rule.name in rules:
            raise ConfigError(f"the @id {rule.name} is used twice", file=where)
        rules[rule.name] = rule
        every[rule.name] = policy
        if rule.effect != "review":
            firm[rule.name] = policy
    if not rules:
        raise ConfigError("there is no policy in it", file=", ".join(source.file for source in sources))
    return _cedar(every), _cedar(firm), rules


def _cedar(policies: dict[str, object]) -> cedarpy.PolicySet:
    """Policies under their own names: what the engine reports is then the rule's name."""
    return cedarpy.PolicySet.from_json_str(
        json.dumps({"staticPolicies": policies, "templates": {}, "templateLinks": []})
    )


def _policies(source: Source) -> Iterator[tuple[int, str]]:
    """Each policy's text with the line it starts on, so that an error can name the line."""
    start, end, line = 0, 0, 1
    for piece in _PIECE.finditer(source.text):
        end = piece.end()
        if piece.group() == ";":
            text = source.text[start:end]
            yield line + _leading_lines(text), text
            line += text.count("\n")
            start = end
    rest = source.text[start:]
    if _without_comments(rest).strip():
        yield line + _leading_lines(rest), rest


def _without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


def _leading_lines(text: str) -> int:
    """How many lines of comments and white space stand before the policy itself."""
    lead = re.match(r"(?:\s|//[^\n]*)*", text)
    return text.count("\n", 0, lead.end()) if lead else 0


def _parsed(where: str, text: str, schema: str) -> dict[str, object]:
    try:
        policies = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
        problems = cedarpy.validate_policies(text, schema).errors
    except ValueError as problem:
        raise ConfigError(f"the policy does not parse: {problem}", file=where) from None
    if len(policies) != 1:
        raise ConfigError(
            "a policy with slots is not supported", file=where, hint="write it without ?principal"
        )
    if problems:
        raise ConfigError(
            f"the policy asks for what there is not: {problems[0].error}",
            file=where,
            hint="docs/concepts/policy.md lists what may be asked",
        )
    (policy,) = policies.values()
    return dict(policy)


def _annotated(where: str, policy: dict[str, object], order: int) -> Rule:
    found = policy.get("annotations")
    notes = found if isinstance(found, dict) else {}
    name, reason, effect = notes.get("id"), notes.get("reason"), notes.get("effect")
    if not name or not reason:
        raise ConfigError(
            "a policy needs @id and @reason",
            file=where,
            hint='write @id("team.rule") @reason("why") before it',
        )
    if policy["effect"] == "permit":
        if effect not in (None, "allow"):
            raise ConfigError("a permit cannot have that @effect", file=where, hint="use forbid for review")
        return Rule(str(name), str(reason), "allow", order)
    if effect not in (None, "deny", "review"):
        raise ConfigError("an @effect is deny or review", file=where)
    return Rule(str(name), str(reason), "review" if effect == "review" else "deny", order)
