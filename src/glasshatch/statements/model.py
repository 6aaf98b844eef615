"""What was asked, as values: one `Statement` for every language, and nothing of its literals."""

from __future__ import annotations

from typing import Literal

import msgspec

SpanKind = Literal["string", "number", "password", "comment", "other"]


class Span(msgspec.Struct, frozen=True):
    """A piece of the text that must not be recorded as it is; offsets count characters, end exclusive."""

    start: int
    end: int
    kind: SpanKind


class OutputColumn(msgspec.Struct, frozen=True):
    """One column of the answer: what it is called and which columns flow into it.

    A source is `table.column` with the table as written (schema included where it was), or `table.*`
    when the whole row may flow in. `direct` says the value is the source's own, unchanged.
    """

    name: str
    sources: tuple[str, ...] = ()
    direct: bool = False


class Statement(msgspec.Struct, frozen=True):
    """One text that a client sent, understood as far as it can be without a catalogue.

    Nothing here holds a literal or a comment, except as offsets in `literals`.

    Attributes:
        kind: The language: `sql`.
        verbs: What it does, sorted; `unknown` where that could not be told.
        resources: Tables and other objects, folded the way the server folds them.
        columns: Columns it mentions, best effort: `customers.email`, `email`, `customers.*`.
        outputs: Lineage of the answer's columns; None where it is not known.
        answers: Of a text with several commands, the same for the answer of each.
        risks: Why a policy might object, sorted.
        commands: How many commands the text holds.
        shape: The text without literals and comments; empty if it could not be parsed.
        hash: Fingerprint of the structure, hexadecimal; empty if it could not be parsed.
        literals: Every constant and comment in the text.
        lookups: Columns compared for plain equality with a constant, a parameter or another column.
        guesses: Columns that a condition or an order could be used to guess the value of.
    """

    kind: str
    verbs: tuple[str, ...]
    resources: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    outputs: tuple[OutputColumn, ...] | None = None
    risks: tuple[str, ...] = ()
    commands: int = 1
    shape: str = ""
    hash: str = ""
    literals: tuple[Span, ...] = ()
    lookups: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    answers: tuple[tuple[OutputColumn, ...] | None, ...] = ()
