"""The one door to every language: `analyze(kind, text)` gives the same kind of value for all of them."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Final, Protocol

from glasshatch.errors import ConfigError

from .findings import Findings
from .model import Span, Statement

KINDS: Final = ("kubectl", "mcp", "mysql", "redis", "shell", "sql")
"""The languages that are understood; each is a folder of this room."""

ALIASES: Final = {"k8s": "kubectl", "sh": "shell", "postgres": "sql", "postgresql": "sql", "bash": "shell"}

MAX_BYTES: Final = 1 << 20
MAX_NESTING: Final = 4


class Language(Protocol):
    """What a language's folder offers as `LANGUAGE`."""

    def read(self, text: str, depth: int) -> Statement:
        """Understand a text that stands `depth` texts deep; may raise only `Unreadable`."""


class Unreadable(Exception):
    """The text is not understood; `risk` says why and `literals` what of it must be hidden."""

    def __init__(self, risk: str, literals: tuple[Span, ...] | None = None) -> None:
        super().__init__(risk)
        self.risk = risk
        self.literals = literals


def kind_of(name: str) -> str:
    """The language that a name or an alias stands for.

    Raises:
        ConfigError: There is no such language; the hint lists them.
    """
    kind = ALIASES.get(name, name)
    if kind not in KINDS:
        known = ", ".join(sorted((*KINDS, *ALIASES)))
        raise ConfigError("this kind of statement is not known", key="kind", hint=f"one of: {known}")
    return kind


def analyze(kind: str, text: str) -> Statement:
    """Understand one text of a language; never raises for any text.

    What is over the caps or not understood has the verb `unknown` and the risk `too_complex` or
    `unknown_syntax`, and its literals cover all of it that could be personal.

    Args:
        kind: `sql` (PostgreSQL), `mysql`, `redis`, `shell`, `kubectl` or `mcp`, or an alias.
        text: What the client sent: a query, a command line, a request.

    Raises:
        ConfigError: The kind is not known.
    """
    return analyze_inner(kind_of(kind), text, 0)


def analyze_inner(kind: str, text: str, depth: int) -> Statement:
    """The same for a text within a text: `sh -c`, `psql -c`, a tool's argument."""
    if depth > MAX_NESTING:
        return refused(kind, text, "too_complex")
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        return refused(kind, text, "too_complex")
    try:
        text.encode()
        found: Statement = _language(kind).read(text, depth)
    except Unreadable as problem:
        return refused(kind, text, problem.risk, problem.literals)
    except RecursionError:
        return refused(kind, text, "too_complex")
    except Exception:
        # A text of a form that no rule expects is our mistake; it must not become somebody's way in.
        return refused(kind, text, "unknown_syntax")
    return found


def refused(kind: str, text: str, risk: str, literals: tuple[Span, ...] | None = None) -> Statement:
    """The statement of a text that is not understood: all of it is hidden unless told otherwise."""
    if literals is None:
        literals = (Span(0, len(text), "other"),) if text else ()
    return Statement(kind=kind, verbs=("unknown",), risks=(risk,), literals=literals)


def statement_of(
    kind: str, findings: Findings, shape: str, literals: tuple[Span, ...], commands: int
) -> Statement:
    """The value for what was found; its hash is of the shape, so equal for texts that differ in values."""
    return Statement(
        kind=kind,
        verbs=tuple(sorted(findings.verbs)),
        resources=tuple(sorted(findings.resources)),
        columns=tuple(sorted(findings.columns)),
        risks=tuple(sorted(findings.risks)),
        commands=commands,
        shape=shape,
        hash=hashlib.sha256(shape.encode()).hexdigest()[:16],
        literals=literals,
    )


def _language(kind: str) -> Language:
    """Loaded on first use: a gateway for one language need not load the parsers of all."""
    language: Language = import_module(f".{kind}", __package__).LANGUAGE
    return language
