"""What belongs together: `timeline` of one subject, `graph` of related sessions."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from ..api.graph_values import Graph, GraphForm, GraphNode
from ..api.values import RecordedEvent, Skew, Timeline
from ..errors import ConfigError
from ..events import DEFAULT_LEDGER
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .events_table import COLUMNS, event_row
from .output import Format, FormatOption, caution, clean, emit_json, emit_rows, local_time, say

_MARKS = {"exact": " ", "inferred": "~", "gap": "!"}
_SECOND_NS = 10**9
_PAGE = 5_000


class GraphFormat(StrEnum):
    """The shapes of a graph."""

    table = "table"
    json = "json"
    dot = "dot"
    mermaid = "mermaid"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("timeline")(timeline)
    app.command("graph")(graph)


def timeline(
    subject: Annotated[
        str,
        typer.Argument(help="trace:ID, session:ID, actor:NAME, resource:ID, request:ID or incident:NUMBER."),
    ] = "",
    trace: Annotated[str, typer.Option(metavar="ID", help="About this trace.")] = "",
    session: Annotated[str, typer.Option(metavar="ID", help="About this session.")] = "",
    actor: Annotated[str, typer.Option(metavar="NAME", help="About this actor, by name or id.")] = "",
    resource: Annotated[str, typer.Option(metavar="ID", help="About this resource.")] = "",
    incident: Annotated[str, typer.Option(metavar="NUMBER", help="About this incident.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    limit: Annotated[int, typer.Option(min=1, max=10**9, help="At most N events.")] = 1_000,
    format: FormatOption = Format.table,
) -> None:
    """Everything about one subject, of all sources, in one order.

    What stands there by a key (trace, session, request, grant, audit id, alias) has no mark. ~ marks what is
    only inferred, and says why; ! marks where something is missing. Example: glasshatch timeline --session ID
    """
    options = {"trace": trace, "session": session, "actor": actor, "resource": resource, "incident": incident}
    about = _about(subject, options)
    with open_desk(data, server, token_file, reason) as desk:
        pages = _pages(desk, about, limit)
        if format is Format.jsonl:
            for page in pages:
                for entry in page.entries:
                    emit_json(entry)
            return
        found = list(pages)
    _print(found, about)


def _pages(desk: Any, about: str, limit: int) -> Iterator[Timeline]:
    """A long timeline page by page, so that neither side holds all of it."""
    cursor = ""
    while limit > 0:
        page: Timeline = desk.timeline(about, min(limit, _PAGE), cursor)
        if not cursor:
            caution(page.notice)
        yield page
        limit, cursor = limit - len(page.entries), page.next
        if not cursor:
            return


def _about(subject: str, options: dict[str, str]) -> str:
    given = [f"{kind}:{name}" for kind, name in options.items() if name]
    given += [subject] if subject else []
    if len(given) != 1:
        raise ConfigError(
            "give one subject", key="subject",
            hint="as in --trace ID, --session ID, --actor NAME, --resource ID or --incident NUMBER",
        )  # fmt: skip
    return given[0]


def _print(pages: list[Timeline], about: str) -> None:
    rows = []
    for entry in (entry for page in pages for entry in page.entries):
        ledger = entry.ledger if isinstance(entry.ledger, str) else DEFAULT_LEDGER
        row = event_row(RecordedEvent(entry.index, entry.event, ledger, known_as=entry.known_as or None))
        same = f" (= {entry.same_as})" if isinstance(entry.same_as, str) else ""
        rows.append((_MARKS[entry.link], *row, entry.why + same))
    emit_rows(("", *COLUMNS, "WHY*"), rows, empty=f"nothing that you may see is recorded about {about}")
    clocks: dict[str, Skew] = {}
    for skew in (skew for page in pages for skew in page.skew):
        if skew.source not in clocks or clocks[skew.source].of < skew.of:
            clocks[skew.source] = skew
    for skew in clocks.values():
        if text := skew_text(skew):
            say(f"[dim]{text}[/]")
    if pages[-1].truncated:
        say("[yellow]there is more; --limit shows it[/]")


def skew_text(skew: Skew) -> str:
    """How a source's clock stood, in words; nothing where nothing is worth saying."""
    seconds = int(skew.ahead_ns) / _SECOND_NS
    if skew.by == "pairs":
        pairs = f"{skew.of} pair{'s' * (skew.of != 1)} of records"
        return f"the clock of {skew.source} stood {seconds:+.3f} s from the gateway's, by {pairs}"
    if abs(seconds) < 1:
        return ""
    if seconds > 0:
        return f"the clock of {skew.source} is ahead of ours by {seconds:.1f} s or more"
    return (
        f"events of {skew.source} came {-seconds:.1f} s after their time: delivered late, or a clock behind"
    )


