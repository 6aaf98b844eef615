"""What a visitor may do: no form is shown to who may not send it. It is judged anew when one is sent."""

from __future__ import annotations

import time
from typing import Final

from ...errors import Denied
from ...identity import Identity
from ..ports import UseDesk
from .visit import Call, desk_of

_KNOWN_SECONDS: Final = 30.0
_MOST_KNOWN = 1_000


class Deeds:
    """Remembers for a while: a page with many rows asks once, and the next page not again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[str, ...]], tuple[float, frozenset[str]]] = {}

    def __deepcopy__(self, _: object) -> Deeds:
        return self  # as `Door` has it

    def of(self, desk: UseDesk, caller: Identity) -> frozenset[str]:
        """The names of what the policy in force lets the caller do at the desk."""
        key, now = (caller.id, caller.roles), time.monotonic()
        known = self._known.get(key)
        if known is None or known[0] < now:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = (now + _KNOWN_SECONDS, _allowed(desk, caller))
        return known[1]


def _allowed(desk: UseDesk, caller: Identity) -> frozenset[str]:
    try:
        return frozenset(one.deed for one in desk.show_access(caller, "").deeds if one.allowed)
    except Denied:
        return frozenset()


def deeds_of(request: Call) -> frozenset[str]:
    """What the visitor may do."""
    deeds: Deeds = request.route_handler.opt["deeds"]
    return deeds.of(desk_of(request), request.user.caller)
