"""Events on their way out: the exports of the configuration, and taking events out once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..api.export_values import Exported, ExportForm, ExportReset, ExportResetForm, ExportView
from ..errors import ConfigError
from ..events import decode, place_of
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .investigating import QueryArgument, SinceOption, UntilOption
from .output import Format, FormatOption, emit_json, emit_rows, escape, local_time, progress_bar, say
from .times import parse_time

exports_app = typer.Typer(help="The exports of the configuration, and how they are doing.")
_SHOWN_ASIDE = 5
_JsonOption = Annotated[bool, typer.Option("--json", help="One JSON line for each instead of a table.")]


class EventForm(StrEnum):
    """The forms in which events leave."""

    ocsf = "ocsf"
    cef = "cef"
    jsonl = "jsonl"
    parquet = "parquet"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(exports_app, name="exports")


@exports_app.callback(invoke_without_command=True)
def exports(
    context: typer.Context,
    as_json: _JsonOption = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List the exports: where to, how far behind, how fast, what went wrong.

    Example: glasshatch exports --json --data /srv/glasshatch
    """
    if context.invoked_subcommand is not None:
        return
    with open_desk(data, server, token_file) as desk:
        found = desk.list_exports()
    if as_json or format is Format.jsonl:
        for one in found:
            emit_json(one)
        return
    columns = ("EXPORT", "STATE", "FORM", "DESTINATION", "POSITION", "BEHIND", "LAG", "RATE", "SENT",
               "SET ASIDE", "LAST DELIVERY", "ERROR*")  # fmt: skip
    emit_rows(columns, map(_row, found), empty="no export is configured: docs/guides/export.md")
    for one in found:
        for left in one.aside[-_SHOWN_ASIDE:]:
            where = place_of(left.ledger, left.index)
            say(f"[yellow]{escape(one.name)} set entry {escape(where)} aside[/]: {escape(left.why)}")


def _row(one: ExportView) -> tuple[str, ...]:
    positions = " ".join(f"{ledger}/{index}" for ledger, index in one.positions.items()) or "-"
    return (
        one.name, one.state, one.form, one.destination, positions, str(one.behind), f"{one.lag_seconds} s",
        f"{one.rate}/s", str(one.sent), str(one.set_aside),
        local_time(one.last_delivery) if one.last_delivery else "-", one.error,
    )  # fmt: skip


@exports_app.command("reset")
def reset(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An export, as `glasshatch exports` lists it.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="INDEX", help="The entry that goes next; `end`: what is new."),
    ],
    ledger: Annotated[str, typer.Option(metavar="NAME", help="In which ledger.")] = "default",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Let an export go on from another entry: to send some again, or to leave some out. Recorded.

    Example: glasshatch exports reset siem --to 0 --data /srv/glasshatch
    """
    if to != "end" and not to.isdecimal():
        raise ConfigError("is no index of an entry", key="--to", hint="a number, or end")
    form = ExportResetForm(to=-1 if to == "end" else int(to), ledger=ledger)
    with open_desk(data, server, token_file) as desk:
        done: ExportReset = desk.reset_export(name, form)
    if format is Format.jsonl:
        emit_json(done)
    else:
        where = f"entry {done.after} of {escape(done.ledger)}"
        say(f"{escape(done.name)} goes on from {where} (was {done.before})")


def export_events(
    query: QueryArgument = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The file that is written."),
    ] = None,
    form: Annotated[EventForm, typer.Option("--format", help="How the events look.")] = EventForm.jsonl,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
) -> None:
    """Write all events that match to a file, oldest first; an empty query takes all. Recorded.

    Without -o the events go to standard output. A file is written whole or not at all.

    Example: glasshatch export events 'action:statement.*' --since 7d --format parquet -o week.parquet
    """
    from ..exports import FORMS, write_file

    if out is None and form is EventForm.parquet:
        raise ConfigError("give a file", key="-o", hint="parquet is not written to standard output")
    asked = ExportForm(query=query, since=parse_time(since), until=parse_time(until), form=form.value)
    with open_desk(data, server, token_file, reason) as desk:
        found = desk.export_events(asked)
        with progress_bar("events", quiet=out is None, counted=True) as show:
            written = write_file(FORMS[form.value], _items(found, show), out)
    if out is not None:
        say(f"{written} events written to {escape(str(out))}")


def _items(found: Exported, show: Callable[[int, int], None]) -> Iterator[Any]:
    from ..exports import Item

    for count, one in enumerate(found.events, 1):
        data = bytes(one.event)
        yield Item(one.ledger, one.index, data, decode(data))
        if not count % 500:
            show(count, found.count)
