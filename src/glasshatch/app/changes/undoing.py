"""An undo is prepared: the before-image read, what policy says asked, what has changed since counted, filed.

It never runs by itself, and its values stand in no request: they are read from the vault when it is run.
"""

from __future__ import annotations

import os

from ...api.change_values import UndoForm
from ...control import KeptStatement
from ...errors import ConfigError, Conflict
from ...events import Event, decode, uuid7
from ...gateway import GuardedResource
from ...gateway.errands import (
    PLAIN,
    Image,
    Preview,
    TableRows,
    Upstream,
    outline,
    read_catalogue,
    reversal,
    unchanged_since,
)
from ...identity import Identity
from ...policy import Request
from ..house import House
from ..records import find_event
from .asking import BRIEF, StatementAsking, preview_json, require_person
from .judging import Judged, find_resource, judge, require_not_denied
from .keeping import IMAGED, link_to, read_image

_NO_IMAGE = {
    "truncate": "TRUNCATE leaves no before-image: restore the table from a backup",
    "drop": "DROP leaves no before-image: restore the table from a backup",
    "insert": "an INSERT leaves no before-image: delete the rows with a statement of their own",
    "merge": "a MERGE leaves no before-image",
}


class Undoing:
    """Files undos."""

    def __init__(self, house: House, asking: StatementAsking) -> None:
        self._house = house
        self._asking = asking

    def file(self, caller: Identity, form: UndoForm) -> Request:
        """Put under review what undoes a run.

        Raises:
            ConfigError: The event is no run of a reviewed statement that the caller may see.
            Conflict: It cannot be undone; says why.
            Denied: No approval could let it run.
            Unavailable: The database cannot be asked whether the rows are still as they were left.
        """
        require_person(caller)
        done, left = self._find(caller, form.event)
        self._require_undoable(done, left)
        filing = self._asking.filing(caller, f"statement/{done.resource}", form)
        head, image = read_image(self._house, left)
        steps = reversal(image)
        if not steps:
            raise Conflict("it left every row as it was: there is nothing to undo")
        resource = find_resource(self._house, done.resource)
        with Upstream(
            resource.target, os.urandom, application="glasshatch preview", settings=PLAIN | BRIEF
        ) as upstream:
            judged = judge(self._house, caller, resource, outline(image), read_catalogue(upstream, resource))
            require_not_denied(judged)
            found = self._look(upstream, image, sum(rows for _, rows in steps))
        kept = self._kept(resource, judged, found, head, done)
        return self._asking.store(caller, kept, filing, found, link_to(head.id))

    def _find(self, caller: Identity, wanted: str) -> tuple[KeptStatement, str]:
        """The run that is meant, by one of its events or by its request; and the image that it left.

        A run whose end nobody knows may have left one too: its own event names it then, and whether the rows
        are as the change would have left them says whether it came about.
        """
        control = self._house.control
        for request in control.requests.list():
            if wanted and request.id == wanted and request.kind == "statement":
                mine = caller.id in (request.actor_id, request.on_behalf_of)
                if mine or self._house.may(caller, "change.undo"):
                    kept = control.statements.of_request(request.id)
                    return kept, kept.image_event
        event = self._event(caller, wanted)
        try:
            kept = control.statements.of_request(event.request_id)
        except ConfigError:
            raise ConfigError(
                "the event is no run of a reviewed statement", key="event",
                hint="glasshatch requests --state all shows what was run under a review",
            ) from None  # fmt: skip
        unknown = kept.state == "unknown" and event.action == IMAGED
        return kept, event.id if unknown else kept.image_event

    def _event(self, caller: Identity, wanted: str) -> Event:
        found = find_event(self._house.ledgers.items(), wanted, self._house.sight_of(caller))
        return decode(found.event)

    def _require_undoable(self, done: KeptStatement, left: str) -> None:
        if done.undoes:
            raise Conflict("it is an undo itself", hint="ask for the first statement again")
        if done.state not in ("done", "unknown"):
            raise Conflict(f"there is nothing to undo: the statement is {done.state}")
        if not left:
            known = next((_NO_IMAGE[verb] for verb in done.verbs if verb in _NO_IMAGE), "")
            why = done.image_why or "before-images are off for this resource"
            if done.state == "unknown":
                why = "nobody knows how its run ended; if it left one, give that statement.imaged event"
            raise Conflict(known or f"it left no before-image: {why}")
        now_ns = self._house.clock.now_ns()
        for undo in self._house.control.statements.undoing(left):
            request = self._house.control.requests.get(undo.request_id)
            waits = request.state == "pending" and request.expires_ns > now_ns
            if undo.state in ("started", "done", "unknown") or waits:
                raise Conflict(f"request {request.id} undoes it already", hint="an image is put back once")

    def _look(self, upstream: Upstream, image: Image, rows: int) -> Preview:
        """Count the rows that are still as the change left them.

        Raises:
            Conflict: Some are not.
        """
        begun_ns, begun = self._house.clock.now_ns(), self._house.clock.monotonic_ns()
        texts = ("BEGIN READ ONLY", "SET LOCAL timezone = 'UTC'", unchanged_since(image), "ROLLBACK")
        answer = upstream.query("; ".join(texts))
        if answer.error:
            raise Conflict(
                f"the database refuses to compare the rows (SQLSTATE {answer.error[:5]})",
                hint="was the table changed since?",
            )
        same = int(answer.results[2][0][0] or b"0")
        if same != rows:
            raise Conflict(
                f"{rows - same} of {rows} rows were changed since: it cannot be undone as a whole",
                hint="write a statement for the rows that are left, and have it reviewed",
            )
        took_ms = (self._house.clock.monotonic_ns() - begun) // 1_000_000
        return Preview(
            method="counted", rows=rows, exact=True, tables=(TableRows(image.table.name, rows),),
            measured_ns=begun_ns, took_ms=took_ms,
        )  # fmt: skip

    def _kept(
        self, resource: GuardedResource, judged: Judged, found: Preview, head: Event, done: KeptStatement
    ) -> KeptStatement:
        now_ns, statement = self._house.clock.now_ns(), judged.statement
        return KeptStatement(
            id=uuid7(now_ns, os.urandom(10)), request_id="", resource=resource.facts.id, text="", key_id="",
            shown=statement.shape, shape=statement.shape, hash=statement.hash, verbs=statement.verbs,
            tables=statement.resources, risks=statement.risks, rule=judged.decision.rule,
            near_masked=done.near_masked, preview=preview_json(found), created_ns=now_ns, changed_ns=now_ns,
            undoes=head.id,
        )  # fmt: skip
