"""Why somebody reads: asked for where policy shows more to who says it, and kept until the browser closes."""

from __future__ import annotations

import time
from typing import Any, Final

from litestar import Response, post

from ...errors import ConfigError, Denied
from ...identity import MAX_REASON_CHARACTERS, Identity
from ..ports import UseDesk
from .render import see_other
from .signing_in import inside
from .visit import Call, Door

_KNOWN_SECONDS: Final = 30.0
_MOST_KNOWN = 1_000


class Asking:
    """Knows who sees more with a reason than without. Asked for every page, so it remembers for a while."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[str, ...]], tuple[float, bool]] = {}

    def __deepcopy__(self, _: object) -> Asking:
        return self  # as `Door` has it

    def of(self, desk: UseDesk, caller: Identity) -> bool:
        """Whether a reason would show the caller more of the record."""
        key, now = (caller.id, caller.roles), time.monotonic()
        known = self._known.get(key)
        if known is None or known[0] < now:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = (now + _KNOWN_SECONDS, _shows_more(desk, caller))
        return known[1]


def _shows_more(desk: UseDesk, caller: Identity) -> bool:
    try:
        return desk.show_access(caller, "").asks
    except Denied:
        return False


@post("/reason", status_code=303)
async def give_reason(request: Call) -> Response[str]:
    """Read on with a reason, or without one again; every read carries it into the record."""
    door: Door = request.route_handler.opt["door"]
    form: Any = await request.form()
    reason, wanted = str(form.get("reason", "")).strip(), inside(str(form.get("next", "/")))
    if len(reason) > MAX_REASON_CHARACTERS or not reason.isprintable():
        raise ConfigError(f"a reason is one line of at most {MAX_REASON_CHARACTERS} characters", key="reason")
    cookie = door.remember_reason(request, reason) if reason else door.forget_reason(request)
    return see_other(wanted, cookie)
