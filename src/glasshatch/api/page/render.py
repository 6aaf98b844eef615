"""Templates with what they need to show events; everything is escaped, nothing is trusted."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import jinja2
import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup, escape

from ...events import DEFAULT_LEDGER, Event
from ...events import place_of as ledger_place
from ..gist import actor_of, failed, gist_of, place_of, result_of, source_of
from ..values import RecordedEvent, TimelineEntry
from .files import address
from .headers import HEADERS
from .visit import Call

page = partial(HTTPRouteHandler, http_method=["GET", "HEAD"], sync_to_thread=True)
"""A page that only reads. HEAD is answered, and recorded, like GET."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,199}")
_THEMES = ("light", "dark")
_ODD = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


def html(
    request: Request[Any, Any, Any],
    template: str,
    code: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """A page out of a template, for whoever visits."""
    theme = request.cookies.get("theme", "")
    shown = {
        "visit": request.scope.get("user"), "current": "", "theme": theme if theme in _THEMES else "",
        "here": _here(request),
    }  # fmt: skip
    text = _templates.get_template(template).render(shown | values)
    return Response(text, status_code=code, media_type="text/html", headers=HEADERS | dict(headers or {}))


def _here(request: Request[Any, Any, Any]) -> str:
    """Where the visitor is, to come back to; what a form answered with cannot be come back to."""
    if request.method not in ("GET", "HEAD"):
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def answer(request: Call, current: str, code: int = 200, /, **values: Any) -> Response[str]:
    """The page of a place in the navigation; its template has the same name."""
    return html(request, f"{current}.html", code, current=current, **values)


def see_other(path: str, cookie: Cookie | None = None) -> Response[str]:
    """On to another page, by GET."""
    cookies = [cookie] if cookie else []
    return Response("", status_code=303, headers=HEADERS | {"Location": path}, cookies=cookies)


def fragment(template: str, **values: Any) -> str:
    """A part of a page, on one line."""
    return _templates.get_template(template).render(values).replace("\n", "&#10;")


def row(item: RecordedEvent | TimelineEntry) -> dict[str, Any]:
    """An event as a template shows it in a list."""
    event = msgspec.json.decode(item.event, type=Event)
    entry = item if isinstance(item, TimelineEntry) else None
    ledger = item.ledger if isinstance(item.ledger, str) else DEFAULT_LEDGER
    return {
        "index": ledger_place(ledger, item.index), "at": item.index if ledger == DEFAULT_LEDGER else event.id,
        "id": event.id, "time": event.time, "actor": actor_of(event),
        "source": source_of(event), "action": event.action, "result": result_of(event),
        "failed": failed(event), "place": place_of(event), "gist": gist_of(event),
        "session": event.session_id, "trace": event.trace_id, "event": event,
        "why": entry.why if entry else "", "link": entry.link if entry else "exact",
    }  # fmt: skip


def utc(nanoseconds: str | int, form: str = "second") -> Markup:
    """A time in UTC that a script may show in the reader's zone; `form`: second or minute."""
    try:
        moment = datetime.datetime.fromtimestamp(int(nanoseconds) / 1e9, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return escape(f"{nanoseconds} ns")
    exact = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    day, clock = moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S")
    if form == "minute":
        day, clock = day[5:], clock[:5]
    return Markup(
        '<time datetime="{}" data-form="{}">'
        '<span class="day">{}</span> {}<span class="zone"> UTC</span></time>'
    ).format(exact, form, day, clock)


def visible(text: object) -> Markup:
    """Foreign text: escaped, with invisible and direction-changing characters shown as what they are.

    Letters that run from right to left are kept within their own text, so that they move nothing else.
    """
    plain = str(text).replace("\r\n", "\n")
    parts, begin, leftward = [], 0, False
    for position, char in enumerate(plain):
        if char < "\x7f" and (char >= " " or char in "\n\t"):
            continue
        leftward = leftward or unicodedata.bidirectional(char) in ("R", "AL", "AN")
        if unicodedata.category(char) in _ODD:
            parts += [escape(plain[begin:position]), _odd(char)]
            begin = position + 1
    shown = Markup("").join([*parts, escape(plain[begin:])])
    return Markup("<bdi>{}</bdi>").format(shown) if leftward else shown


def bare(text: str) -> str:
    """Foreign text for a field to write on in: without what nobody sees or what turns it around."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in _ODD)


def plain(text: object) -> str:
    """Foreign text where no element may stand, as in a title."""
    return visible(text).striptags()


def session_address(session_id: str) -> str:
    """Where a session is shown; sessions of other systems may have ids that fit into no path."""
    if _PLAIN_ID.fullmatch(session_id):
        return f"/sessions/{session_id}"
    return timeline_address("session", session_id)


def timeline_address(kind: str, name: str) -> str:
    """Where all about one subject is shown."""
    return f"/timeline?subject={quote(f'{kind}:{name}', safe='')}"


def pretty(data: bytes | msgspec.Raw) -> str:
    """Stored JSON, indented."""
    return msgspec.json.format(bytes(data), indent=2).decode("utf-8", "replace")


def _odd(char: str) -> Markup:
    name = unicodedata.name(char, "a control character").lower()
    return Markup('<span class="odd" title="{}">U+{:04X}</span>').format(name, ord(char))


def _minutes(seconds: int) -> str:
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {word}{'' if seconds == size else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("glasshatch.api.page"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "utc": utc,
    "visible": visible,
    "plain": plain,
    "bare": bare,
    "duration": _minutes,
    "count": "{:,}".format,
}
_templates.globals |= {
    "file": address, "session_address": session_address, "timeline_address": timeline_address,
}  # fmt: skip
