"""Redis commands, inline as `redis-cli` takes them or in RESP as clients send them."""

from __future__ import annotations

from ..findings import Findings
from ..model import Span, SpanKind, Statement
from ..registry import Language, Unreadable, statement_of
from ..shell import read_shell
from .arguments import Command, read_commands
from .commands import KNOWN, SUBCOMMANDS, understand

MAX_ARGUMENTS = 20_000


class _Redis:
    """Reads commands: each line, or each array of a pipeline, is one; `redis-cli …` is a command line."""

    def read(self, text: str, depth: int) -> Statement:
        if text.split(maxsplit=1)[:1] == ["redis-cli"]:
            return read_shell("redis", text, depth)
        commands = read_commands(text)
        if sum(len(command) for command in commands) > MAX_ARGUMENTS:
            raise Unreadable("too_complex")
        findings = Findings()
        shapes, literals = [], []
        for command in commands:
            understand([word.value for word in command], findings)
            kept = _names(command)
            shapes.append(" ".join([*kept, *("?" for _ in command[len(kept) :])][:12]))
            literals += [
                Span(word.start, word.end, _kind(kept))
                for index, word in enumerate(command)
                if index >= len(kept)
            ]
        if len(commands) > 1:
            findings.risks.add("multi_statement")
        return statement_of("redis", findings, "; ".join(shapes), tuple(literals), len(commands))


def _names(command: Command) -> list[str]:
    """The command's own words, if Redis has them: a mistyped password must not look like a command."""
    name = command[0].value.upper()
    if name not in KNOWN:
        return []
    if len(command) > 1 and command[1].value.upper() in SUBCOMMANDS.get(name, ()):
        return [name, command[1].value.upper()]
    return [name]


def _kind(kept: list[str]) -> SpanKind:
    secret = kept[:1] in (["AUTH"], ["HELLO"], ["MIGRATE"], ["ACL"], ["CONFIG"])
    return "password" if secret else "string"


LANGUAGE: Language = _Redis()
