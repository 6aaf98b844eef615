"""Searching the record: matches, their spread over time, and what they have in common."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.params import FromQuery

from ...errors import ConfigError
from ...identity import Identity
from ..ports import UseDesk
from ..values import Found, SearchForm, StatsForm
from .chart import chart_of
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
        return answer(request, "search", 400, asked=asked, spans=_SPANS, problem=error)
    return answer(request, "search", asked=asked, spans=_SPANS, problem=None, **values)


def _asked(q: str, span: str, since: str, until: str, at: str) -> Asked:
    """What was asked, without what cannot be meant."""
    since, until = (one if _TIME.fullmatch(one) else "" for one in (since, until))
    if not (since or until):
        span = span if span in _SPANS else "24h"
    return Asked(q, "" if since or until else span, since, until, at if _PLACE.fullmatch(at) else "")


def _look(desk: UseDesk, caller: Identity, asked: Asked, start: str) -> dict[str, Any]:
    found, rows = _page_of(desk, caller, asked, start)
    histogram = desk.histogram(caller, SearchForm(query=asked.q, since=start, until=asked.until))
    facets = {
        name: desk.stats(caller, _count_by(name, asked, start)).rows for name in _FACETS
    } if found.count else {}  # fmt: skip
    return {
        "found": found, "rows": rows, "chart": chart_of(histogram, start, asked.until), "facets": facets,
        "older": _older(asked, rows) if len(rows) == _PAGE_EVENTS else "",
    }  # fmt: skip


def _count_by(name: str, asked: Asked, start: str) -> StatsForm:
    return StatsForm(query=asked.q, by=(name,), since=start, until=asked.until, limit=_FACET_VALUES)


def _page_of(desk: UseDesk, caller: Identity, asked: Asked, start: str) -> tuple[Found, list[dict[str, Any]]]:
    """The page's events and, in `Found`, how many match on all pages."""
    if not asked.at:
        found = desk.search(
            caller, SearchForm(query=asked.q, since=start, until=asked.until, limit=_PAGE_EVENTS)
        )
        return found, [row(one) for one in found.events]
    time_ns, skip = map(int, asked.at.split("-"))
    form = SearchForm(query=asked.q, since=start, until=str(time_ns + 1), limit=_PAGE_EVENTS + skip)
    older = desk.search(caller, form)
    every = desk.search(caller, SearchForm(query=asked.q, since=start, until=asked.until, limit=0))
    return every, [row(one) for one in older.events[skip:]]


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
