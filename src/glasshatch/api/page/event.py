"""One event whole, and whether it is in the log."""

from __future__ import annotations

import msgspec
from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from ...errors import ConfigError, VerificationError
from ...events import Event
from ...identity import Identity
from ...ledger.log import ProvenEntry, verify_proof
from ..ports import UseDesk
from ..values import RecordedEvent
from .deeds import deeds_of
from .headers import HEADERS
from .render import html, page, pretty, row
from .visit import Call, desk_of


class Verified(msgspec.Struct, frozen=True):
    """What checking came to: the entry as the log proves it, or why it does not."""

    entry: ProvenEntry | None = None
    problem: str = ""


@page("/events/{event_id:str}")
def event(request: Call, event_id: FromPath[str], verify: FromQuery[str] = "") -> Response[str]:
    """One event; with `verify`, its proof checked against the bytes that are shown."""
    found = _found(request, event_id)
    verified = _verified(desk_of(request), request, found) if verify else None
    shown = row(found)
    return html(
        request, "event.html", current="search", row=shown, raw=pretty(found.event), verified=verified,
        pins="incident.change" in deeds_of(request), mine=_is_own_answer(shown["event"], request.user.caller),
    )  # fmt: skip


@page("/events/{event_id:str}/proof")
def proof(request: Call, event_id: FromPath[str]) -> Response[str]:
    """The proof as a file, for `glasshatch verify`."""
    found = _found(request, event_id)
    given = desk_of(request).prove(request.user.caller, found.place)
    name = f'attachment; filename="event-{row(found)["at"]}.proof"'
    return Response(given.proof, media_type="text/plain", headers=HEADERS | {"Content-Disposition": name})


def _is_own_answer(event: Event, caller: Identity) -> bool:
    """Whether the visitor ran this statement through the hatch, so that they may ask for what it masked."""
    ran = event.action == "statement.run" and event.source is not None and event.source.kind == "gateway"
    return ran and event.actor is not None and event.actor.id == caller.id


def _found(request: Call, event_id: str) -> RecordedEvent:
    try:
        return desk_of(request).show_event(request.user.caller, event_id)
    except ConfigError:
        raise NotFoundException from None


def _verified(desk: UseDesk, request: Call, shown: RecordedEvent) -> Verified:
    """The shown bytes come out of the index, the proof out of the ledger: neither may differ."""
    try:
        given = desk.prove(request.user.caller, shown.place)
        entry = verify_proof(given.proof.encode(), given.verifier_key)
    except VerificationError as error:
        return Verified(problem=error.message)
    if entry.index != shown.index or entry.entry != bytes(shown.event):
        return Verified(problem="what the log holds at this place is not what is shown here")
    return Verified(entry)
