"""Policy texts: found by name or path, checked at load, and refused with file, line and reason."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import cedarpy
import msgspec

from glasshatch.errors import ConfigError

from .bounds import MAX_BYTES, MAX_POLICIES, beyond_bounds, is_too_deep
from .persons import Persons

_HERE = Path(__file__).parent
# Enough of Cedar's lexer to find where a policy ends: strings, comments, and the semicolon.
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|;|[^";/]+|.', re.DOTALL)


class Kind(msgspec.Struct, frozen=True):
    """What policies are about: the folder with its shipped sets and its schema, and the page about it."""

    folder: Path
    page: str
    about: str

    def schema(self) -> str:
        """What policies may ask about, as Cedar's schema language writes it."""
        return (self.folder / "schema.cedarschema").read_text()

    def shipped(self) -> tuple[str, ...]:
        """The names of the sets that come with Glasshatch."""
        return tuple(sorted(file.stem for file in self.folder.glob("*.cedar")))


STATEMENTS = Kind(_HERE / "sets", "docs/concepts/policy.md", "statements")
"""Sessions and statements: what goes through the gateway."""


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


def find_sources(source: str | Path, kind: Kind = STATEMENTS) -> tuple[str, tuple[Source, ...]]:
    """The name and texts of a shipped set, a `.cedar` file, or a folder of them.

    Raises:
        ConfigError: There is no such set, file or folder, it cannot be read, or it is empty.
    """
    path = Path(source)
    shipped = kind.folder / f"{source}.cedar"
    if isinstance(source, str) and re.fullmatch(r"[a-z][a-z0-9-]*", source) and shipped.is_file():
        path = shipped
    files = sorted(path.glob("*.cedar")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise ConfigError(
            "there is no such policy set",
            file=str(source),
            hint=f"give a .cedar file, a folder or one of: {', '.join(kind.shipped())}",
        )
    return path.stem, tuple(_read(file) for file in files)


def shipped_sets() -> tuple[str, ...]:
    """The names of the sets about statements that come with Glasshatch."""
    return STATEMENTS.shipped()


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
    sources: tuple[Source, ...], kind: Kind = STATEMENTS
) -> tuple[cedarpy.PolicySet, cedarpy.PolicySet, dict[str, Rule], Persons]:
    """The parsed set, the same without its reviews, the rules by the engine's ids, and for whom they ask.

    Raises:
        ConfigError: A policy does not parse, asks about what does not exist, or lacks its name or reason.
    """
    schema = kind.schema()
    rules: dict[str, Rule] = {}
    every: dict[str, object] = {}
    firm: dict[str, object] = {}
    pieces = pieces_of(sources)
    for order, (piece, policy) in enumerate(
        zip(pieces, parse_pieces(pieces, schema, kind.page), strict=True)
    ):
        rule = annotate(piece, policy, order)
        if rule.name in rules:
            raise twice(piece, rule.name)
        rules[rule.name] = rule
        every[rule.name] = policy
        if rule.effect != "review":
            firm[rule.name] = policy
    if not rules:
        raise nothing_in(sources)
    return _cedar(every), _cedar(firm), rules, Persons(every.values())


def twice(piece: Piece, name: str) -> ConfigError:
    """Two policies have one name, so that a decision could not say which it was."""
    return ConfigError(
        f"the @id {name} is used twice", file=piece.where, hint="give each policy a name of its own"
    )


def nothing_in(sources: tuple[Source, ...]) -> ConfigError:
    """A set without a policy would deny everything, which nobody means by an empty file."""
    return ConfigError(
        "there is no policy in it", file=", ".join(source.file for source in sources),
        hint="a policy reads: @id(…) @reason(…) permit(principal, action, resource) when { … };",
    )  # fmt: skip


def _cedar(policies: dict[str, object]) -> cedarpy.PolicySet:
    """Policies under their own names: what the engine reports is then the rule's name."""
    return cedarpy.PolicySet.from_json_str(
        json.dumps({"staticPolicies": policies, "templates": {}, "templateLinks": []})
    )


class Piece(msgspec.Struct, frozen=True):
    """One policy's text, and the line of the file that it starts on."""

    file: str
    line: int
    text: str

    @property
    def where(self) -> str:
        """`orders.cedar:12`, as it stands in errors."""
        return f"{self.file}:{self.line}"


