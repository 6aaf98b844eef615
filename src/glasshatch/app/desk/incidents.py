"""Incidents at the desk: each step is recorded before it counts, each text redacted before it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ...api.incident_values import (
    AnswerForm,
    AnswerView,
    IncidentChange,
    IncidentForm,
    IncidentSummary,
    IncidentView,
    MoveForm,
    MoveView,
    NoteForm,
    NoteView,
    PinForm,
    PinView,
    PostMortemSeal,
)
from ...api.values import ProofText
from ...control import EntryKind, IncidentEntry, KeptIncident
from ...errors import ConfigError, Conflict
from ...events import Data, Link, Outcome, decode
from ...identity import Identity
from ...ledger.evidence import MANIFEST_REL
from ..access import require, why
from ..house import House
from ..incidents.runbooks import runbook
from ..records import find_event
from .record import RECORD, proof_text

_MOST_NAMES = 50


class IncidentPart:
    """The desk's `IncidentDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._incidents = house.control.incidents

    def create_incident(self, caller: Identity, form: IncidentForm) -> IncidentView:
        """Open one, with its runbook's questions and its first pins.

        Raises:
            ConfigError: It has no title, or there is no such runbook or event.
        """
        self._house.require(caller, "incident.change")
        if not form.title:
            raise ConfigError(
                "an incident needs a title", key="title", hint="say in a few words what happened"
            )
        questions = runbook(form.runbook, self._house.loaded.config.runbooks)
        # Looked for first: of an incident whose pins do not exist nothing is kept.
        pins = [self._pin_entry(caller, pin) for pin in form.pins]
        made = self._incidents.open(
            KeptIncident(
                id="", number=0, title=self._incident_text(form.title), severity=form.severity, status="open",
                assignee="", tags=_distinct(map(self._incident_text, form.tags)), alert=form.alert,
                subjects=_distinct(map(self._incident_text, form.subjects)), runbook=form.runbook,
                questions=questions, entries=0, created_by=caller.name, created_ns=0, changed_ns=0,
            ),
            self._step_time_ns(),
            record=lambda one: self._note_step("incident.opened", caller, one, {
                "title": one.title, "severity": one.severity, "runbook": one.runbook,
                "tags": one.tags, "subjects": one.subjects,
            }, [Link(rel="alert", id=one.alert)] if one.alert else []),
        )  # fmt: skip
        for pin in pins:
            self._put_entry(caller, made.id, "incident.pinned", pin)
        return self._incident_view(made.id)

    def list_incidents(self, caller: Identity, status: str) -> list[IncidentSummary]:
        """Incidents, oldest first."""
        self._house.require(caller, "incident.list")
        found = [_summary(one) for one in self._incidents.all(status)]
        self._read_incidents(caller, {"status": status} if status else {}, len(found))
        return found

    def show_incident(self, caller: Identity, incident: str) -> IncidentView:
        """One, whole. Of pinned events it holds ids and places, and what people wrote of them."""
        self._house.require(caller, "incident.list")
        found = self._incident_view(incident)
        self._read_incidents(caller, {"incident": str(found.number)}, 1)
        return found

    def pin_event(self, caller: Identity, incident: str, form: PinForm) -> IncidentView:
        """Pin an event that the caller may see, or take a pin off.

        Raises:
            ConfigError: There is no such event that the caller may see.
            Conflict: It is pinned already, or is not.
        """
        self._house.require(caller, "incident.change")
        entry = self._pin_entry(caller, form)

        def fits(entries: list[IncidentEntry]) -> None:
            pinned = entry.about in pins_of(entries)
            if pinned is not form.off:
                state = "pinned already" if pinned else "not pinned"
                raise Conflict(
                    f"event {entry.about} is {state} here", hint="glasshatch incidents show lists the pins"
                )

        self._put_entry(caller, incident, "incident.pinned", entry, fits)
        return self._incident_view(incident)

    def note_incident(self, caller: Identity, incident: str, form: NoteForm) -> IncidentView:
        """Write a note."""
        self._house.require(caller, "incident.change")
        self._put_entry(
            caller, incident, "incident.noted", self._incident_entry(caller, "note", "", form.text)
        )
        return self._incident_view(incident)

    def answer_incident(self, caller: Identity, incident: str, form: AnswerForm) -> IncidentView:
        """Answer a question of its runbook; an earlier answer stays and is not shown any more."""
        self._house.require(caller, "incident.change")
        questions = [one.name for one in self._incidents.find(incident).questions]
        if form.question not in questions:
            raise ConfigError(
                "the incident's runbook has no such question", key="question",
                hint=f"there are: {', '.join(questions)}",
            )  # fmt: skip

        def fits(entries: list[IncidentEntry]) -> None:
            given = [one for one in entries if one.kind == "answer" and one.about == form.question]
            if form.seen and given and given[-1].created_ns > int(form.seen):
                raise Conflict(
                    f"{given[-1].by_name} has answered this question meanwhile",
                    hint="read that answer first, then give yours again",
                )

        entry = self._incident_entry(caller, "answer", form.question, form.text)
        self._put_entry(caller, incident, "incident.answered", entry, fits)
        return self._incident_view(incident)

    def move_incident(self, caller: Identity, incident: str, form: MoveForm) -> IncidentView:
        """Take it to its next status."""
        self._house.require(caller, "incident.change")
        reason = self._incident_text(form.why)
        entry = self._incident_entry(caller, "status", "", form.status)
        entry = msgspec.structs.replace(entry, place=reason)
        self._incidents.move(
            incident, entry, self._step_time_ns(),
            record=lambda one, step: self._note_step("incident.moved", caller, one, {
                "before": step.about, "after": step.text, "reason": reason,
            }),
        )  # fmt: skip
        return self._incident_view(incident)

    def change_incident(self, caller: Identity, incident: str, form: IncidentChange) -> IncidentView:
        """Change title, severity, assignee, tags or what it is about."""
        self._house.require(caller, "incident.change")
        assignee = ""
        if form.assignee not in ("", "-"):
            assignee = self._house.control.actors.named(form.assignee).name
        values: dict[str, Any] = {}

        def changed(found: KeptIncident) -> Mapping[str, object]:
            if form.seen and form.seen != _facts(found):
                raise Conflict(
                    f"somebody has changed incident {found.number} meanwhile",
                    hint="look at it again, then give your change again",
                )
            if form.title:
                values["title"] = self._incident_text(form.title)
            if form.severity is not None:
                values["severity"] = form.severity
            if form.assignee:
                values["assignee"] = assignee
            if form.add_tags or form.drop_tags:
                tags = tuple(map(self._incident_text, form.add_tags))
                values["tags"] = _bounded(found.tags, tags, form.drop_tags, "tags")
            if form.add_subjects or form.drop_subjects:
                add = tuple(map(self._incident_text, form.add_subjects))
                values["subjects"] = _bounded(found.subjects, add, form.drop_subjects, "subjects")
            if not values:
                raise ConfigError("nothing would change", hint="say what: --help lists it")
            return values

        self._incidents.change(
            incident, changed, self._step_time_ns(),
            record=lambda one: self._note_step("incident.changed", caller, one, {"changed": dict(values)}),
        )  # fmt: skip
        return self._incident_view(incident)

    def seal_post_mortem(self, caller: Identity, incident: str, form: PostMortemSeal) -> ProofText:
        """Record that a post-mortem is handed out, before it is; the proof of that."""
        view = self._house.entitlements.view(caller)
        require(view, "incident.list")
        require(view, "record.export")
        found = self._incidents.find(incident)
        event = self._house.maker.make("incident.exported", **self._step_members(
            caller, found, {"events": form.events, "pins": form.pins},
            [Link(rel=MANIFEST_REL, id=form.manifest)],
        ))  # fmt: skip
        ledger = self._house.ledger
        return proof_text(ledger.prove(self._house.recorder.record(event).index), ledger)

    def _pin_entry(self, caller: Identity, form: PinForm) -> IncidentEntry:
        house = self._house
        found = find_event(house.ledgers.items(), form.event, house.sight_of(caller))
        kind: EntryKind = "unpin" if form.off else "pin"
        entry = self._incident_entry(caller, kind, decode(found.event).id, form.why)
        return msgspec.structs.replace(entry, place=found.place)

    def _incident_entry(self, caller: Identity, kind: EntryKind, about: str, text: str) -> IncidentEntry:
        return IncidentEntry(
            id="", incident_id="", kind=kind, about=about, place="", text=self._incident_text(text),
            by=caller.id, by_name=caller.name, created_ns=0,
        )  # fmt: skip

    def _put_entry(
        self, caller: Identity, incident: str, action: str, entry: IncidentEntry,
        fits: Callable[[list[IncidentEntry]], None] | None = None,
    ) -> None:  # fmt: skip
        def record(found: KeptIncident, step: IncidentEntry) -> None:
            told = {"note": "text", "pin": "why", "unpin": "why", "answer": "text"}[step.kind]
            attrs: dict[str, object] = {told: step.text}
            links = []
            if step.kind == "answer":
                attrs["question"] = step.about
            if step.kind in ("pin", "unpin"):
                attrs["off"] = step.kind == "unpin"
                links.append(Link(rel="pin", id=step.about))
            self._note_step(action, caller, found, attrs, links)

        self._incidents.put(incident, entry, self._step_time_ns(), fits=fits, record=record)

    def _note_step(
        self, action: str, caller: Identity, found: KeptIncident, attrs: dict[str, Any],
        links: Iterable[Link] = (),
    ) -> None:  # fmt: skip
        self._house.note(action, **self._step_members(caller, found, attrs, links))

    def _step_members(
        self, caller: Identity, found: KeptIncident, attrs: dict[str, Any], links: Iterable[Link]
    ) -> dict[str, Any]:
        return {
            "actor": caller.as_actor(), "outcome": Outcome(status="success"),
            "attrs": {"incident": found.number, **attrs},
            "links": (Link(rel="incident", id=found.id), *links), **why(caller),
        }  # fmt: skip

    def _read_incidents(self, caller: Identity, asked: dict[str, str], count: int) -> None:
        self._house.note(
            "record.read", actor=caller.as_actor(), outcome=Outcome(status="success"), resource=RECORD,
            data=Data(rows=count, recipient=caller.id), attrs={"what": "incidents", "filter": asked},
            **why(caller),
        )  # fmt: skip

    def _incident_view(self, incident: str) -> IncidentView:
        found = self._incidents.find(incident)
        return view_of(found, self._incidents.entries(found.id))

    def _incident_text(self, text: str) -> str:
        return self._house.redactor.text(text)[0]

    def _step_time_ns(self) -> int:
        return self._house.clock.now_ns()


