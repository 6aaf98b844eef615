"""Triggers on google-re2: the same hits as Hyperscan's, without its demands on the processor.

RE2 says in one pass which expressions hit at all, and only these are looked for one by one. Where it
runs out of memory it says nothing of it, so a sentinel that always hits tells whether it got to the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from re import _parser as parser

import re2

from ...errors import ConfigError
from ..kernel import Collector
from . import Hit

_MEMORY = 64 << 20
_SENTINEL = rb"\x00"
_PIECE = 1 << 16


class Automata:
    """Compiled expressions. RE2's are safe to share between threads."""

    def __init__(self, expressions: Sequence[str], exact_from: int) -> None:
        self._rules = [_Rule(text, number >= exact_from) for number, text in enumerate(expressions)]
        places = list(range(len(expressions)))
        self._sets = [
            _Set([(place, expressions[place]) for place in group], exact)
            for group, exact in ((places[:exact_from], False), (places[exact_from:], True))
            if group
        ]

    def hits(self, data: bytes, limit: int) -> list[Hit]:
        """Every hit in the data, by its end; raises `OverflowError` for more than `limit`."""
        return self.collect(data, limit).hits

    def collect(self, data: bytes, limit: int) -> Collector:
        """Every hit in the data, as the kernel keeps them; raises `OverflowError` for more than `limit`."""
        found = Collector(limit)
        for group in self._sets:
            for number in group.present(data):
                for end in self._rules[number].ends(data):
                    if found.take(number, 0, end, 0, None):
                        raise OverflowError(f"more than {limit} trigger hits")
        return found


class _Set:
    """Expressions of one case, asked at once."""

    def __init__(self, expressions: Sequence[tuple[int, str]], exact: bool) -> None:
        self._numbers = [number for number, _ in expressions]
        self._set = re2.Set.SearchSet(_options(exact))
        for _, expression in expressions:
            self._set.Add(_encoded(expression))
        self._set.Add(_SENTINEL)
        self._set.Compile()

    def present(self, data: bytes) -> list[int]:
        """The numbers of those that hit."""
        places = self._set.Match(data + b"\0")
        if not places or len(self._numbers) not in places:
            # The automaton grew beyond its memory: then each is looked for by itself.
            return self._numbers
        return sorted(self._numbers[place] for place in places if place < len(self._numbers))


class _Rule:
    """One expression, and every place where a match of it ends."""

    def __init__(self, expression: str, exact: bool) -> None:
        try:
            self._pattern = re2.compile(_encoded(expression), _options(exact))
        except re2.error as error:
            raise ConfigError(
                f"a trigger does not compile: {_said(error)}", hint="simplify the trigger"
            ) from None
        low, high = parser.parse(expression).getwidth()
        self._least, self._fixed = int(low), low == high

    def ends(self, data: bytes) -> Iterator[int]:
        """The ends, each once for each expression, as Hyperscan reports them."""
        search, start, seen = self._pattern.search, 0, set[int]()
        while (match := search(data, start)) is not None:
            start, longest = match.span()
            first = longest if self._fixed else start + self._least
            for end in range(first, longest + 1):
                if end in seen:
                    continue
                if end == longest or self._pattern.fullmatch(data, start, end) is not None:
                    seen.add(end)
                    yield end
            start += 1


def open_triggers(
    expressions: Sequence[str], exact_from: int, cache_dir: Path | None, keep: bool = True
) -> Automata:
    """Compile the expressions. They compile in milliseconds, so nothing is kept on disk."""
    return Automata(expressions, exact_from)


def _options(exact: bool) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = exact
    options.dot_nl = True
    options.longest_match = True
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def _encoded(expression: str) -> bytes:
    return expression.encode("latin-1", "replace")


def _said(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
