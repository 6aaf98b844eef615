"""Who saw whom, at the desk: recorded before it is answered, by tokens and never by values."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...api.exposure_values import ExposedAnswer, Exposure, ExposureForm, SeenBy
from ...errors import ConfigError
from ...events import Data, Outcome
from ...identity import Identity
from ...investigate import Exposed, ExposureQuery, Investigator, exposures
from ..access import Access, may, refuse_hidden, why
from ..access.narrowing import not_kept_from, seen_by
from .coalescing import RECORD, Note
from .investigation import Behind

Subjects = Callable[[str], tuple[str, ...]]


class ExposurePart:
    """The desk's `ExposureDesk` port. Auditors see all; others what was shown to themselves.

    Whoever answers for data subjects sees all that was shown of a subject, and has to name it; but for what a
    rule of the access policy forbids them.
    """

    def __init__(
        self, investigator: Investigator, behind: Behind, note: Note, subjects: Subjects, access: Access
    ) -> None:
        self._exposing = investigator
        self._exposed_index = behind
        self._exposure_note = note
        self._tokens_of = subjects
        self._exposure_access = access

    def exposure(self, caller: Identity, form: ExposureForm) -> Exposure:
        """The answers that match, and who got them."""
        for name in ("since", "until"):
            _require_time(name, getattr(form, name))
        subjects = self._tokens_of(form.subject) if form.subject else ()
        view = self._exposure_access.view(caller)
        refuse_hidden(view, "who saw whom", "subjects")
        visible = seen_by(self._exposure_access, caller, self._exposing.now_ns())
        if subjects and may(view, "exposure.subject"):
            visible = not_kept_from(view, self._exposing.now_ns())
        state = self._exposed_index.caught_up()
        wanted = ExposureQuery(
            subjects=subjects, actor=form.actor, resource=form.resource, data_class=form.data_class,
            since=form.since, until=form.until, limit=form.limit,
        )  # fmt: skip
        found = exposures(self._exposing, wanted, visible)
        self._note_exposure(caller, wanted, found.count)
        return Exposure(
            subjects=subjects, answers=tuple(map(_answer, found.entries)), count=found.count,
            seen=tuple(msgspec.convert(one, SeenBy, from_attributes=True) for one in found.seen),
            indexed=state.indexed, ledger_size=state.ledger_size,
        )  # fmt: skip

    def _note_exposure(self, caller: Identity, wanted: ExposureQuery, found: int) -> None:
        """Record the read before its answer leaves; a subject stands in it by its tokens."""
        given = {
            "subject": " ".join(wanted.subjects), "actor": wanted.actor, "resource": wanted.resource,
            "class": wanted.data_class, "since": wanted.since, "until": wanted.until,
        }  # fmt: skip
        self._exposure_note(
            "record.read",
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            resource=RECORD,
            data=Data(rows=found, recipient=caller.id),
            attrs={"what": "exposure", "filter": {name: value for name, value in given.items() if value}},
            **why(caller),
        )


def _answer(found: Exposed) -> ExposedAnswer:
    event, data = found.event, found.event.data or Data()
    return ExposedAnswer(
        event=event.id, index=found.hit.index, ledger=found.hit.ledger, time=event.time, action=event.action,
        actor=(event.actor.name or event.actor.id) if event.actor else "",
        on_behalf_of=event.actor.on_behalf_of if event.actor else "",
        resource=event.resource.id if event.resource else "", session=event.session_id,
        rows=data.rows, masked=data.masked, clear=data.clear, classes=data.classes, columns=data.columns,
        subjects=data.subjects, how=found.how,
    )  # fmt: skip


def _require_time(name: str, text: str) -> None:
    if text and not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ConfigError("is no time in nanoseconds", key=name)
