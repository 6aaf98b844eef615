"""PostgreSQL statements, understood on the parse tree; never raises, never parses beyond the caps."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from ..model import Span, Statement
from .commands import understand
from .limits import within_limits
from .native import QUERIES, Node, Unparsed, parse, structure_hash
from .tokens import Scanned, plain_numbers, scan_text, scan_unparsed

_CACHED_TEXTS = 4096
_CACHED_TEXT_CHARS = 8192
_CACHED_WEIGHT = 16 << 20
# The native parser needs thousands of nested terms to overflow its stack, and each takes a character.
_SHORT = 1000


class Reading(NamedTuple):
    """A text as it was understood. Texts of equal `code` differ in constants only, and mean the same.

    `code` is empty where the text was not understood, so that cannot be said. `told` says that the text's
    tokens alone give the code; else a constant was read, and only who reads it again knows what it means.
    """

    statement: Statement
    code: str
    told: bool


class _Recent:
    """The most recently used readings by text, bounded by what they weigh and not only by their number.

    A client chooses the texts, so that a bound on their number alone would let it choose our memory.
    """

    def __init__(self, entries: int = _CACHED_TEXTS, weight: int = _CACHED_WEIGHT) -> None:
        self._entries = entries
        self._room = weight
        self._held: OrderedDict[str, Reading] = OrderedDict()

    def get(self, text: str) -> Reading | None:
        held = self._held.get(text)
        if held is not None:
            self._held.move_to_end(text)
        return held

    def put(self, text: str, reading: Reading) -> None:
        if len(text) > _CACHED_TEXT_CHARS or text in self._held:
            return
        self._held[text] = reading
        self._room -= _weight(text, reading.statement)
        while self._room < 0 or len(self._held) > self._entries:
            gone, dropped = self._held.popitem(last=False)
            self._room += _weight(gone, dropped.statement)


def _weight(text: str, statement: Statement) -> int:
    """About how many bytes an entry takes."""
    parts = len(statement.literals) + len(statement.columns) + len(statement.outputs or ())
    parts += sum(1 + len(answer or ()) for answer in statement.answers)
    return 1000 + 2 * len(text) + 100 * parts


_by_text = _Recent()
# Statements whose analysis read no literal, by their code alone: a client that writes its values
# into the text pays for the scanner, not for the parser.
_by_code = _Recent()
# The same by what is left of a plain text without its numbers, for which not even the scanner is asked.
_by_frame = _Recent()


def analyze_sql(text: str) -> Statement:
    """Understand one SQL text.

    Never raises. What is over the caps or not understood has the verb `unknown` and the risk
    `too_complex` or `unknown_syntax`, and its literals cover all that could be personal.
    """
    return read_sql(text).statement


def read_sql(text: str) -> Reading:
    """Understand one SQL text as `analyze_sql` does, and say which other texts mean the same."""
    held = _by_text.get(text)
    if held is not None:
        return held
    plain = plain_numbers(text)
    if plain is not None:
        held = _by_frame.get(plain.frame)
        if held is not None:
            return Reading(msgspec.structs.replace(held.statement, literals=plain.literals), held.code, True)
    held = _analyze(text)
    _by_text.put(text, held)
    if plain is not None and held.told and held.statement.literals == plain.literals:
        _by_frame.put(plain.frame, held)
    return held


def _analyze(text: str) -> Reading:
    if "\0" in text or not _encodable(text):
        return _refused(text, "unknown_syntax", whole=True)
    if len(text) > _SHORT and not within_limits(text):
        return _refused(text, "too_complex", whole=True)
    try:
        scanned = scan_text(text)
    except Unparsed as problem:
        return _refused(text, problem.risk, whole=True)
    try:
        return _understood(text, scanned)
    except Unparsed as problem:
        return _refused(text, problem.risk, whole=False)
    except RecursionError:
        return _refused(text, "too_complex", whole=True)
    except Exception:
        # A tree of a form that no rule expects is our mistake; it must not become somebody's way in.
        return _refused(text, "unknown_syntax", whole=True)


def _understood(text: str, scanned: Scanned) -> Reading:
    held = _by_code.get(scanned.key)
    if held is not None:
        return Reading(msgspec.structs.replace(held.statement, literals=scanned.literals), held.code, True)
    commands = parse(text)
    meaning = understand(commands, text)
    statement = Statement(
        kind="sql",
        verbs=tuple(sorted(meaning.verbs)),
        resources=tuple(sorted(meaning.resources)),
        columns=tuple(sorted(meaning.columns)),
        outputs=meaning.outputs,
        risks=tuple(sorted(meaning.risks)),
        commands=meaning.commands,
        shape=scanned.shape,
        hash=_hash(text, scanned.shape, commands),
        literals=scanned.literals,
        lookups=tuple(sorted(meaning.lookups)),
        guesses=tuple(sorted(meaning.guesses)),
        answers=tuple(meaning.answers),
    )
    alone = msgspec.structs.replace(statement, literals=())
    if meaning.read_literal:
        # NUL parts tokens in the key, so what follows two of them is none of the text's.
        code = f"{scanned.key}\0\0{hashlib.sha256(msgspec.msgpack.encode(alone)).hexdigest()[:32]}"
        return Reading(statement, code, False)
    _by_code.put(scanned.key, Reading(alone, scanned.key, True))
    return Reading(statement, scanned.key, True)


def _hash(text: str, shape: str, commands: list[Node]) -> str:
    """The same for texts that differ in values only.

    The library's fingerprint does so for queries, over white space and lengths of IN lists too; of other
    commands it takes strings in, a password among them, so those are known by their shape.
    """
    if all(QUERIES & command["stmt"].keys() for command in commands):
        return structure_hash(text)
    return hashlib.sha256(shape.encode()).hexdigest()[:16]


def _refused(text: str, risk: str, *, whole: bool) -> Reading:
    literals: tuple[Span, ...] = (Span(0, len(text), "other"),)
    if not whole:
        literals = scan_unparsed(text)
    return Reading(Statement(kind="sql", verbs=("unknown",), risks=(risk,), literals=literals), "", False)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _PostgreSQL:
    def read(self, text: str, depth: int) -> Statement:
        return analyze_sql(text)


LANGUAGE = _PostgreSQL()
