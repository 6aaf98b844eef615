"""What a desk promises about aliases, incidents and sessions that belong together; types only."""

from __future__ import annotations

from typing import Protocol

from ..identity import Identity
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


class AliasDesk(Protocol):
    """Who goes by which name elsewhere."""

    def list_aliases(self, caller: Identity) -> list[AliasView]:
        """All for who may list them; everybody else's answer has their own."""

    def add_alias(self, caller: Identity, form: AliasForm) -> AliasView: ...
    def end_alias(self, caller: Identity, alias_id: str, form: AliasEnd) -> AliasView: ...


class IncidentDesk(Protocol):
    """Incidents, by number or id; each step is recorded before it counts."""

    def create_incident(self, caller: Identity, form: IncidentForm) -> IncidentView: ...
    def list_incidents(self, caller: Identity, status: str) -> list[IncidentSummary]: ...
    def show_incident(self, caller: Identity, incident: str) -> IncidentView: ...
    def pin_event(self, caller: Identity, incident: str, form: PinForm) -> IncidentView: ...
    def note_incident(self, caller: Identity, incident: str, form: NoteForm) -> IncidentView: ...
    def change_incident(self, caller: Identity, incident: str, form: IncidentChange) -> IncidentView: ...
    def move_incident(self, caller: Identity, incident: str, form: MoveForm) -> IncidentView: ...
    def answer_incident(self, caller: Identity, incident: str, form: AnswerForm) -> IncidentView: ...
    def seal_post_mortem(self, caller: Identity, incident: str, form: PostMortemSeal) -> ProofText:
        """Record that a post-mortem is handed out; the proof of that event."""


class CaseUseDesk(Protocol):
    """What of it takes the index."""

    def suggest_aliases(self, caller: Identity) -> list[AliasSuggestion]: ...
    def graph(self, caller: Identity, form: GraphForm) -> Graph: ...
    def export_incident(self, caller: Identity, incident: str) -> bytes:
        """The post-mortem as a zip file; recorded before this returns."""
