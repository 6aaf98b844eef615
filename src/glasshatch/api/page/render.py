"""Templates with what they need to show events; everything is escaped, nothing is trusted."""

from __future__ import annotations

import datetime
import unicodedata
from typing import Any, Final

import jinja2
import msgspec
from litestar import Response
from markupsafe import Markup, escape

from ...events import Event
from ..gist import actor_of, failed, gist_of, place_of, result_of, source_of
from ..values import Histogram, RecordedEvent

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_BARS = 60
_HEIGHT = 72


def html(template: str, code: int = 200, **values: Any) -> Response[str]:
    """A page out of a template."""
    text = _templates.get_template(template).render(values)
    return Response(text, status_code=code, media_type="text/html; charset=utf-8", headers=HEADERS)


def row(item: RecordedEvent, why: str = "", link: str = "exact") -> dict[str, Any]:
    """An event as a template shows it in a list."""
    event = msgspec.json.decode(item.event, type=Event)
    return {
        "index": item.index, "id": event.id, "time": event.time, "actor": actor_of(event),
        "source": source_of(event), "action": event.action, "result": result_of(event),
        "failed": failed(event), "place": place_of(event), "gist": gist_of(event),
        "session": event.session_id, "trace": event.trace_id,
        "severity": event.severity, "why": why, "link": link, "event": event,
    }  # fmt: skip


def utc(nanoseconds: str | int) -> Markup:
    """A time in UTC that a script may show in the reader's zone."""
    try:
        moment = datetime.datetime.fromtimestamp(int(nanoseconds) / 1e9, datetime.UTC)
    except (ValueError, OverflowError):
        return escape(f"{nanoseconds} ns")
    exact = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    shown = moment.strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}">{}<span class="zone"> UTC</span></time>').format(exact, shown)


def visible(text: object) -> Markup:
    """Foreign text: escaped, with invisible and direction-changing characters shown."""
    parts = [
        Markup('<span class="odd">{}</span>').format(f"U+{ord(char):04X}")
        if unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") and char not in "\n\t"
        else escape(char)
        for char in str(text)
    ]
    return Markup("").join(parts)


def bars(histogram: Histogram) -> list[dict[str, Any]]:
    """The bars of a histogram in a box of 600 by 72, empty ones left out."""
    if not histogram.bins:
        return []
    width_ns = int(histogram.width_ns)
    first, last = int(histogram.bins[0].start), int(histogram.bins[-1].start)
    count = (last - first) // width_ns + 1
    step, most = 600 / max(count, 12), max(one.count for one in histogram.bins)
    found = []
    for one in histogram.bins:
        height = max(2.0, one.count / most * _HEIGHT)
        bad = one.failed / one.count * height
        found.append({
            "x": round((int(one.start) - first) // width_ns * step, 2),
            "width": round(max(step - 1.5, 1.0), 2),
            "y": round(_HEIGHT - height, 2), "height": round(height, 2),
            "bad_y": round(_HEIGHT - bad, 2), "bad": round(bad, 2), "count": one.count, "failed": one.failed,
            "start": one.start, "stop": str(int(one.start) + width_ns),
        })  # fmt: skip
    return found


def pretty(data: bytes | msgspec.Raw) -> str:
    """Stored JSON, indented."""
    return msgspec.json.format(bytes(data), indent=2).decode("utf-8", "replace")


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("glasshatch.api.page"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"utc": utc, "visible": visible}
