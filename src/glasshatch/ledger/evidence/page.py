"""The page of a bundle: its events for people, in one file that loads nothing and runs nothing.

The same facts and events give the same bytes on every machine, because the verifier renders the page
anew to see that it shows what is proven. A change of this module is a new `PAGE_VERSION`.
"""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from ...events import Event, decode
from .contents import Facts
from .style import STYLE

PAGE_VERSION: Final = 1

# C0 and C1 without tab and newline, invisible and direction-changing characters, lone surrogates. The list
# is written out: what Python calls printable differs from one version to the next.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_COLUMNS = ("Entry", "Time (UTC)", "Actor", "Action", "Resource", "Result", "Event")
_CUT = 160


def render_page(facts: Facts, events: Sequence[tuple[int, bytes]]) -> bytes:
    """The bytes of index.html."""
    return "".join(_page(facts, events)).encode()


def _page(facts: Facts, events: Sequence[tuple[int, bytes]]) -> Iterator[str]:
    title = f"Evidence from {_safe(facts.origin)}"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    )
    yield from _summary(facts)
    yield _how_to_verify(facts)
    yield from _table(events)
    yield "</main>\n</body>\n</html>\n"


def _summary(facts: Facts) -> Iterator[str]:
    unsearched = facts.ledger_size - facts.indexed
    searched = f"{facts.indexed} of {facts.ledger_size} entries"
    rows = (
        ("Query", facts.query or "everything"),
        ("Period", f"{_bound(facts.since, 'the beginning')} to {_bound(facts.until, 'the making')}"),
        ("Events", str(facts.events)),
        ("Searched", f"{searched}; the newest {unsearched} were not" if unsearched else searched),
        ("Made by", f"{facts.made_by.name} ({facts.made_by.type}, {facts.made_by.id})"),
        ("Made", f"{_time(facts.made)} UTC"),
        ("Known gaps", _gaps(facts)),
        ("Redaction", facts.redaction),
    )
    yield '<dl class="facts">\n'
    for name, value in rows:
        yield f"<dt>{name}</dt><dd>{_safe(value)}</dd>\n"
    yield "</dl>\n"


def _gaps(facts: Facts) -> str:
    if not facts.gaps:
        return "none is known in the period"
    places = ", ".join(f"entry {gap.index} ({_time(gap.time)} UTC)" for gap in facts.gaps)
    return f"{len(facts.gaps)}: parts of a recording are missing, see {places}"


def _how_to_verify(facts: Facts) -> str:
    return (
        "<section>\n<h2>Do not trust this page: check it</h2>\n<p>Take the public key of "
        f"<strong>{_safe(facts.origin)}</strong> from where the operator published it, not from this file."
        " Then, without a network and without an account:</p>\n"
        "<pre>glasshatch verify BUNDLE.zip --key KEY</pre>\n"
        "<p>It proves that every event is in the ledger under one signed checkpoint, that the ledger recorded"
        " the making of this bundle, and that this page shows these events and nothing else. It cannot prove"
        " that what was recorded is true, nor that everything was. Each file under <code>proofs/</code>"
        " proves one event alone, in the format c2sp.org/tlog-proof.</p>\n</section>\n"
    )


def _table(events: Sequence[tuple[int, bytes]]) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    yield f"<section>\n<h2>Events</h2>\n<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    for index, data in events:
        event = decode(data)
        cells = (_time(event.time), _actor(event), event.action, _resource(event), _result(event))
        shown = "".join(f"<td>{_safe(cell)}</td>" for cell in cells)
        whole = _safe(msgspec.json.format(data, indent=2).decode())
        yield (
            f'<tr id="entry-{index}"{_failed(event)}><th scope="row">{index}</th>{shown}<td>'
            f"<details><summary>{_safe(_cut(_gist(event)))}</summary><pre>{whole}</pre></details></td></tr>\n"
        )
    if not events:
        yield f'<tr><td colspan="{len(_COLUMNS)}">No event matched.</td></tr>\n'
    yield "</tbody>\n</table>\n</section>\n"


def _actor(event: Event) -> str:
    if event.actor is None:
        return ""
    name = event.actor.name or event.actor.id
    return f"{name} for {event.actor.on_behalf_of}" if event.actor.on_behalf_of else name


def _resource(event: Event) -> str:
    return "" if event.resource is None else event.resource.id or event.resource.name


def _result(event: Event) -> str:
    if event.decision is not None:
        return event.decision.effect
    return "" if event.outcome is None else event.outcome.code or event.outcome.status


def _failed(event: Event) -> str:
    refused = event.decision is not None and event.decision.effect != "allow"
    wrong = refused or (event.outcome is not None and event.outcome.status == "failure")
    return ' class="failed"' if wrong else ""


def _gist(event: Event) -> str:
    if event.statement is not None and event.statement.text:
        return event.statement.text
    if event.data is not None and event.data.rows:
        return f"{event.data.rows} rows, {event.data.masked} values masked"
    if event.outcome is not None and event.outcome.reason:
        return event.outcome.reason
    if event.access is not None and event.access.reason:
        return event.access.reason
    told = (event.attrs.get(name) for name in ("message", "explanation", "reason", "what"))
    return next((text for text in told if isinstance(text, str) and text), "details")


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[:_CUT]} …"


def _bound(time_ns: str, otherwise: str) -> str:
    return f"{_time(time_ns)} UTC" if time_ns else otherwise


def _time(time_ns: str) -> str:
    """Nanoseconds as a date, exact to the nanosecond; what no calendar knows stays a number."""
    try:
        seconds, rest = divmod(int(time_ns), 10**9)
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return f"{time_ns} ns"
    return f"{moment.isoformat(sep=' ')}.{rest:09d}"


def _safe(text: str) -> str:
    """Text as HTML: nothing in it is markup, nothing is invisible, and nothing changes its direction."""
    return html.escape(_HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
