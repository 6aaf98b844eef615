"""Statements that feeds bring, as they may be recorded: like those that pass the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..events import Event, Resource, StatementText
from ..masking import Redactor
from ..sources import PARAMETERS
from ..statements import analyze

_KNOWN_TEXTS = 4_096
_LONGEST_KNOWN = 2_048
_LONGEST = 16_384
_MOST_TABLES = 32
_MOST_PARAMETERS = 64

Told = tuple[StatementText, tuple[str, ...]]
"""A statement as it is recorded, and the tables that it names."""


class StatementTexts:
    """Replaces every constant of a statement by what it is, and every value that it was given.

    A short text that came before is not understood again. Safe from any thread: what is kept is of one
    token key, and nothing is kept of a raw text but itself, in memory.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._tokens: object = redactor.tokens
        self._known: dict[str, Told] = {}

    def clean(self, events: Sequence[Event], language: str) -> list[Event]:
        """The events with the statements that they may keep."""
        if self._tokens is not self._redactor.tokens:
            self._tokens, self._known = self._redactor.tokens, {}
        return [self._event(event, language) if event.statement is not None else event for event in events]

    def _event(self, event: Event, language: str) -> Event:
        assert event.statement is not None
        told, tables = self._told(event.statement.text, language)
        changes: dict[str, Any] = {"statement": told}
        if tables and event.resource is not None:
            base = event.resource.id
            named = {one.name for one in event.resources}
            changes["resources"] = event.resources + tuple(
                Resource(type="table", id=f"{base}/{name}", name=name) for name in tables if name not in named
            )
        if values := event.attrs.get(PARAMETERS):
            changes["attrs"] = {**event.attrs, PARAMETERS: self._parameters(values)}
        return msgspec.structs.replace(event, **changes)

    def _told(self, text: str, language: str) -> Told:
        known = self._known
        if (found := known.get(text)) is not None:
            return found
        statement = analyze(language, text)
        shown = self._redactor.sql(text, statement.literals)
        found = (
            StatementText(text=_cut(shown), shape=_cut(statement.shape), hash=statement.hash),
            statement.resources[:_MOST_TABLES],
        )
        if len(text) <= _LONGEST_KNOWN:
            if len(known) >= _KNOWN_TEXTS:
                known.clear()
            known[text] = found
        return found

    def _parameters(self, values: list[str]) -> list[str]:
        told = self._redactor.bind([one.encode() for one in values[:_MOST_PARAMETERS]], (), ())
        return [*told, "[NOT SHOWN]"] if len(values) > _MOST_PARAMETERS else told


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " [shortened]"
