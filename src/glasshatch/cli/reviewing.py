"""What there is to review: requests listed and shown, with what a statement would change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..api.change_values import Preview, Ran, StatementView, UndoForm
from ..api.reveal_values import RevealView
from ..api.values import RequestView
from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, clean, emit_json, emit_rows, local_time
from .times import parse_duration

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="A request id or its beginning.")]
_MOST_BYTES = 4 << 20
_MARKS = {"": "~", "most": "<=", "least": ">="}

requests_app = typer.Typer(help="List requests that you may see, or show one.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(requests_app, name="requests")
    app.command()(run)
    app.command()(undo)


@requests_app.callback()
def list_all(
    context: typer.Context,
    state: Annotated[
        str, typer.Option(help="pending, approved, denied, withdrawn, expired, or all.")
    ] = "pending",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List requests that you may see; `glasshatch requests show REQUEST` shows one.

    ROWS is what a statement under review would change: 12 was counted, ~12 is the plan's estimate, <=12 and
    >=12 are bounds, ? is not known. For example: glasshatch requests --state all
    """
    if context.invoked_subcommand is not None:
        return
    with open_desk(data, server, token_file) as desk:
        emit_requests(desk.list_requests("" if state == "all" else state), format)


@requests_app.command()
def show(
    request: RequestArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Show a request: who asks for what and why, and what a statement under review would change.

    For example: glasshatch requests show 0199
    """
    with open_desk(data, server, token_file) as desk:
        emit_request(desk.show_request(request), format)


def run(
    request: RequestArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Run your own statement that somebody approved: once, exactly as it was reviewed.

    It runs in a transaction of its own, all or nothing; rows that it would return are not shown. For example:
    glasshatch run 0199
    """
    with open_desk(data, server, token_file) as desk:
        ran = desk.run_statement(request)
    if format is Format.jsonl:
        emit_json(ran)
    else:
        for line in _told(ran):
            typer.echo(clean(line))
    if ran.outcome != "success":
        raise typer.Exit(1)


def undo(
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="The run: its request, its statement.run or its image.")
    ],
    reason: Annotated[str, typer.Option(help="Why; the reviewer and the record see it.")],
    duration: Annotated[
        str, typer.Option("--for", help="How long it may be run once approved: 10s, 15m, 2h.")
    ] = "1h",
    ticket: Annotated[str, typer.Option(help="A ticket this belongs to.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Prepare what undoes a reviewed UPDATE or DELETE, and ask for a review of that. Nothing is run.

    It puts rows back only where they still are as the statement left them. Once approved: glasshatch run
    REQUEST. For example: glasshatch undo 0199a3c2-7d10-7e4b-9d0a-5b2f6d1c0e11 --reason "wrong month"
    """
    form = UndoForm(event=event, reason=reason, ticket=ticket, duration_s=parse_duration(duration))
    with open_desk(data, server, token_file) as desk:
        emit_request(desk.undo(form), format)


def _told(ran: Ran) -> list[str]:
    rows = "1 row" if ran.affected == 1 else f"{ran.affected} rows"
    lines = [f"done: {rows} changed" if ran.outcome == "success" else f"{ran.outcome}: {ran.reason}"]
    if ran.outcome == "failure":
        lines.append("nothing was changed")
    if ran.image == "taken":
        lines.append(f"before-image of {ran.image_rows} rows: {ran.image_event}")
        lines.append(f"to undo it: glasshatch undo {ran.image_event} --reason WHY")
    elif ran.image == "none" and ran.outcome == "success":
        lines.append(f"no before-image: {ran.image_why}")
    return lines


def emit_requests(found: list[RequestView], format: Format) -> None:
    """Requests, one a line."""
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (
            r.id, r.actor, r.resource, ",".join(r.verbs), rows_in_short(r.statement), f"{r.duration_s}s",
            r.state, r.grant_id[:13], r.reason,
        )
        for r in found
    )  # fmt: skip
    emit_rows(
        ("REQUEST", "ACTOR", "RESOURCE", "VERBS", "ROWS", "FOR", "STATE", "GRANT", "REASON*"),
        rows,
        empty="no request",
    )


def emit_request(view: RequestView, format: Format) -> None:
    """One request, with all there is to know for who judges it."""
    if format is Format.jsonl or not (view.statement or view.reveal):
        emit_requests([view], format)
        return
    lines = _reveal_lines(view, view.reveal) if view.reveal else []
    for name, value in _lines(view, view.statement) if view.statement else lines:
        if value:
            typer.echo(f"{name:<12}{clean(value)}")


def rows_in_short(statement: StatementView | None) -> str:
    """How many rows, in a word; empty where there is no statement."""
    if statement is None:
        return ""
    preview = statement.preview
    if preview is None or preview.rows is None:
        return "?"
    return f"{_MARKS[preview.bound] if not preview.exact else ''}{preview.rows}"


def _lines(view: RequestView, statement: StatementView) -> list[tuple[str, str]]:
    return [
        ("request", f"{view.id} ({view.state})"),
        ("actor", view.actor),
        ("resource", view.resource),
        ("statement", statement.text),
        ("verbs", ", ".join(statement.verbs)),
        ("risks", ", ".join(statement.risks)),
        ("reason", view.reason),
        ("ticket", view.ticket),
        ("asked by", f"rule {statement.rule}" if statement.rule else ""),
        *_measured(statement.preview),
        ("undoes", f"before-image {statement.undoes}" if statement.undoes else ""),
        ("grant", view.grant_id),
        ("run", f"{statement.state} {statement.run_event}".strip() if view.grant_id else ""),
        ("image", statement.image_event or (f"none: {statement.image_why}" if statement.image_why else "")),
    ]


def _reveal_lines(view: RequestView, reveal: RevealView) -> list[tuple[str, str]]:
    """What somebody who judges a request for masked values has to know, line by line."""
    return [
        ("request", f"{view.id} ({view.state})"),
        ("actor", view.actor),
        ("resource", view.resource),
        ("in clear", "; ".join(f"{one.column} ({one.type}, {one.token})" for one in reveal.columns)),
        ("of", ", ".join(reveal.subjects)),
        ("statement", reveal.text),
        ("reason", view.reason),
        ("ticket", view.ticket),
        ("allowed by", f"rule {reveal.rule}" if reveal.rule else ""),
        ("answered", f"event {reveal.origin}" if reveal.origin else ""),
        ("grant", view.grant_id),
        ("shown", f"{reveal.state} {reveal.event or reveal.why}".strip() if view.grant_id else ""),
    ]


def _measured(preview: Preview | None) -> list[tuple[str, str]]:
    if preview is None:
        return [("changes", "not shown to you: it touches masked columns")]
    tables = [f"{one.name} {'?' if one.rows is None else one.rows}" for one in preview.tables]
    return [
        ("changes", in_words(preview)),
        ("tables", ", ".join(tables)),
        ("plan", "" if preview.estimate is None else f"expects {preview.estimate}"),
        ("reaches", ", ".join(preview.further) and f"by foreign keys: {', '.join(preview.further)}"),
        ("triggers", ", ".join(preview.triggers)),
        ("measured", f"{local_time(preview.measured)}, in {preview.took_ms} ms"),
    ]


def in_words(preview: Preview) -> str:
    """What was measured, in a sentence."""
    rows = "1 row" if preview.rows == 1 else f"{preview.rows} rows"
    if preview.rows is None:
        return f"unknown: {preview.why}"
    if preview.exact:
        return f"{rows}, counted" if preview.method == "counted" else f"{rows}, as written in it"
    if preview.bound == "most":
        return f"at most {rows}"
    if preview.bound == "least":
        return f"{rows} and more: what CASCADE reaches was not counted"
    return f"about {rows}, estimated: {preview.why}"


def read_statement(file: str) -> str:
    """The text of a statement: a file, or standard input for `-`; never an argument, which others can see.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        data = sys.stdin.buffer.read(_MOST_BYTES) if file == "-" else Path(file).read_bytes()[:_MOST_BYTES]
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot be read: {type(error).__name__}",
            file=file,
            hint="a file with one statement, or - for standard input",
        ) from None
    if not text.strip():
        raise ConfigError("holds no statement", file=file)
    return text
