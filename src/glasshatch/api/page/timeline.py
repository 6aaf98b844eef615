"""All about one subject, in one order."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromQuery

from ...errors import ConfigError
from .deeds import deeds_of
from .render import answer, page, row
from .visit import Call, desk_of

_MOST = 500


@page("/timeline")
def timeline(request: Call, subject: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[str]:
    """Events of all sources about a trace, a session, an actor, a resource or a request."""
    subject = subject.strip()
    if not subject:
        return answer(request, "timeline", subject="", found=None, rows=[], problem=None)
    try:
        found = desk_of(request).timeline(request.user.caller, subject, _MOST, after[:20_000])
    except ConfigError as error:
        return answer(request, "timeline", 400, subject=subject, found=None, rows=[], problem=error)
    return answer(
        request, "timeline", subject=subject, found=found, rows=[row(one) for one in found.entries],
        problem=None, after=after, pins="incident.change" in deeds_of(request),
    )  # fmt: skip
