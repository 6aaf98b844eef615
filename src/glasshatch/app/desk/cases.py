"""What belongs together, at the desk: timelines, related sessions, aliases at work, incidents from alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ...api.access_values import notice_in
from ...api.alias_values import AliasSuggestion, AliasView
from ...api.graph_values import Graph, GraphForm
from ...api.incident_values import IncidentForm, IncidentView, PinForm
from ...api.ports import IncidentDesk
from ...api.values import ActorView, AlertView, RecordedEvent, Skew, Timeline, TimelineEntry
from ...errors import ConfigError
from ...events import DEFAULT_LEDGER, place_of
from ...identity import Identity
from ...investigate import (
    Alias,
    Aliases,
    History,
    Investigator,
    PinnedEvent,
    Visibility,
    graph,
    suggestions,
    timeline,
    timeline_of,
)
from ..access import Access, require, shown
from ..access.narrowing import seen_by
from .coalescing import Note, note_read
from .investigation import Behind, known_as

_MOST_ALERT_PINS = 20


class Cases(IncidentDesk, Protocol):
    """Where aliases and incidents are kept, and who there is."""

    def list_aliases(self, caller: Identity) -> list[AliasView]: ...
    def list_actors(self, caller: Identity) -> list[ActorView]: ...


class CasePart:
    """The desk's `CaseUseDesk` port but for the post-mortem, over an index and what is kept elsewhere."""

    def __init__(
        self,
        investigator: Investigator,
        behind: Behind,
        note: Note,
        access: Access,
        cases: Cases,
        alerts: Callable[[Identity, str], Sequence[AlertView]],
    ) -> None:
        self._case_asks = investigator
        self._case_behind = behind
        self._case_note = note
        self._case_access = access
        self._cases = cases
        self._case_alerts = alerts

    def timeline(self, caller: Identity, subject: str, limit: int, cursor: str = "") -> Timeline:
        """Events of all sources about one subject, or an incident: its pins and all that it is about.

        A page of them; `cursor` is the `next` of the one before.
        """
        self._case_behind.caught_up()
        eyes = self.case_eyes(caller)
        kind, _, name = subject.partition(":")
        if kind == "incident" and name:
            found = self.incident_history(self._cases.show_incident(caller, name), eyes, limit, cursor)
        else:
            found = timeline(self._case_asks, subject, eyes, limit, cursor)
        self._case_read(caller, "timeline", {"subject": subject}, len(found.entries))
        return self.shown_timeline(caller, found)

    def graph(self, caller: Identity, form: GraphForm) -> Graph:
        """Sessions of all sources that belong together with one."""
        self._case_behind.caught_up()
        found = graph(self._case_asks, form.session, self.case_eyes(caller), hops=form.hops, limit=form.limit)
        self._case_read(caller, "graph", {"session": form.session}, sum(node.events for node in found.nodes))
        notice = notice_in(self._case_access.view(caller))
        return msgspec.structs.replace(msgspec.convert(found, Graph, from_attributes=True), notice=notice)

    def suggest_aliases(self, caller: Identity) -> list[AliasSuggestion]:
        """Principals that look like actors. Nothing comes of it until somebody declares one."""
        require(self._case_access.view(caller), "alias.change")
        self._case_behind.caught_up()
        actors = [(one.id, one.name) for one in self._cases.list_actors(caller)]
        found = suggestions(self._case_asks, actors, self.case_eyes(caller))
        self._case_read(caller, "aliases", {}, len(found))
        return [msgspec.convert(one, AliasSuggestion, from_attributes=True) for one in found]

    def create_incident(self, caller: Identity, form: IncidentForm) -> IncidentView:
        """Open an incident; from an alert with what that tells."""
        return self._cases.create_incident(caller, self._from_alert(caller, form) if form.alert else form)

    begin_incident = create_incident

    def pin_event(self, caller: Identity, incident: str, form: PinForm) -> IncidentView:
        """Pin an event that the caller may see: found in the index, so that no ledger is read for its id."""
        self._case_behind.caught_up()
        hit = self._case_asks.event(form.event, self.case_eyes(caller))
        if hit is None:
            raise ConfigError(
                f"no event {form.event[:80]} that you may see", key="event",
                hint="glasshatch events --format jsonl lists ids",
            )  # fmt: skip
        form = msgspec.structs.replace(form, event=place_of(hit.ledger, hit.index))
        return self._cases.pin_event(caller, incident, form)

    def known_to(self, caller: Identity) -> Aliases:
        """By which aliases the caller knows actors."""
        return aliases_of(self._cases.list_aliases(caller), self._case_asks)

    def case_eyes(self, caller: Identity) -> Visibility:
        """What the caller sees, and whom they know."""
        seen = seen_by(self._case_access, caller, self._case_asks.now_ns())
        return msgspec.structs.replace(seen, known=self.known_to(caller))

    def incident_history(
        self, incident: IncidentView, eyes: Visibility, limit: int, cursor: str = ""
    ) -> History:
        """An incident's pins, and all about what it names."""
        pins = [PinnedEvent(pin.event, pin.why) for pin in incident.pins]
        name = f"incident:{incident.number}"
        return timeline_of(self._case_asks, name, incident.subjects, pins, eyes, limit, cursor)

    def shown_timeline(self, caller: Identity, found: History) -> Timeline:
        """A timeline without what is hidden from the caller."""
        view = self._case_access.view(caller)
        entries = [
            TimelineEntry(
                index=one.index, event=shown(RecordedEvent(one.index, one.event), view.hidden).event,
                link=one.link, why=one.why,
                ledger=msgspec.UNSET if one.ledger == DEFAULT_LEDGER else one.ledger,
                same_as=one.same_as or msgspec.UNSET, known_as=known_as(one.known) or msgspec.UNSET,
            )
            for one in found.entries
        ]  # fmt: skip
        skew = [msgspec.convert(one, Skew, from_attributes=True) for one in found.skew]
        return Timeline(
            subject=found.subject, entries=entries, skew=skew, truncated=found.truncated, next=found.next,
            notice=notice_in(view),
        )  # fmt: skip

    def _from_alert(self, caller: Identity, form: IncidentForm) -> IncidentForm:
        found = [one for one in self._case_alerts(caller, "") if one.id.startswith(form.alert)]
        if len(found) != 1:
            what = "several alerts begin so" if found else "there is no such alert"
            raise ConfigError(what, key="alert", hint="glasshatch alerts ls --state all")
        alert = found[0]
        subjects = [
            f"{kind}:{name}"
            for kind, name in (
                ("session", alert.session),
                ("actor", alert.actor),
                ("resource", alert.resource),
            )
            if name
        ][: 1 if alert.session else 2]
        ledgers = alert.ledgers or (DEFAULT_LEDGER,) * len(alert.indices)
        pins = tuple(
            PinForm(event=place_of(ledger, index), why=f"raised the alert {alert.rule}")
            for ledger, index in zip(ledgers, alert.indices, strict=False)
        )
        return msgspec.structs.replace(
            form, alert=alert.id, title=form.title or (alert.title or alert.rule)[:300],
            severity=alert.severity, subjects=tuple(dict.fromkeys((*form.subjects, *subjects))),
            pins=(*form.pins, *pins[:_MOST_ALERT_PINS]),
        )  # fmt: skip

    def _case_read(self, caller: Identity, what: str, asked: dict[str, str], found: int) -> None:
        note_read(self._case_note, caller, what, asked, found)


def aliases_of(views: Sequence[AliasView], investigator: Investigator) -> Aliases:
    """What was declared, as questions use it; one that never held names nobody."""
    found = [
        Alias(
            id=one.id, namespace=one.namespace, principal=one.principal, actor=one.actor,
            actor_id=one.actor_id, asserted=one.asserted, feed=one.feed, since_ns=int(one.since or 0),
            until_ns=int(one.until or 0),
        )
        for one in views
        if not one.until or int(one.until) > int(one.since or 0)
    ]  # fmt: skip

    def spellings(principal: str) -> Sequence[str]:
        return [redact(principal) for redact in investigator.redactions()]

    return Aliases(found, spellings)