def pieces_of(sources: tuple[Source, ...]) -> list[Piece]:
    """Every policy of a set, in the order of the text.

    Raises:
        ConfigError: There is more of it than anybody writes, so it is not parsed.
    """
    if sum(len(source.text.encode(errors="replace")) for source in sources) > MAX_BYTES:
        raise _too_much(sources, f"it has more than {MAX_BYTES >> 20} MiB")
    found = [Piece(source.file, line, text) for source in sources for line, text in _policies(source)]
    if len(found) > MAX_POLICIES:
        raise _too_much(sources, f"it has more than {MAX_POLICIES} policies")
    return found


def line_of_rule(sources: tuple[Source, ...], name: str) -> str:
    """`orders.cedar:12`: where the policy of this name begins; the first file if there is none."""
    for piece in pieces_of(sources):
        if f'"{name}"' in piece.text:
            return piece.where
    return sources[0].file


def _too_much(sources: tuple[Source, ...], what: str) -> ConfigError:
    return ConfigError(f"the policy set is too large: {what}", file=sources[0].file, hint="join rules")


def _policies(source: Source) -> Iterator[tuple[int, str]]:
    """Each policy's text with the line it starts on, so that an error can name the line."""
    start, end, line = 0, 0, 1
    for piece in _PIECE.finditer(source.text):
        end = piece.end()
        if piece.group() == ";":
            text = source.text[start:end]
            lead = _leading(text)
            yield line + lead.count("\n"), text[len(lead) :]
            line += text.count("\n")
            start = end
    rest = source.text[start:]
    if _without_comments(rest).strip():
        lead = _leading(rest)
        yield line + lead.count("\n"), rest[len(lead) :]


def _without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


def _leading(text: str) -> str:
    """The comments and the white space that stand before the policy itself."""
    lead = re.match(r"(?:\s|//[^\n]*)*", text)
    return lead.group() if lead else ""


def parse_pieces(pieces: Sequence[Piece], schema: str, page: str) -> list[dict[str, object]]:
    """Each policy as `parse_piece` has it; raises its `ConfigError` for the first that is at fault.

    All are held against the schema in one call, as reading the schema takes far longer than a policy. Only
    where that finds a fault they are looked at one by one, to say whose it is.
    """
    try:
        policies = [parse_syntax(piece) for piece in pieces]
    except ConfigError:
        policies = []
    if policies and not _problems("\n".join(piece.text for piece in pieces), schema):
        return policies
    return [parse_piece(piece, schema, page) for piece in pieces]


def parse_piece(piece: Piece, schema: str, page: str) -> dict[str, object]:
    """One policy as Cedar's JSON has it; raises `ConfigError` for what it is not, or asks for in vain."""
    policy = parse_syntax(piece)
    problems = validate_piece(piece, schema)
    if problems:
        raise ConfigError(
            f"the policy asks for what there is not: {problems[0]}",
            file=piece.where,
            hint=f"{page} lists what may be asked",
        )
    return policy


def parse_syntax(piece: Piece) -> dict[str, object]:
    """One policy as Cedar's JSON has it, whatever it asks for; raises `ConfigError`."""
    # Before anything native: deep nesting would not be an error there but the end of the process.
    if beyond := beyond_bounds(piece.text):
        raise _too_complex(piece, beyond)
    try:
        policies = json.loads(cedarpy.policies_to_json_str(piece.text))["staticPolicies"]
    except RecursionError:
        raise _too_complex(piece, "it nests too deeply") from None
    except ValueError as problem:
        raise ConfigError(
            f"the policy does not parse: {problem}",
            file=piece.where,
            hint="a policy reads: @id(…) @reason(…) permit(principal, action, resource) when { … };",
        ) from None
    if len(policies) != 1:
        raise ConfigError(
            "a policy with slots is not supported", file=piece.where, hint="write it without ?principal"
        )
    (policy,) = policies.values()
    if is_too_deep(policy):
        raise _too_complex(piece, "it nests too deeply")
    return dict(policy)


def _too_complex(piece: Piece, what: str) -> ConfigError:
    return ConfigError(
        f"the policy is too complex: {what}", file=piece.where,
        hint="split the rule in several, or compare with a set: [\"a\", \"b\"].contains(…)",
    )  # fmt: skip


def validate_piece(piece: Piece, schema: str) -> list[str]:
    """What a policy asks for that there is not, in Cedar's words."""
    return _problems(piece.text, schema)


def _problems(text: str, schema: str) -> list[str]:
    try:
        return [problem.error for problem in cedarpy.validate_policies(text, schema).errors]
    except ValueError as problem:
        return [str(problem)]


def annotate(piece: Piece, policy: dict[str, object], order: int) -> Rule:
    """The rule that a policy is, by its annotations; raises `ConfigError` where they are not right."""
    where = piece.where
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
