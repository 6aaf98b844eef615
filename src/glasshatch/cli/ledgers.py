"""Several ledgers in one data directory: which there are, and a new one."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from ..api.values import LedgerForm, LedgerView
from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, escape, say

ledger_app = typer.Typer(help="The ledgers of a data directory.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    ledger_app.command("create")(create)
    ledger_app.command("list")(list_ledgers)
    app.add_typer(ledger_app, name="ledger")


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, - and _.")],
    origin: Annotated[
        str,
        typer.Option(help="Its public name; by default that of the default ledger and /NAME."),
    ] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Make a ledger with keys of its own, as in: glasshatch ledger create orders

    It is recorded in the new ledger and in the default one before this returns. Which streams it takes is
    said in the configuration under ledgers.NAME, and holds from the server's next start on.
    """
    try:
        form = msgspec.convert({"name": name, "origin": origin}, LedgerForm)
    except msgspec.ValidationError:
        raise ConfigError(
            "is no name of a ledger", key="NAME", hint="small letters, digits, - and _, as in orders-eu"
        ) from None
    with open_desk(data, server, token_file) as desk:
        made: LedgerView = desk.create_ledger(form)
    if format is Format.jsonl:
        emit_json(made)
        return
    say(f"The ledger [bold]{escape(made.name)}[/] is there. Its public key, keep a copy elsewhere:")
    typer.echo(made.verifier_key)
    say(f"Next: name its streams under [bold]\\[ledgers.{escape(made.name)}][/] and start the server again")


def list_ledgers(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List the ledgers: name, public key, size and streams of each."""
    with open_desk(data, server, token_file) as desk:
        found: list[LedgerView] = desk.list_ledgers()
    if format is Format.jsonl:
        for ledger in found:
            emit_json(ledger)
        return
    rows = (
        (one.name, str(one.size), _signed(one), one.verifier_key, ", ".join(one.streams) or _rest(one))
        for one in found
    )
    emit_rows(("NAME", "SIZE", "SIGNED", "PUBLIC KEY", "STREAMS*"), rows, empty="")


def _signed(ledger: LedgerView) -> str:
    return ledger.checkpoint.split("\n")[1]


def _rest(ledger: LedgerView) -> str:
    return "everything else" if ledger.name == "default" else "none"
