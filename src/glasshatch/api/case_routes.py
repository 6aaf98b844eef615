"""The routes of aliases, incidents and related sessions. What they take travels in bodies."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

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
from .routes import Call
from .values import ProofText

_READ = {"scope": "read"}
_REVIEW = {"scope": "review"}
_ADMIN = {"scope": "admin"}
_ONE = "/incidents/{incident:str}"
InStatus = Annotated[str, QueryParameter(name="status")]


def _desk(request: Call) -> Any:
    return request.app.state.desk


@get("/aliases", opt=_READ, sync_to_thread=True)
def list_aliases(request: Call) -> list[AliasView]:
    """Under which names actors appear elsewhere: all of them, or one's own for who may not list all."""
    found: list[AliasView] = _desk(request).list_aliases(request.user)
    return found


@post("/aliases", opt=_ADMIN, sync_to_thread=True)
def add_alias(request: Call, data: JSONBody[AliasForm]) -> AliasView:
    """Say which actor a principal of another system is, and when."""
    made: AliasView = _desk(request).add_alias(request.user, data)
    return made


@post("/aliases/{alias_id:str}/end", opt=_ADMIN, sync_to_thread=True, status_code=200)
def end_alias(request: Call, alias_id: FromPath[str], data: JSONBody[AliasEnd]) -> AliasView:
    """Let an alias hold no more."""
    ended: AliasView = _desk(request).end_alias(request.user, alias_id, data)
    return ended


@get("/incidents", opt=_READ, sync_to_thread=True)
def list_incidents(request: Call, in_status: InStatus = "") -> list[IncidentSummary]:
    """Incidents, oldest first; `status` narrows."""
    found: list[IncidentSummary] = _desk(request).list_incidents(request.user, in_status)
    return found


@post("/incidents", opt=_REVIEW, sync_to_thread=True)
def create_incident(request: Call, data: JSONBody[IncidentForm]) -> IncidentView:
    """Open an incident, from an alert or by hand."""
    made: IncidentView = _desk(request).create_incident(request.user, data)
    return made


@get(_ONE, opt=_READ, sync_to_thread=True)
def show_incident(request: Call, incident: FromPath[str]) -> IncidentView:
    """One incident, whole, by number or id."""
    found: IncidentView = _desk(request).show_incident(request.user, incident)
    return found


@post(f"{_ONE}/pins", opt=_REVIEW, sync_to_thread=True, status_code=200)
def pin_event(request: Call, incident: FromPath[str], data: JSONBody[PinForm]) -> IncidentView:
    """Pin an event to an incident, or take a pin off."""
    done: IncidentView = _desk(request).pin_event(request.user, incident, data)
    return done


@post(f"{_ONE}/notes", opt=_REVIEW, sync_to_thread=True, status_code=200)
def note_incident(request: Call, incident: FromPath[str], data: JSONBody[NoteForm]) -> IncidentView:
    """Write a note into an incident."""
    done: IncidentView = _desk(request).note_incident(request.user, incident, data)
    return done


@post(f"{_ONE}/change", opt=_REVIEW, sync_to_thread=True, status_code=200)
def change_incident(request: Call, incident: FromPath[str], data: JSONBody[IncidentChange]) -> IncidentView:
    """Change title, severity, assignee, tags or what it is about."""
    done: IncidentView = _desk(request).change_incident(request.user, incident, data)
    return done


@post(f"{_ONE}/status", opt=_REVIEW, sync_to_thread=True, status_code=200)
def move_incident(request: Call, incident: FromPath[str], data: JSONBody[MoveForm]) -> IncidentView:
    """Take an incident to its next status."""
    done: IncidentView = _desk(request).move_incident(request.user, incident, data)
    return done


@post(f"{_ONE}/answers", opt=_REVIEW, sync_to_thread=True, status_code=200)
def answer_incident(request: Call, incident: FromPath[str], data: JSONBody[AnswerForm]) -> IncidentView:
    """Answer a question of the incident's runbook."""
    done: IncidentView = _desk(request).answer_incident(request.user, incident, data)
    return done


@post(f"{_ONE}/sealed", opt=_READ, sync_to_thread=True, status_code=200)
def seal_post_mortem(request: Call, incident: FromPath[str], data: JSONBody[PostMortemSeal]) -> ProofText:
    """Record that a post-mortem is handed out."""
    done: ProofText = _desk(request).seal_post_mortem(request.user, incident, data)
    return done


@post("/aliases/suggest", opt=_ADMIN, sync_to_thread=True, status_code=200)
def suggest_aliases(request: Call) -> list[AliasSuggestion]:
    """Principals that look like actors, with what speaks for it; nothing is changed."""
    found: list[AliasSuggestion] = _desk(request).suggest_aliases(request.user)
    return found


@post("/graph", opt=_READ, sync_to_thread=True, status_code=200)
def graph(request: Call, data: JSONBody[GraphForm]) -> Graph:
    """Sessions of all sources that belong together with one."""
    found: Graph = _desk(request).graph(request.user, data)
    return found


@post(
    f"{_ONE}/export", opt=_READ, sync_to_thread=True, status_code=200,
    responses={200: ResponseSpec(bytes, generate_examples=False, description="The post-mortem, a zip file")},
)  # fmt: skip
def export_incident(request: Call, incident: FromPath[str]) -> Response[bytes]:
    """The post-mortem of an incident with proofs of its pins; recorded."""
    made: bytes = _desk(request).export_incident(request.user, incident)
    return Response(made, media_type="application/zip", headers={"cache-control": "no-store"})


CASE_ROUTES: tuple[Any, ...] = (
    list_aliases, add_alias, end_alias, list_incidents, create_incident, show_incident, pin_event,
    note_incident, change_incident, move_incident, answer_incident, seal_post_mortem,
)  # fmt: skip
"""Routes below `/v1/{tenant}` about aliases and incidents."""

CASE_USE_ROUTES: tuple[Any, ...] = (suggest_aliases, graph, export_incident)
"""Those that only a server with a back has."""
