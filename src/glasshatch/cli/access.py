"""Asking for access and judging who asked: request, approve, deny, withdraw, grants, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from ..api.values import GrantView, RequestForm, RequestView
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time
from .times import parse_duration

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="A request id or its beginning.")]
CommentOption = Annotated[str, typer.Option(help="A word to the requester; it is recorded.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (request, requests, approve, deny, withdraw, grants, revoke):
        app.command(command.__name__)(command)


def request(
    resource: Annotated[str, typer.Argument(help="What you want to reach, as in postgres/orders.")],
    reason: Annotated[str, typer.Option(help="Why; the reviewer and the record see it.")],
    verb: Annotated[list[str], typer.Option(help="A verb you need, as in update; may be repeated.")],
    duration: Annotated[
        str, typer.Option("--for", help="How long the grant lasts once approved: 10s, 15m, 2h.")
    ] = "1h",
    ticket: Annotated[str, typer.Option(help="A ticket this belongs to.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Ask for access that policy does not give you by itself."""
    form = RequestForm(
        resource=resource,
        verbs=tuple(verb),
        duration_s=parse_duration(duration),
        reason=reason,
        ticket=ticket,
    )
    with open_desk(data, server, token_file) as desk:
        _emit_requests([desk.create_request(form)], format)


def requests(
    state: Annotated[
        str, typer.Option(help="pending, approved, denied, withdrawn, expired, or all.")
    ] = "pending",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List requests that you may see."""
    with open_desk(data, server, token_file) as desk:
        _emit_requests(desk.list_requests("" if state == "all" else state), format)


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
        _emit_requests([desk.approve(request, comment)], format)


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
        _emit_requests([desk.deny(request, comment)], format)


def withdraw(
    request: RequestArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Take your own request back."""
    with open_desk(data, server, token_file) as desk:
        _emit_requests([desk.withdraw(request)], format)


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


def _emit_requests(found: list[RequestView], format: Format) -> None:
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (r.id, r.actor, r.resource, ",".join(r.verbs), f"{r.duration_s}s", r.state, r.grant_id[:13], r.reason)
        for r in found
    )
    emit_rows(
        ("REQUEST", "ACTOR", "RESOURCE", "VERBS", "FOR", "STATE", "GRANT", "REASON*"),
        rows,
        empty="no request",
    )


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
