"""Shell command lines and scripts (POSIX, bash), understood on their tree, with all that stands within."""

from __future__ import annotations

from ..findings import Findings
from ..model import Statement
from ..registry import Language, Unreadable, statement_of
from .parser import parse
from .shape import shape_of
from .walker import Walker

MAX_CHARACTERS = 100_000


class _Shell:
    """Reads a text as `sh` or `bash` would, without running anything of it."""

    def read(self, text: str, depth: int) -> Statement:
        return read_shell("shell", text, depth)


def read_shell(kind: str, text: str, depth: int, starts_with: str = "") -> Statement:
    """Understand a text; with `starts_with` its first command is that program's arguments."""
    if "\0" in text:
        raise Unreadable("unknown_syntax")
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("too_complex")
    script = parse(text)
    findings = Findings()
    walker = Walker(findings, depth)
    if starts_with:
        walker.prepend(script.body, starts_with)
    walker.script(script.body)
    if len(script.body) > 1:
        findings.risks.add("multi_statement")
    shape, literals = shape_of(text, script, starts_with)
    return statement_of(kind, findings, shape, literals, len(script.body))


LANGUAGE: Language = _Shell()
