"""Everything that is wrong with a policy text, at once: file, line, what, and the cure."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Literal

import msgspec

from glasshatch.errors import ConfigError

from . import logic
from .conditions import formula_of
from .logic import Every, Formula, Not
from .sources import (
    STATEMENTS,
    Kind,
    Piece,
    Rule,
    Source,
    annotate,
    find_sources,
    nothing_in,
    parse_syntax,
    pieces_of,
    twice,
    validate_piece,
)
from .vocabulary import DOMAINS, MEMBERS

_NAMED = re.compile(r"`([^`\s]+)`")
_ATTRIBUTE = re.compile(r"attribute `(\w+)`")
_NAME_IN_SCHEMA = re.compile(r"^\s*(\w+):", re.MULTILINE)
_WORD_IN_POLICY = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. An `error` keeps the set from being loaded, a `warning` does not."""

    file: str
    line: int
    level: Literal["error", "warning"]
    message: str
    hint: str = ""
    rule: str = ""


class Checked(msgspec.Struct, frozen=True):
    """What a look at a policy set found."""

    name: str
    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]


class _Read(msgspec.Struct, frozen=True):
    piece: Piece
    rule: Rule
    when: Formula


def check(source: str | Path, kind: Kind = STATEMENTS) -> Checked:
    """Look at a shipped set, a file or a folder, as a whole.

    Raises:
        ConfigError: There is no such set, or it cannot be read at all.
    """
    return check_sources(*find_sources(source, kind), kind)


def check_sources(name: str, sources: tuple[Source, ...], kind: Kind = STATEMENTS) -> Checked:
    """Look at texts that were read already."""
    problems: list[Problem] = []
    read: list[_Read] = []
    names = set[str]()
    pieces = pieces_of(sources)
    for order, piece in enumerate(pieces):
        try:
            policy = parse_syntax(piece)
            problems += _unknown(piece, kind)
            rule = annotate(piece, policy, order)
            if rule.name in names:
                raise twice(piece, rule.name)
        except ConfigError as error:
            problems.append(_as_problem(piece, error))
            continue
        names.add(rule.name)
        read.append(_Read(piece, rule, formula_of(policy)))
    if not pieces:
        problems.append(Problem(sources[0].file, 1, "error", nothing_in(sources).message, "write a policy"))
    for place, one in enumerate(read):
        problems += _dead(one, read[:place], read)
    problems.sort(key=lambda problem: (problem.file, problem.line))
    return Checked(name, tuple(one.rule for one in read), tuple(problems))


def _as_problem(piece: Piece, error: ConfigError) -> Problem:
    message = error.message.removeprefix(f"{error.file}: ")
    return Problem(piece.file, _line(piece, _NAMED.findall(message)), "error", message, error.hint)


def _unknown(piece: Piece, kind: Kind) -> list[Problem]:
    """What it asks for that there is not; for each action that lacks it Cedar says so once."""
    found: dict[str, Problem] = {}
    schema = kind.schema()
    for text in validate_piece(piece, schema):
        message = re.sub(r"^for policy `[^`]*`, ", "", text)
        name = _ATTRIBUTE.search(message)
        key = name.group(1) if name else message
        line = _line(piece, [key] if name else _NAMED.findall(message))
        found.setdefault(
            key, Problem(piece.file, line, "error", message, _cure(name, message, schema, kind.page))
        )
    return list(found.values())


def _cure(name: re.Match[str] | None, message: str, schema: str, page: str) -> str:
    known = sorted(set(_NAME_IN_SCHEMA.findall(schema)))
    if name and name.group(1) in known and "session.open" in message:
        return 'a session has no statement yet: narrow the rule to action == Action::"statement.run"'
    near = difflib.get_close_matches(name.group(1), known, n=1) if name else []
    return f"did you mean {near[0]}?" if near else f"{page} lists what may be asked"


def _line(piece: Piece, words: list[str]) -> int:
    """The line of the first word that stands in the policy; where it begins if none does."""
    for word in words:
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", piece.text)
        if found:
            return piece.line + piece.text.count("\n", 0, found.start())
    return piece.line


def _dead(one: _Read, before: list[_Read], every: list[_Read]) -> list[Problem]:
    """Why a rule never decides anything, if it never does; and words that nothing ever is."""
    unheard = [
        _warn(one, f"nothing is ever called {word!r} there", hint, word)
        for word, hint in _unheard_words(one.piece.text)
    ]
    if not logic.can_hold(one.when):
        return unheard or [_warn(one, "it can never fire: its conditions exclude each other", _DEAD_CURE)]
    stronger = next((other for other in _outweighing(one, before, every) if _covers(other, one)), None)
    if stronger is None:
        return unheard
    said = f"it can never decide: whatever it matches, {stronger.rule.name} ({stronger.piece.where}) decides"
    return [*unheard, _warn(one, said, "remove it, narrow the other, or put it first")]


_DEAD_CURE = "look for a condition and its opposite, or for a word that is never there; or remove the rule"


def _outweighing(one: _Read, before: list[_Read], every: list[_Read]) -> list[_Read]:
    """The rules that win over a rule wherever both match."""
    if one.rule.effect == "deny":
        return [other for other in before if other.rule.effect == "deny"]
    denials = [other for other in every if other.rule.effect == "deny"]
    if one.rule.effect == "review":
        return denials + [other for other in before if other.rule.effect == "review"]
    return denials


def _covers(other: _Read, one: _Read) -> bool:
    return not logic.can_hold(Every((one.when, Not(other.when))))


def _warn(one: _Read, message: str, hint: str, word: str = "") -> Problem:
    line = _line(one.piece, [word]) if word else one.piece.line
    return Problem(one.piece.file, line, "warning", message, hint, one.rule.name)


def _unheard_words(text: str) -> list[tuple[str, str]]:
    """Words compared with risks, kinds and the like that are none of theirs, each with its cure."""
    found = []
    for subject, words in (*DOMAINS.items(), *MEMBERS.items()):
        for comparison in _comparisons(subject, text):
            for word in _WORD_IN_POLICY.findall(comparison):
                if word not in words:
                    near = difflib.get_close_matches(word, sorted(words), n=1)
                    cure = f"did you mean {near[0]}?" if near else f"there is: {', '.join(sorted(words))}"
                    found.append((word, f"{subject}: {cure}"))
    return found


def _comparisons(subject: str, text: str) -> list[str]:
    """The pieces of a text in which an attribute is compared with constants."""
    name = re.escape(subject)
    forms = (
        rf'{name}\s*[!=]=\s*"[^"]*"',
        rf"{name}\.contains(?:Any|Every)?\([^)]*\)",
        rf"\[[^\]]*\]\.contains(?:Any)?\({name}\)",
    )
    return [piece for form in forms for piece in re.findall(rf"(?<![\w.]){form}", text)]
