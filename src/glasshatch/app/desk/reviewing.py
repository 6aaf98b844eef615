"""The access review: what everybody could do, beside what they did, for whoever has to confirm it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...api.access_values import AccessReview, ActorStanding
from ...events import Data, Outcome
from ...identity import Identity
from ...investigate import Activity, Investigator, activity_of
from ..access import why
from .coalescing import RECORD, Note
from .investigation import Behind

State = Callable[[Identity], AccessReview]


class ReviewPart:
    """The desk's side of it that needs an index."""

    def __init__(self, investigator: Investigator, behind: Behind, note: Note, state: State) -> None:
        self._reviewed = investigator
        self._reviewed_index = behind
        self._review_note = note
        self._state = state

    def review_access(self, caller: Identity) -> AccessReview:
        """Who can reach what; what of it was used, and who was seen after they left."""
        state = self._state(caller)
        self._reviewed_index.caught_up()
        found = activity_of(self._reviewed, [actor.id for actor in state.actors if actor.disabled])
        self._review_note(
            "record.read",
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            resource=RECORD,
            data=Data(rows=len(state.actors), recipient=caller.id),
            attrs={"what": "access.review"},
            **why(caller),
        )
        actors = tuple(_with(actor, found) for actor in state.actors)
        return msgspec.structs.replace(state, actors=actors)


def _with(actor: ActorStanding, found: Activity) -> ActorStanding:
    grants = []
    for grant in actor.grants:
        uses, last = found.grants.get(grant.id, (0, 0))
        grants.append(msgspec.structs.replace(grant, uses=uses, last_used=_time(last)))
    return msgspec.structs.replace(
        actor, grants=tuple(grants), last_seen=_time(found.last_seen.get(actor.id, 0)),
        left=_time(found.left.get(actor.id, 0)), since_left=found.since_left.get(actor.id, 0),
    )  # fmt: skip


def _time(time_ns: int) -> str:
    return str(time_ns) if time_ns else ""
