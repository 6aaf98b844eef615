"""The first page: the server at a glance."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from litestar import Response

from ...errors import Denied
from ..values import SearchForm
from .chart import chart_of
from .render import answer, page, row
from .visit import Call, desk_of

T = TypeVar("T")
_DAY_NS = 86_400 * 10**9
_SHOWN = 6


@page("/")
def overview(request: Call) -> Response[str]:
    """What happened in a day, what was refused, what waits for somebody."""
    caller, desk = request.user.caller, desk_of(request)
    since = str(time.time_ns() - _DAY_NS)
    day = desk.histogram(caller, SearchForm(since=since))
    refused = desk.search(caller, SearchForm(query="effect:(deny OR review)", since=since, limit=_SHOWN))
    return answer(
        request, "overview", status=desk.status(caller), chart=chart_of(day, since), refused=refused.count,
        rows=[row(one) for one in refused.events],
        alerts=_if_allowed(lambda: desk.list_alerts(caller, "open")),
        requests=_if_allowed(lambda: desk.list_requests(caller, "pending")),
        sessions=list(reversed(desk.list_sessions(caller, _SHOWN))), shown=_SHOWN,
    )  # fmt: skip


def _if_allowed(ask: Callable[[], T]) -> T | None:
    """What is asked for, or None if the visitor's roles or token do not open it."""
    try:
        return ask()
    except Denied:
        return None
