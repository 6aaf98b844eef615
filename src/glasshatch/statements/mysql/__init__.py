"""MySQL and MariaDB statements, read by a tokenizer with their quoting and a reader of clauses."""

from __future__ import annotations

from ..findings import Findings
from ..model import Statement
from ..registry import Language, statement_of
from .commands import read_commands
from .tokens import scan


class _MySQL:
    """Understands a text in the default `sql_mode`; changing that mode is a risk of its own."""

    def read(self, text: str, depth: int) -> Statement:
        scanned = scan(text)
        findings = Findings()
        if scanned.uncertain:
            # A comment that some versions run and others do not.
            findings.unknown("unknown_syntax")
        commands = read_commands(scanned.tokens, findings, depth)
        if commands > 1:
            findings.risks.add("multi_statement")
        return statement_of("mysql", findings, scanned.shape, scanned.literals, commands)


LANGUAGE: Language = _MySQL()
