"""Searching the record: matches, their spread over time, and what they have in common."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from ...errors import ConfigError
from ...identity import Identity
from ..gist import is_time
from ..ports import UseDesk
from ..search_values import CompleteForm, Completion
from ..values import SearchForm, Table
from .chart import chart_of
from .deeds import deeds_of
from .render import answer, page, row
from .visit import Call, desk_of

_PAGE_EVENTS = 50
_HOUR_NS = 3_600 * 10**9
_SPANS = {"15m": _HOUR_NS // 4, "1h": _HOUR_NS, "24h": 24 * _HOUR_NS, "7d": 168 * _HOUR_NS, "all": 0}
_FACETS = ("action", "actor.name", "source.kind", "outcome.status")
_FACET_VALUES = 6
_TIME = re.compile(r"[0-8]?[0-9]{1,18}")  # nanoseconds, as far as the index counts
_PLACE = re.compile(rf"({_TIME.pattern})-([0-9]{{1,4}})")


class Asked(msgspec.Struct, frozen=True):
    """A search as it stands in the address. at: `TIME-SKIP`, where an older page begins."""

    q: str = ""
    span: str = "24h"
    since: str = ""
    until: str = ""
    at: str = ""

    def with_(self, **changes: str) -> str:
        """The address of this search with something changed; a change leaves older pages."""
        asked = msgspec.structs.replace(self, **({"at": ""} | changes))
        members = {name: value for name, value in msgspec.structs.asdict(asked).items() if value}
        return f"/search?{urlencode(members)}"

    def narrowed(self, field: str, value: str) -> str:
        """The address of this search for one value of a field only."""
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return self.with_(q=f'{f"({self.q})" if " OR " in self.q else self.q} {field}:"{quoted}"'.strip())

    def within(self, start: str, stop: str) -> str:
        """The address of this search in one bar of its histogram."""
        return self.with_(span="", since=start, until=stop)


@page("/search")
def search(
    request: Call,
    q: FromQuery[str] = "",
    span: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    at: FromQuery[str] = "",
) -> Response[str]:
    """Events that match, over time, with what they have in common."""
    asked = _asked(q, span, since, until, at)
    start = asked.since or _start_of(asked.span)
    try:
        values = _look(desk_of(request), request.user.caller, asked, start)
    except ConfigError as error:
        return answer(request, "search", 400, asked=asked, spans=_SPANS, problem=error, pins=False)
    pins = "incident.change" in deeds_of(request)
    return answer(request, "search", asked=asked, spans=_SPANS, problem=None, pins=pins, **values)


def _asked(q: str, span: str, since: str, until: str, at: str) -> Asked:
    """What was asked, without what cannot be meant."""
    since, until = (one if _TIME.fullmatch(one) else "" for one in (since, until))
    if not (since or until):
        span = span if span in _SPANS else "24h"
    return Asked(q, "" if since or until else span, since, until, at if _PLACE.fullmatch(at) else "")


def _look(desk: UseDesk, caller: Identity, asked: Asked, start: str) -> dict[str, Any]:
    whole = SearchForm(query=asked.q, since=start, until=asked.until, limit=_PAGE_EVENTS)
    form, skip = _page_form(whole, asked)
    explored = desk.explore(caller, form, whole, _FACETS, _FACET_VALUES)
    found, rows = explored.found, [row(one) for one in explored.found.events[skip:]]
    return {
        "found": found, "rows": rows, "chart": chart_of(explored.histogram, start, asked.until),
        "facets": explored.facets, "made": _made(found.table) if found.table else None,
        "older": _older(asked, rows) if found.next and rows else "",
    }  # fmt: skip


def _page_form(whole: SearchForm, asked: Asked) -> tuple[SearchForm, int]:
    """What to ask for an older page, and how many events of its first instant were shown before."""
    if not asked.at:
        return whole, 0
    time_ns, skip = map(int, asked.at.split("-"))
    return msgspec.structs.replace(whole, until=str(time_ns + 1), limit=_PAGE_EVENTS + skip), skip


def _made(table: Table) -> dict[str, Any]:
    """A table that stages made, each cell with whether it is a time."""
    times = [is_time(name) for name in table.columns]
    rows = [[(cell, time) for cell, time in zip(one, times, strict=True)] for one in table.rows]
    return {"columns": table.columns, "rows": rows, "more": table.more}


@get("/search/complete", sync_to_thread=True)
def complete(request: Call, q: FromQuery[str] = "", caret: FromQuery[int] = -1) -> Completion:
    """What may stand at the caret of the search box."""
    return desk_of(request).complete(request.user.caller, CompleteForm(query=q[:8_192], caret=max(-1, caret)))


def _older(asked: Asked, rows: list[dict[str, Any]]) -> str:
    """Where the next page begins: at the last event's time, past those of that very time that were shown."""
    last = rows[-1]["time"]
    skip = sum(one["time"] == last for one in rows)
    if asked.at.startswith(f"{last}-"):
        skip += int(asked.at.partition("-")[2])
    return f"{last}-{skip}"


def _start_of(span: str) -> str:
    width = _SPANS.get(span, 0)
    return str(time.time_ns() - width) if width else ""