def graph(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="A session's id, of any source.")],
    hops: Annotated[int, typer.Option(min=1, max=4, help="How many links away at most.")] = 2,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most N sessions.")] = 50,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    format: Annotated[
        GraphFormat, typer.Option(help="A table, one JSON line, or the text of a drawing.")
    ] = GraphFormat.table,
) -> None:
    """Sessions of all sources that belong together with one, and by what; ~ marks what is only inferred.

    Example: glasshatch graph 0198c1d2-… --format dot | dot -Tsvg > sessions.svg
    """
    with open_desk(data, server, token_file, reason) as desk:
        found: Graph = desk.graph(GraphForm(session=session, hops=hops, limit=limit))
    caution(found.notice)
    if format is GraphFormat.json:
        emit_json(found)
    elif format is GraphFormat.table:
        _print_graph(found)
    else:
        typer.echo(dot(found) if format is GraphFormat.dot else mermaid(found))


def _print_graph(found: Graph) -> None:
    rows: list[tuple[str, ...]] = [
        (str(node.hops), node.id, node.source, node.actor, node.resource, local_time(node.first),
         local_time(node.last), str(node.events))
        for node in found.nodes
    ]  # fmt: skip
    columns = ("HOPS", "SESSION", "SOURCE", "ACTOR", "RESOURCE", "FIRST", "LAST", "EVENTS")
    emit_rows(columns, rows, empty="no session")
    links = [(_MARKS[edge.link], edge.one, edge.other, edge.why) for edge in found.edges]
    if links:
        emit_rows(("", "SESSION", "BELONGS TO", "WHY*"), links, empty="")
    if found.truncated:
        say("[yellow]there is more; --limit and --hops show it[/]")


def dot(found: Graph) -> str:
    """The graph in the language of Graphviz."""
    names = _names(found)
    lines = ["graph sessions {", "  node [shape=box, fontname=sans];"]
    lines += [f'  {names[node.id]} [label="{_quoted(_label(node), chr(92) + "n")}"];' for node in found.nodes]
    for edge in found.edges:
        style = "solid" if edge.link == "exact" else "dashed"
        lines.append(
            f'  {names[edge.one]} -- {names[edge.other]} [style={style}, label="{_quoted([edge.why], "")}"];'
        )
    return "\n".join([*lines, "}"])


def mermaid(found: Graph) -> str:
    """The graph in the language of Mermaid."""
    names = _names(found)
    lines = ["graph LR"]
    lines += [f'  {names[node.id]}["{_quoted(_label(node), "<br>")}"]' for node in found.nodes]
    for edge in found.edges:
        line = "---" if edge.link == "exact" else "-.-"
        lines.append(f'  {names[edge.one]} {line}|"{_quoted([edge.why], "")}"| {names[edge.other]}')
    return "\n".join(lines)


def _names(found: Graph) -> dict[str, str]:
    return {node.id: f"s{number}" for number, node in enumerate(found.nodes)}


def _label(node: GraphNode) -> list[str]:
    return [text for text in (node.id[:24], node.source, node.actor, node.resource) if text]


def _quoted(texts: list[str], between: str) -> str:
    """Texts in a drawing's quotes: what somebody recorded cannot end them."""
    safe: Any = {ord('"'): "'", ord("\\"): "/", ord("<"): "(", ord(">"): ")", ord("|"): "/", ord("\n"): " "}
    return between.join(clean(text).translate(safe) for text in texts)
