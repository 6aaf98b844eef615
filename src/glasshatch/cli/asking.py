"""Asking for access and judging who asked: request, approve, deny, withdraw, grants, revoke."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..api.change_values import StatementForm
from ..api.values import GrantView, RequestForm
from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time
from .reviewing import emit_request, emit_requests, read_statement
from .times import parse_duration

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="A request id or its beginning.")]
CommentOption = Annotated[str, typer.Option(help="A word to the requester; it is recorded.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (request, approve, deny, withdraw, grants, revoke):
        app.command(command.__name__)(command)


def request(
    resource: Annotated[str, typer.Argument(help="What you want to reach, as in postgres/orders.")],
    reason: Annotated[str, typer.Option(help="Why; the reviewer and the record see it.")],
    verb: Annotated[
        list[str] | None, typer.Option(help="A verb you need, as in update; may be repeated.")
    ] = None,
    statement: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Instead of verbs: one statement, to be run once as it is; - for standard input.",
        ),
    ] = "",
    duration: Annotated[
        str, typer.Option("--for", help="How long the grant lasts once approved: 10s, 15m, 2h.")
    ] = "1h",
    ticket: Annotated[str, typer.Option(help="A ticket this belongs to.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask for access that policy does not give you by itself, or for a review of one statement.

    Who judges a statement sees how many rows it would change. Example, with the statement in a file:
    glasshatch request postgres/orders --statement duplicates.sql --reason "duplicates of the import of 3 May"
    """
    if bool(verb) == bool(statement):
        raise ConfigError("give --verb VERB or --statement FILE", hint="a statement brings its verbs along")
    if not verb:
        _request_statement(resource, statement, reason, duration, ticket, (data, server, token_file), format)
        return
    form = RequestForm(
        resource=resource,
        verbs=tuple(verb or ()),
        duration_s=parse_duration(duration),
        reason=reason,
        ticket=ticket,
    )
    with open_desk(data, server, token_file) as desk:
        emit_requests([desk.create_request(form)], format)


def _request_statement(
    resource: str,
    statement: str,
    reason: str,
    duration: str,
    ticket: str,
    where: tuple[Path | None, str, Path | None],
    format: Format,
) -> None:
    form = StatementForm(
        resource=resource,
        statement=read_statement(statement),
        duration_s=parse_duration(duration),
        reason=reason,
        ticket=ticket,
    )
    with open_desk(*where) as desk:
        emit_request(desk.request_statement(form), format)


def approve(
    request: RequestArgument,
    comment: CommentOption = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Approve somebody else's request; the grant starts now."""
    with open_desk(data, server, token_file) as desk:
        emit_requests([desk.approve(request, comment)], format)


def deny(
    request: RequestArgument,
    comment: CommentOption = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Deny a request."""
    with open_desk(data, server, token_file) as desk:
        emit_requests([desk.deny(request, comment)], format)


def withdraw(
    request: RequestArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Take your own request back."""
    with open_desk(data, server, token_file) as desk:
        emit_requests([desk.withdraw(request)], format)


def grants(
    state: Annotated[str, typer.Option(help="active, expired, revoked, or all.")] = "active",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List grants that you may see."""
    with open_desk(data, server, token_file) as desk:
        _emit_grants(desk.list_grants("" if state == "all" else state), format)


def revoke(
    grant: Annotated[str, typer.Argument(metavar="GRANT", help="A grant id or its beginning.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Take a grant back before its time; the next statement under it is refused."""
    with open_desk(data, server, token_file) as desk:
        _emit_grants([desk.revoke(grant)], format)


def _emit_grants(found: list[GrantView], format: Format) -> None:
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (
            g.id,
            g.actor,
            g.resource,
            ",".join(g.verbs),
            ",".join(g.approvers),
            g.state,
            local_time(g.expires),
            g.reason,
        )
        for g in found
    )
    columns = ("GRANT", "ACTOR", "RESOURCE", "VERBS", "APPROVED BY", "STATE", "EXPIRES", "REASON*")
    emit_rows(columns, rows, empty="no grant")