def view_of(found: KeptIncident, entries: list[IncidentEntry]) -> IncidentView:
    """An incident with what was put into it."""
    answers = {entry.about: entry for entry in entries if entry.kind == "answer"}
    return IncidentView(
        **msgspec.structs.asdict(_summary(found)), created_by=found.created_by, subjects=found.subjects,
        runbook=found.runbook, pins=tuple(map(_pin, pins_of(entries).values())), facts=_facts(found),
        questions=tuple(_answered(one.name, one.text, answers.get(one.name)) for one in found.questions),
        notes=tuple(
            NoteView(text=one.text, by=one.by_name, time=str(one.created_ns))
            for one in entries if one.kind == "note"
        ),
        moves=tuple(
            MoveView(
                before=one.about, after=one.text, why=one.place, by=one.by_name, time=str(one.created_ns)
            )
            for one in entries if one.kind == "status"
        ),
    )  # fmt: skip


def pins_of(entries: Iterable[IncidentEntry]) -> dict[str, IncidentEntry]:
    """The pins that were not taken off again, by event, the oldest first."""
    pins: dict[str, IncidentEntry] = {}
    for entry in entries:
        if entry.kind == "pin":
            pins[entry.about] = entry
        elif entry.kind == "unpin":
            pins.pop(entry.about, None)
    return pins


