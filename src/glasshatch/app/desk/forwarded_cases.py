"""Aliases and incidents at the back: the front keeps them."""

from __future__ import annotations

import contextlib

from ...api.alias_values import AliasEnd, AliasForm, AliasView
from ...api.client import Client
from ...api.incident_values import (
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
from ...api.values import ProofText
from ...identity import Identity


class ForwardedCases:
    """Mixed into `ForwardedPart`, which knows the front."""

    def _front(self, caller: Identity, address: str = "") -> contextlib.AbstractContextManager[Client]:
        raise NotImplementedError

    def list_aliases(self, caller: Identity) -> list[AliasView]:
        with self._front(caller) as front:
            return front.list_aliases()

    def add_alias(self, caller: Identity, form: AliasForm) -> AliasView:
        with self._front(caller) as front:
            return front.add_alias(form)

    def end_alias(self, caller: Identity, alias_id: str, form: AliasEnd) -> AliasView:
        with self._front(caller) as front:
            return front.end_alias(alias_id, form)

    def create_incident(self, caller: Identity, form: IncidentForm) -> IncidentView:
        with self._front(caller) as front:
            return front.create_incident(form)

    def list_incidents(self, caller: Identity, status: str) -> list[IncidentSummary]:
        with self._front(caller) as front:
            return front.list_incidents(status)

    def show_incident(self, caller: Identity, incident: str) -> IncidentView:
        with self._front(caller) as front:
            return front.show_incident(incident)

    def pin_event(self, caller: Identity, incident: str, form: PinForm) -> IncidentView:
        with self._front(caller) as front:
            return front.pin_event(incident, form)

    def note_incident(self, caller: Identity, incident: str, form: NoteForm) -> IncidentView:
        with self._front(caller) as front:
            return front.note_incident(incident, form)

    def change_incident(self, caller: Identity, incident: str, form: IncidentChange) -> IncidentView:
        with self._front(caller) as front:
            return front.change_incident(incident, form)

    def move_incident(self, caller: Identity, incident: str, form: MoveForm) -> IncidentView:
        with self._front(caller) as front:
            return front.move_incident(incident, form)

    def answer_incident(self, caller: Identity, incident: str, form: AnswerForm) -> IncidentView:
        with self._front(caller) as front:
            return front.answer_incident(incident, form)

    def seal_post_mortem(self, caller: Identity, incident: str, form: PostMortemSeal) -> ProofText:
        with self._front(caller) as front:
            return front.seal_post_mortem(incident, form)
