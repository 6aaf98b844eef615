"""Reading the record: events, sessions, one event whole. Every read is itself an event."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from ..api.access_values import notice_in
from ..api.play_values import SessionFilter
from ..api.values import EventFilter, RecordedEvent
from .connection import EVENT_HELP, DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .events_table import COLUMNS, event_row
from .output import Format, FormatOption, caution, emit_json, emit_rows, local_time
from .times import parse_time


class Shape(StrEnum):
    """The shapes of one event."""

    table = "table"
    jsonl = "jsonl"
    json = "json"


class State(StrEnum):
    """What became of a session."""

    open = "open"
    closed = "closed"
    refused = "refused"
    aborted = "aborted"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("events")(events)
    app.command("sessions")(sessions)
    app.command("show")(show)


def events(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    actor: Annotated[str, typer.Option(help="Only this actor, by name or id.")] = "",
    action: Annotated[str, typer.Option(help="Only this action; * matches, as in statement.*")] = "",
    session: Annotated[str, typer.Option(help="Only this session, by id or its beginning.")] = "",
    resource: Annotated[str, typer.Option(help="Only this resource, as in postgres/orders.")] = "",
    since: Annotated[
        str, typer.Option(help="From this time: 2026-01-31T08:00, or 90s, 15m, 2h, 7d ago.")
    ] = "",
    until: Annotated[str, typer.Option(help="Before this time, in the same forms.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest N that match.")] = 100,
    format: FormatOption = Format.table,
) -> None:
    """List recorded events, oldest first."""
    wanted = EventFilter(
        actor=actor, action=action, session=session, resource=resource,
        since=parse_time(since), until=parse_time(until), limit=limit,
    )  # fmt: skip
    with open_desk(data, server, token_file, reason) as desk:
        found: list[RecordedEvent] = desk.list_events(wanted)
        caution(notice_in(desk.show_access("")))
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    emit_rows(COLUMNS, map(event_row, found), empty="no event matches")


def sessions(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    actor: Annotated[str, typer.Option(help="Only of this actor, by name or id.")] = "",
    resource: Annotated[
        str, typer.Option(help="Only on this resource or within it, as in postgres/orders.")
    ] = "",
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    refused: Annotated[
        bool, typer.Option("--refused", help="Only those in which something was refused or held.")
    ] = False,
    since: Annotated[str, typer.Option(help="Opened from this time on, in the forms of events.")] = "",
    until: Annotated[str, typer.Option(help="Opened before this time.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest N.")] = 50,
    format: FormatOption = Format.table,
) -> None:
    """List sessions: who reached what, when, and what came of it.

    As in: glasshatch sessions --actor alice --refused --since 7d
    """
    wanted = SessionFilter(
        actor=actor, resource=resource, state=state.value if state else "", refused=refused,
        since=parse_time(since), until=parse_time(until), limit=limit,
    )  # fmt: skip
    with open_desk(data, server, token_file, reason) as desk:
        found = desk.find_sessions(wanted)
        caution(notice_in(desk.show_access("")))
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (s.id[:13], s.actor, s.resource, local_time(s.opened), s.state,
         str(s.statements), str(s.denied), str(s.rows), str(s.masked))
        for s in found
    )  # fmt: skip
    columns = (
        "SESSION",
        "ACTOR",
        "RESOURCE",
        "OPENED",
        "STATE",
        "STATEMENTS",
        "DENIED",
        "ROWS",
        "MASKED VALUES",
    )
    emit_rows(columns, rows, empty="no session matches")


def show(
    event: Annotated[str, typer.Argument(metavar="EVENT", help=EVENT_HELP)],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    format: Annotated[
        Shape, typer.Option(help="Indented for people, or one JSON line for programs (json and jsonl).")
    ] = Shape.table,
    whole: Annotated[
        bool, typer.Option("--whole", help="Also what is too large for the ledger's entry.")
    ] = False,
) -> None:
    """Show one event, exactly as it is stored.

    Of a very large event the ledger's entry is a short form, which links to the rest under "blob":
    glasshatch show 4711 --whole shows all of it, once it has the hash that the entry names.
    """
    with open_desk(data, server, token_file, reason) as desk:
        item: RecordedEvent = desk.show_whole(event) if whole else desk.show_event(event)
    if format is not Shape.table:
        emit_json(item)
        return
    typer.echo(f"# ledger index {item.place}")
    typer.echo(msgspec.json.format(bytes(item.event), indent=2).decode())