def _pin(entry: IncidentEntry) -> PinView:
    return PinView(
        event=entry.about, place=entry.place, why=entry.text, by=entry.by_name, time=str(entry.created_ns)
    )


def _facts(found: KeptIncident) -> str:
    """A short name for what `change_incident` changes, as it is now."""
    told = (found.title, found.severity, found.assignee, found.tags, found.subjects)
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


def _answered(name: str, text: str, entry: IncidentEntry | None) -> AnswerView:
    if entry is None:
        return AnswerView(name=name, question=text)
    return AnswerView(
        name=name, question=text, answer=entry.text, by=entry.by_name, time=str(entry.created_ns)
    )


def _summary(found: KeptIncident) -> IncidentSummary:
    return IncidentSummary(
        number=found.number, id=found.id, title=found.title, severity=found.severity, status=found.status,
        created=str(found.created_ns), changed=str(found.changed_ns), assignee=found.assignee,
        tags=found.tags, alert=found.alert, entries=found.entries,
    )  # fmt: skip


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _bounded(held: tuple[str, ...], add: Iterable[str], drop: Iterable[str], what: str) -> tuple[str, ...]:
    left = [one for one in _distinct((*held, *add)) if one not in set(drop)]
    if len(left) > _MOST_NAMES:
        raise Conflict(f"an incident has at most {_MOST_NAMES} {what}", hint="take some off first")
    return tuple(left)
