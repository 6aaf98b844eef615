"""What detection raised: list alerts and take them on."""

from __future__ import annotations

from typing import Annotated

import typer

from ..api.values import AlertView
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time

alerts_app = typer.Typer(help="What detection raised.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(alerts_app, name="alerts")


@alerts_app.command("ls")
def ls(
    state: Annotated[str, typer.Option(help="open, acknowledged, or all.")] = "open",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    format: FormatOption = Format.table,
) -> None:
    """List alerts, newest first."""
    with open_desk(data, server, token_file, reason) as desk:
        _emit(desk.list_alerts("" if state == "all" else state), format)


@alerts_app.command("ack")
def ack(
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="An alert id or its beginning.")],
    comment: Annotated[str, typer.Option(help="What you make of it; it is recorded.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Take an alert on, so that others see somebody looks at it."""
    with open_desk(data, server, token_file) as desk:
        _emit([desk.acknowledge(alert, comment)], format)


def _emit(found: list[AlertView], format: Format) -> None:
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (
            item.id[:16], local_time(item.time), str(item.severity), item.rule, item.actor, item.resource,
            item.state, ",".join(f"{name}:{state}" for name, state in item.deliveries.items()), item.reason,
        )
        for item in found
    )  # fmt: skip
    columns = ("ALERT", "TIME", "SEVERITY", "RULE", "ACTOR", "RESOURCE", "STATE", "DELIVERY", "REASON*")
    emit_rows(columns, rows, empty="no alert")
