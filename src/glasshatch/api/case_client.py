"""The client's calls about aliases, incidents and related sessions."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar
from urllib.parse import quote

import msgspec

from .alias_values import AliasEnd, AliasForm, AliasSuggestion, AliasView
from .graph_values import Graph, GraphForm
from .incident_values import (
    AnswerForm,
    IncidentChange,
    IncidentForm,
    IncidentSummary,
    IncidentView,
    MoveForm,
    NoteForm,
    PinForm,
    PostMortemSeal,
)
from .values import ProofText

T = TypeVar("T")
_LOOKING_SECONDS = 120.0
_MAKING_SECONDS = 600.0


class CaseCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def _patience(self, seconds: float) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _path(self, path: str) -> str:
        raise NotImplementedError

    def _open(
        self, method: str, path: str, body: bytes | None, more: dict[str, str]
    ) -> http.client.HTTPResponse:
        raise NotImplementedError

    def _bytes(
        self, response: http.client.HTTPResponse, progress: Callable[[int, int], None] | None = None
    ) -> bytes:
        raise NotImplementedError

    def list_aliases(self) -> list[AliasView]:
        """Every alias there was, or one's own."""
        return self._get("/aliases", list[AliasView])

    def add_alias(self, form: AliasForm) -> AliasView:
        """Say who a principal is."""
        return self._post("/aliases", form, AliasView)

    def end_alias(self, alias_id: str, form: AliasEnd) -> AliasView:
        """Let an alias hold no more."""
        return self._post(f"/aliases/{_id(alias_id)}/end", form, AliasView)

    def suggest_aliases(self) -> list[AliasSuggestion]:
        """Principals that look like actors."""
        with self._patience(_LOOKING_SECONDS):
            return self._post("/aliases/suggest", None, list[AliasSuggestion])

    def graph(self, form: GraphForm) -> Graph:
        """Sessions that belong together."""
        with self._patience(_LOOKING_SECONDS):
            return self._post("/graph", form, Graph)

    def create_incident(self, form: IncidentForm) -> IncidentView:
        """Open an incident."""
        return self._post("/incidents", form, IncidentView)

    def list_incidents(self, status: str) -> list[IncidentSummary]:
        """Incidents, oldest first."""
        return self._get("/incidents", list[IncidentSummary], status=status)

    def show_incident(self, incident: str) -> IncidentView:
        """One, whole."""
        return self._get(f"/incidents/{_id(incident)}", IncidentView)

    def pin_event(self, incident: str, form: PinForm) -> IncidentView:
        """Pin an event, or take a pin off."""
        return self._post(f"/incidents/{_id(incident)}/pins", form, IncidentView)

    def note_incident(self, incident: str, form: NoteForm) -> IncidentView:
        """Write a note."""
        return self._post(f"/incidents/{_id(incident)}/notes", form, IncidentView)

    def change_incident(self, incident: str, form: IncidentChange) -> IncidentView:
        """Change title, severity, assignee, tags or subjects."""
        return self._post(f"/incidents/{_id(incident)}/change", form, IncidentView)

    def move_incident(self, incident: str, form: MoveForm) -> IncidentView:
        """Take it to its next status."""
        return self._post(f"/incidents/{_id(incident)}/status", form, IncidentView)

    def answer_incident(self, incident: str, form: AnswerForm) -> IncidentView:
        """Answer a question of its runbook."""
        return self._post(f"/incidents/{_id(incident)}/answers", form, IncidentView)

    def seal_post_mortem(self, incident: str, form: PostMortemSeal) -> ProofText:
        """Record that a post-mortem is handed out."""
        return self._post(f"/incidents/{_id(incident)}/sealed", form, ProofText)

    def export_incident(self, incident: str, progress: Callable[[int, int], None] | None = None) -> bytes:
        """Its post-mortem, a zip file."""
        with self._patience(_MAKING_SECONDS):
            path = self._path(f"/incidents/{_id(incident)}/export")
            return self._bytes(self._open("POST", path, b"", {}), progress)


def _id(value: str) -> str:
    return quote(value, safe="")
