"""Asking the record through its index: search, stats, and the index itself."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..api.gist import in_order, is_time
from ..api.search_values import CompleteForm
from ..api.values import RecordedEvent, SearchForm, StatsForm
from ..errors import ConfigError, GlasshatchError
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, is_live, open_desk
from .events_table import COLUMNS, emit_table, event_row
from .output import Format, FormatOption, caution, clean, emit_json, emit_rows, local_time, progress_bar, say
from .times import parse_time

_LOOK_AGAIN_SECONDS = 0.2
_BEFORE, _BEHIND = 60, 30
"""So many characters of a query are shown before and behind a mistake."""

index_app = typer.Typer(help="The search index, which is made from the ledger.", no_args_is_help=True)


class Asking(TyperCommand):
    """A command whose query may begin with a minus, as in `-outcome.status:success`, and is no option.

    Where the query has a mistake, it is shown with a caret below the place.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            if error.position:
                _point(str(ctx.params.get("query", "")), error.position)
            raise

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {text}" if _negated(text) else text for text in args])


def _negated(text: str) -> bool:
    return re.match(r"-[^-]", text) is not None and len(text) > 2 and not re.fullmatch(r"-n\d+", text)


def _point(query: str, position: int) -> None:
    """The query on standard error, as much of it as a line takes, and a caret below a place of it."""
    from rich.cells import cell_len

    at = min(position - 1, len(query))
    begin = max(0, at - _BEFORE)
    head = ("…" if begin else "") + clean(query[begin:at])
    rest = clean(query[at : at + _BEHIND]) + ("…" if len(query) > at + _BEHIND else "")
    typer.echo(f"  {head}{rest}\n  {' ' * cell_len(head)}^", err=True)


def _typed(text: str) -> str:
    """The argument as it was typed, so that the places of mistakes are right."""
    return text[1:] if text.startswith(" -") else text


def _suggested(incomplete: str) -> list[str]:
    """The query so far with each suggestion in its place, asked where a command without options would ask.

    A shell that asks is never shown an error. To open a stopped directory, and to write a read into it, is
    too much for a keystroke.
    """
    data, token = (os.environ.get(f"GLASSHATCH_{name}", "") for name in ("DATA", "TOKEN_FILE"))
    server = os.environ.get("GLASSHATCH_SERVER", "")
    if not server and not (data and is_live(Path(data))):
        return []
    try:
        with open_desk(Path(data) if data else None, server, Path(token) if token else None) as desk:
            found = desk.complete(CompleteForm(query=incomplete))
    except GlasshatchError:
        return []
    return [incomplete[: found.start] + one.text for one in found.items]


