"""A post-mortem as a page: one file that loads nothing and runs nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from .report import Moment, PostMortem
from .style import STYLE
from .words import LINKS, MARKS, PERSONAL, PRUNED, SEVERITIES, TRUST, clock, lasted, moment

# Controls, invisible and direction-changing characters, lone surrogates: nothing here lies about itself.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_CUT = 180


def render_html(report: PostMortem) -> bytes:
    """The page."""
    return "".join(_page(report)).encode()


def _page(report: PostMortem) -> Iterator[str]:
    title = f"Incident {report.incident.number}: {_safe(report.incident.title)}"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    yield from _head(report)
    yield from _questions(report)
    yield from _pins(report)
    yield from _people(report)
    yield from _data(report)
    yield from _notes(report)
    yield from _timeline(report)
    yield from _sources(report)
    yield from _check(report)
    yield "</main>\n</body>\n</html>\n"


def _head(report: PostMortem) -> Iterator[str]:
    one = report.incident
    yield '<header>\n<p class="over">Post-mortem</p>\n'
    yield f"<h1>{_safe(one.title)}</h1>\n"
    assignee = f", in the hands of {one.assignee}" if one.assignee else ""
    opened = f"opened {moment(one.created)} UTC by {one.created_by}{assignee}"
    yield f"<p>Incident {one.number}, {_safe(opened)}</p>\n"
    chips = [one.status, f"severity {one.severity}: {SEVERITIES[one.severity]}", *one.tags, *one.subjects]
    yield f'<ul class="chips">{"".join(f"<li>{_safe(chip)}</li>" for chip in chips)}</ul>\n</header>\n'
    span = lasted(report.timeline[0].time, report.timeline[-1].time) if report.timeline else "0 s"
    subjects = sum(shown.subjects for shown in report.data)
    tiles = (
        (str(len(report.timeline)) + ("+" if report.truncated else ""), "events on the timeline"),
        (span, "from the first to the last"), (str(len(report.people)), "actors"),
        (str(sum(shown.clear for shown in report.data)), "personal values shown in clear"),
        (str(subjects), "data subjects, by token"), (str(len(report.gaps)), "known gaps"),
    )  # fmt: skip
    yield '<div class="tiles">'
    yield "".join(f"<div><b>{_safe(value)}</b><span>{label}</span></div>" for value, label in tiles)
    yield "</div>\n"


def _questions(report: PostMortem) -> Iterator[str]:
    yield "<section>\n<h2>What was found out</h2>\n"
    for one in report.incident.questions:
        yield f"<h3>{_safe(one.question)}</h3>\n"
        if not one.answer:
            yield '<p class="missing">Not answered.</p>\n'
            continue
        yield f'<p class="answer">{_safe(one.answer)}</p>\n'
        yield f'<p class="quiet">{_safe(one.by)}, {moment(one.time)} UTC</p>\n'
    yield "</section>\n"


def _pins(report: PostMortem) -> Iterator[str]:
    yield "<section>\n<h2>The events it rests on</h2>\n"
    if not (report.pins or report.gone):
        yield '<p class="quiet">No event is pinned.</p>\n'
    for one in report.pins:
        who = f"{one.actor} = {one.known_as}" if one.known_as else one.actor
        facts = " · ".join(text for text in (one.action, one.result, who, one.resource) if text)
        yield f'<article class="pin"><p class="why">{_safe(one.why)}</p>\n'
        yield f"<p>{moment(one.time)} UTC · {_safe(facts)}</p>\n"
        if one.gist:
            yield f"<p><code>{_safe(one.gist)}</code></p>\n"
        where = f"entry {one.place} of the ledger · event {one.event_id}"
        yield f'<p class="quiet">{_safe(where)}</p></article>\n'
    for left in report.gone:
        yield f'<article class="pin"><p class="why">{_safe(left.why)}</p>\n<p class="missing">{PRUNED}</p>\n'
        where = f"entry {left.place} of the ledger · event {left.event}"
        yield f'<p class="quiet">{_safe(where)}</p></article>\n'
    yield "</section>\n"


def _people(report: PostMortem) -> Iterator[str]:
    rows = (
        (one.actor, one.type, ", ".join(one.aliases), str(one.events), str(one.failed), moment(one.first),
         moment(one.last))
        for one in report.people
    )  # fmt: skip
    yield "<section>\n<h2>Who</h2>\n"
    yield from _table(
        ("Actor", "Kind", "Also as", "Events", "Refused or failed", "First", "Last"), rows, (3, 4)
    )
    yield "</section>\n"


def _data(report: PostMortem) -> Iterator[str]:
    rows = (
        (one.actor, one.resource, ", ".join(one.classes), str(one.answers), str(one.rows), str(one.masked),
         str(one.clear), str(one.subjects))
        for one in report.data
    )  # fmt: skip
    yield "<section>\n<h2>What data</h2>\n"
    names = ("To", "Out of", "Classes", "Answers", "Rows", "Masked values", "Clear values", "Data subjects")
    yield from _table(names, rows, (3, 4, 5, 6, 7))
    yield f'<p class="quiet">{PERSONAL}</p>\n</section>\n'


def _notes(report: PostMortem) -> Iterator[str]:
    one = report.incident
    told = [(note.time, note.by, "note", note.text) for note in one.notes]
    told += [(step.time, step.by, f"{step.before} → {step.after}", step.why) for step in one.moves]
    yield "<section>\n<h2>How it was worked on</h2>\n"
    rows = (
        (f"{moment(time)}", by, what, text) for time, by, what, text in sorted(told, key=lambda x: int(x[0]))
    )
    yield from _table(("When (UTC)", "Who", "What", "Text"), rows, ())
    yield "</section>\n"


def _timeline(report: PostMortem) -> Iterator[str]:
    yield "<section>\n<h2>Timeline</h2>\n"
    marks = "; ".join(f"{MARKS[link]} {text}" for link, text in LINKS.items() if MARKS[link])
    cut = " There is more than is shown here." if report.truncated else ""
    yield f'<p class="quiet">All sources in one order, times in UTC. {_safe(marks)}.{cut}</p>\n'
    yield '<div class="scroll"><table>\n<thead><tr>'
    names = ("Time", "", "Source", "Who", "Action", "Result", "Resource", "What", "Why it is here")
    yield "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr></thead>\n<tbody>\n"
    for one in report.timeline:
        yield _line(one)
    yield "</tbody>\n</table></div>\n</section>\n"


def _line(one: Moment) -> str:
    classes = [one.link, *(["failed"] if one.failed else []), *(["pinned"] if one.pinned else [])]
    who = f"{one.actor} = {one.known_as}" if one.known_as else one.actor
    same = f" (= entry {one.same_as})" if one.same_as else ""
    cells = (MARKS[one.link], one.source, who, one.action)
    return (
        f'<tr class="{" ".join(classes)}"><td class="time">{moment(one.time)}</td>'
        f"{''.join(f'<td>{_safe(cell)}</td>' for cell in cells)}"
        f'<td class="result">{_safe(one.result)}</td><td>{_safe(one.resource)}</td>'
        f"<td><code>{_safe(_cut(one.gist))}</code></td><td>{_safe(one.why + same)}</td></tr>\n"
    )


def _sources(report: PostMortem) -> Iterator[str]:
    clocks = {one.source: clock(one) for one in report.skew}
    rows = ((name, str(count), clocks.get(name, "ours")) for name, count in report.sources.items())
    yield "<section>\n<h2>Sources, clocks and gaps</h2>\n"
    yield from _table(("Source", "Events", "Its clock"), rows, (1,))
    if report.gaps:
        yield "<h3>Known gaps</h3>\n<ul>\n"
        yield "".join(f"<li>{moment(one.time)} UTC: {_safe(one.why)}</li>\n" for one in report.gaps)
        yield "</ul>\n"
    else:
        yield '<p class="quiet">No gap of these sources and sessions is known in this time.</p>\n'
    yield "</section>\n"


def _check(report: PostMortem) -> Iterator[str]:
    yield (
        f"<section>\n<h2>Do not trust this page: check it</h2>\n<p>{_safe(TRUST)} Take the public key of "
        f"<strong>{_safe(report.origin)}</strong> from where the operator published it, and then, without a"
        " network and without an account:</p>\n<pre>glasshatch verify POST-MORTEM.zip --key KEY</pre>\n"
        "<p>The same command takes the folder that the file was unpacked to.</p>\n</section>\n"
        f"<footer>Taken out of {_safe(report.origin)} by {_safe(report.made_by)}, {moment(report.made)} UTC."
        "</footer>\n"
    )


def _table(names: Iterable[str], rows: Iterable[Iterable[str]], numbers: tuple[int, ...]) -> Iterator[str]:
    heads = "".join(
        f'<th scope="col"{_number(place, numbers)}>{name}</th>' for place, name in enumerate(names)
    )
    lines = [
        "".join(f"<td{_number(place, numbers)}>{_safe(cell)}</td>" for place, cell in enumerate(row))
        for row in rows
    ]
    if not lines:
        yield '<p class="quiet">Nothing.</p>\n'
        return
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    yield f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n'
    yield "</tbody>\n</table></div>\n"


def _number(place: int, numbers: tuple[int, ...]) -> str:
    return ' class="number"' if place in numbers else ""


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[:_CUT]} …"


def _safe(text: str) -> str:
    """Text as HTML: nothing in it is markup, nothing is invisible, and nothing changes its direction."""
    return html.escape(_HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
