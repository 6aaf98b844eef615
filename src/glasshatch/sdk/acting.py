"""On whose behalf the code runs: actor, session, request and client, for every event of a block.

They live in a context variable, so threads of a request and asyncio tasks each have their own; a thread
that is started by hand has none unless it runs in a copy of the context.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

import msgspec

from ..events import Actor, Client


class Acting(msgspec.Struct, frozen=True):
    """What events take from here when they do not say it themselves."""

    actor: Actor | None = None
    session_id: str = ""
    request_id: str = ""
    client: Client | None = None
    labels: Mapping[str, str] = {}


_NOBODY = Acting()
_current: ContextVar[Acting] = ContextVar("glasshatch_acting", default=_NOBODY)


def current_acting() -> Acting:
    """Who acts here; an empty one if nobody said."""
    return _current.get()


@contextlib.contextmanager
def acting_as(
    actor: str | Actor | None = None,
    *,
    session_id: str = "",
    request_id: str = "",
    client: str | Client | None = None,
    labels: Mapping[str, str] | None = None,
) -> Iterator[Acting]:
    """Run a block for somebody; what is not given stays as it is around the block.

    Args:
        actor: Who acts; a text is an id.
        client: Where they come from; a text is an address.
        labels: Added to those around the block, and to each event's own, which go first.
    """
    around = _current.get()
    here = Acting(
        (Actor(id=actor, name=actor) if isinstance(actor, str) else actor) or around.actor,
        session_id or around.session_id,
        request_id or around.request_id,
        (Client(ip=client) if isinstance(client, str) else client) or around.client,
        {**around.labels, **labels} if labels else around.labels,
    )
    token = _current.set(here)
    try:
        yield here
    finally:
        _current.reset(token)