QueryArgument = Annotated[
    str,
    typer.Argument(
        metavar="QUERY",
        help='As in: actor:alice action:statement.* -outcome.status:success "a phrase"',
        callback=_typed,
        autocompletion=_suggested,
    ),
]
SinceOption = Annotated[str, typer.Option(help="From this time: 2026-01-31T08:00, or 90s, 15m, 2h, 7d ago.")]
UntilOption = Annotated[str, typer.Option(help="Before this time, in the same forms.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("search", cls=Asking)(search)
    app.command("stats", cls=Asking)(stats)
    app.add_typer(index_app, name="index")


def search(
    query: QueryArgument = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Annotated[int, typer.Option(min=0, max=100_000, help="The newest N that match.")] = 100,
    oldest: Annotated[bool, typer.Option("--oldest", help="The oldest N instead.")] = False,
    count: Annotated[bool, typer.Option("--count", help="Print how many match, and nothing else.")] = False,
    proofs: Annotated[
        Path | None,
        typer.Option(
            "--proofs", metavar="F.zip", help="Take all matches out with their proofs, as bundle does."
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Find events in the record, oldest first; an empty query finds all. The search is recorded."""
    if proofs:
        if count:
            raise ConfigError("takes no --proofs", key="--count", hint="leave one out")
        from .evidence import take_bundle

        take_bundle(query, proofs, data, server, token_file, since, until, "", format)
        return
    form = SearchForm(
        query=query, since=parse_time(since), until=parse_time(until),
        limit=0 if count else limit, oldest_first=oldest,
    )  # fmt: skip
    with open_desk(data, server, token_file, reason) as desk:
        found = desk.search(form)
    caution(found.notice)
    if count:
        typer.echo(found.count)
    elif found.table:
        emit_table(found.table, format)
    else:
        _emit_events(in_order(found.events), format)
    if not count and format is Format.table and found.count > len(found.events) and not found.table:
        say(f"[dim]{len(found.events)} of {found.count} matches; --limit shows more[/]")
    if found.indexed < found.ledger_size:
        say(f"[yellow]the index is behind: {found.indexed} of {found.ledger_size} events were searched[/]")


def stats(
    query: QueryArgument = "",
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="Count by this field, or by time as in bin(1h); up to three."),
    ] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most frequent N.")] = 20,
    format: FormatOption = Format.table,
) -> None:
    """Count matching events by the values of fields, by default by action and result."""
    fields = tuple(by) if by else ("action", "outcome.status")
    form = StatsForm(query=query, by=fields, since=parse_time(since), until=parse_time(until), limit=limit)
    with open_desk(data, server, token_file, reason) as desk:
        found = desk.stats(form)
    caution(found.notice)
    if format is Format.jsonl:
        for item in found.rows:
            emit_json(item)
        return
    times = [is_time(name) for name in found.by]
    rows = (
        (
            *(local_time(text) if time else text for text, time in zip(row.values, times, strict=True)),
            str(row.count), str(row.failed), local_time(row.first), local_time(row.last),
        )
        for row in found.rows
    )  # fmt: skip
    columns = (*(name.upper() for name in found.by), "COUNT", "FAILED", "FIRST", "LAST")
    emit_rows(columns, rows, empty="no event matches")
    say(f"[dim]{found.total} events in all[/]")


@index_app.command("rebuild")
def rebuild(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Make the index anew from the ledger; searches are incomplete until it is done.

    Without a server, a rebuild that was interrupted goes on when it is called again. Beside a running server,
    the server does it and goes on whatever happens to this command, which only watches. With --format jsonl
    each line says how far it is.

    Example: glasshatch index rebuild --data ./glasshatch
    """
    lines = format is Format.jsonl
    with (
        open_desk(data, server, token_file) as desk,
        progress_bar("indexing", quiet=lines, counted=True) as progress,
    ):
        size, begun_s = desk.rebuild_index(), time.monotonic()
        looked_s = begun_s
        while (done := desk.index_state()).indexed < size:
            progress(done.indexed, size)
            if lines:
                emit_json(done)
            # Without a server each look is a second of the work itself.
            time.sleep(max(0.0, _LOOK_AGAIN_SECONDS - (time.monotonic() - looked_s)))
            looked_s = time.monotonic()
        progress(done.indexed, size)
    if lines:
        emit_json(done)
        return
    kept = done.indexed - sum(done.minimums.values())
    say(f"{kept} events indexed in {time.monotonic() - begun_s:.1f} s")


@index_app.command("ddl")
def ddl(
    cluster: Annotated[str, typer.Option(help="The cluster's name in the server's configuration.")] = "",
    database: Annotated[str, typer.Option(help="As index.database says.")] = "glasshatch",
    user: Annotated[str, typer.Option(help="As index.user says.")] = "glasshatch",
) -> None:
    """Print what a ClickHouse server needs to keep the index: database, rights, and the table in SQL.

    Example: glasshatch index ddl --cluster main
    """
    from ..index import ddl as statements  # only where the server's parts are installed

    for name in (cluster, database, user):
        if name and not re.fullmatch(r"[A-Za-z_{][A-Za-z0-9_{}.-]{0,62}", name):
            raise ConfigError(f"{name[:40]!r} is no plain name", hint="letters, digits and _ . -")
    for statement in statements(database, user, cluster):
        typer.echo(f"{statement};")


def _emit_events(found: list[RecordedEvent], format: Format) -> None:
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
    else:
        emit_rows(COLUMNS, map(event_row, found), empty="no event matches")
