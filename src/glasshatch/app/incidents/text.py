"""A post-mortem as Markdown, for a wiki or a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .report import PostMortem
from .words import MARKS, PERSONAL, PRUNED, SEVERITIES, TRUST, clock, lasted, moment

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_CUT = 120
_MOST_LINES = 400


def render_markdown(report: PostMortem) -> bytes:
    """The text; what somebody wrote or recorded is no markup in it."""
    return ("\n".join(_lines(report)) + "\n").encode("utf-8", "replace")


def _lines(report: PostMortem) -> Iterator[str]:
    for part in (_head, _found_out, _exposed, _worked_on, _told_in_time):
        yield from part(report)
    yield "\n## Check it\n"
    yield f"{_safe(TRUST)} `glasshatch verify POST-MORTEM.zip --key KEY` checks it offline."
    yield f"\nTaken out of {_safe(report.origin)} by {_safe(report.made_by)}, {moment(report.made)} UTC."


def _head(report: PostMortem) -> Iterator[str]:
    one = report.incident
    yield f"# Incident {one.number}: {_safe(one.title)}"
    yield ""
    facts = (
        ("Status", one.status), ("Severity", f"{one.severity} ({SEVERITIES[one.severity]})"),
        ("Opened", f"{moment(one.created)} UTC by {one.created_by}"), ("Assignee", one.assignee),
        ("Tags", ", ".join(one.tags)), ("About", ", ".join(one.subjects)), ("Alert", one.alert),
    )  # fmt: skip
    yield from (f"- {name}: {_safe(value)}" for name, value in facts if value)
    if report.timeline:
        span = lasted(report.timeline[0].time, report.timeline[-1].time)
        yield f"- Timeline: {len(report.timeline)} events over {span}"


def _found_out(report: PostMortem) -> Iterator[str]:
    yield "\n## What was found out"
    for question in report.incident.questions:
        yield f"\n### {_safe(question.question)}\n"
        yield _block(question.answer) if question.answer else "*Not answered.*"
    yield "\n## The events it rests on\n"
    for pin in report.pins:
        yield f"- **{_safe(pin.why)}** — {moment(pin.time)} UTC, {_safe(pin.action)} {_safe(pin.result)},"
        place = f"entry {pin.place}, event {pin.event_id}"
        yield f"  {_safe(pin.actor)}, {_safe(pin.resource)}; {_safe(place)}"
        if pin.gist:
            yield f"  {_safe(_cut(pin.gist))}"
    for left in report.gone:
        yield f"- **{_safe(left.why)}** — {_safe(f'entry {left.place}, event {left.event}')}: {PRUNED}"


def _exposed(report: PostMortem) -> Iterator[str]:
    yield "\n## Who\n"
    yield from _table(("Actor", "Also as", "Events", "Refused or failed", "First (UTC)", "Last (UTC)"), (
        (who.actor, ", ".join(who.aliases), str(who.events), str(who.failed), moment(who.first),
         moment(who.last))
        for who in report.people
    ))  # fmt: skip
    yield "\n## What data\n"
    yield from _table(("To", "Out of", "Classes", "Rows", "Masked", "Clear", "Data subjects"), (
        (shown.actor, shown.resource, ", ".join(shown.classes), str(shown.rows), str(shown.masked),
         str(shown.clear), str(shown.subjects))
        for shown in report.data
    ))  # fmt: skip
    yield f"\n{PERSONAL}"


def _worked_on(report: PostMortem) -> Iterator[str]:
    one = report.incident
    yield "\n## How it was worked on\n"
    told = [(note.time, note.by, "note", note.text) for note in one.notes]
    told += [(step.time, step.by, f"{step.before} to {step.after}", step.why) for step in one.moves]
    yield from _table(("When (UTC)", "Who", "What", "Text"), (
        (moment(time), by, what, text) for time, by, what, text in sorted(told, key=lambda item: int(item[0]))
    ))  # fmt: skip


def _told_in_time(report: PostMortem) -> Iterator[str]:
    yield "\n## Timeline\n"
    yield from _table(("Time (UTC)", "", "Source", "Who", "Action", "Result", "Resource", "What", "Why"), (
        (moment(at.time), MARKS[at.link], at.source,
         f"{at.actor} = {at.known_as}" if at.known_as else at.actor, at.action, at.result, at.resource,
         _cut(at.gist), at.why)
        for at in report.timeline[:_MOST_LINES]
    ))  # fmt: skip
    if report.truncated or len(report.timeline) > _MOST_LINES:
        yield "\nThere is more than is shown here; see post-mortem.json."
    yield "\n## Sources and clocks\n"
    clocks = {skew.source: clock(skew) for skew in report.skew}
    yield from _table(("Source", "Events", "Its clock"), (
        (name, str(count), clocks.get(name, "ours")) for name, count in report.sources.items()
    ))  # fmt: skip


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    if not lines:
        yield "Nothing."
        return
    heads = list(names)
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    yield from lines


def _cell(text: str) -> str:
    return _safe(" ".join(text.split()))


def _block(text: str) -> str:
    return "\n".join(_safe(line) for line in text.splitlines())


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[:_CUT]} …"


def _safe(text: str) -> str:
    """Text in which nothing is markup and nothing is invisible."""
    return _MARKUP.sub(r"\\\1", "".join(char if char.isprintable() else " " for char in text))
