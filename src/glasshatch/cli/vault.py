"""Sealed values: `erase` destroys a data subject's keys, `hold` forbids erasing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..api.vault_values import Erased, EraseForm, HoldForm, HoldView
from ..errors import ConfigError
from ..wholefiles import whole_file
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, clean, console, emit_json, emit_rows, escape, local_time, say

hold_app = typer.Typer(
    help="Legal holds: nothing about a held data subject is erased or pruned.", no_args_is_help=True
)

SubjectArgument = Annotated[
    str,
    typer.Argument(
        metavar="SUBJECT",
        help="A token as events show it, '<EMAIL:…>'; or - for TYPE:value on standard input, "
        "so that no value stands on a command line.",
    ),
]
TicketOption = Annotated[str, typer.Option(help="A ticket this belongs to.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("erase")(erase)
    app.add_typer(hold_app, name="hold")


def erase(
    subject: SubjectArgument,
    reason: Annotated[str, typer.Option(help="Why; the reviewer and the record see it.")],
    ticket: TicketOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is sealed, and whether a hold forbids it.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="Write the signed receipt here; a new file."),
    ] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Destroy the keys of everything sealed about a data subject, for good.

    It takes the role privacy or admin, and somebody else's approval: the first call files a request and
    ends with exit code 3, the same call erases once that is approved. The receipt is a proof of the event
    `subject.erased`; `glasshatch verify` checks it. Example, typing EMAIL:anna@example.com and Ctrl-D:
    glasshatch erase - --reason "request of 3 May"
    """
    if out is not None and out.exists():
        raise ConfigError("exists already", file=str(out), hint="give a new name")
    form = EraseForm(subject=_subject(subject), reason=reason, ticket=ticket, dry_run=dry_run)
    with open_desk(data, server, token_file) as desk:
        erased: Erased = desk.erase(form)
    if out is not None and erased.proof:
        write_secretly(out, erased.proof.encode())
    if format is Format.jsonl:
        emit_json(erased)
        return
    _print_erased(erased, out)


@hold_app.command("place")
def place(
    subject: SubjectArgument,
    reason: Annotated[str, typer.Option(help="Why; the record sees it.")],
    ticket: TicketOption = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Keep everything about a data subject until the hold is released; takes the role privacy or admin."""
    form = HoldForm(subject=_subject(subject), reason=reason, ticket=ticket)
    with open_desk(data, server, token_file) as desk:
        _emit_holds([desk.place_hold(form)], format)


@hold_app.command("release")
def release(
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="A hold's id or its beginning.")],
    reason: Annotated[str, typer.Option(help="Why it ends; the record sees it.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """End a legal hold."""
    with open_desk(data, server, token_file) as desk:
        _emit_holds([desk.release_hold(hold, reason)], format)


@hold_app.command("list")
def list_holds(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List legal holds, released ones too."""
    with open_desk(data, server, token_file) as desk:
        _emit_holds(desk.list_holds(), format)


def write_secretly(file: Path, data: bytes) -> None:
    """A new file for its owner's eyes only; whole and durable when this returns, and not there before."""
    try:
        with whole_file(file, beside=f".{file.name}.{os.getpid()}.new", new=True) as opened:
            opened.write(data)
    except FileExistsError:
        raise ConfigError("exists already", file=str(file), hint="give a new name") from None
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(file)) from None


def _subject(given: str) -> str:
    """The subject as typed, or from standard input."""
    if given != "-":
        return given
    if sys.stdin.isatty():
        say("[dim]TYPE:value, as in EMAIL:somebody@example.com; it is not kept[/]")
    return sys.stdin.readline().rstrip("\r\n")


def _print_erased(erased: Erased, out: Path | None) -> None:
    subjects = escape(clean(", ".join(erased.subjects)))
    print_ = console().print
    if not erased.proof:
        print_(f"{subjects}: {erased.sealed} sealed values under {erased.keys} keys")
        held = f"[yellow]a legal hold forbids to erase them: {', '.join(erased.holds)}[/]"
        print_(held if erased.holds else "no legal hold; nothing was erased: this was a dry run")
        return
    print_(f"[green]erased[/]: {erased.sealed} sealed values of {subjects}; {erased.keys} keys are destroyed")
    where = f"in {escape(str(out))}" if out else "below"
    print_(f"recorded as event {erased.event}, entry {erased.index}; the signed receipt is {where}")
    say(
        "[yellow]not reached: copies of control.db made elsewhere, older moments of backups above all. Give "
        "glasshatch backup to each place again, or destroy what lies there.[/]"
    )
    if out is None:
        sys.stdout.write(erased.proof)


def _emit_holds(holds: list[HoldView], format: Format) -> None:
    if format is Format.jsonl:
        for hold in holds:
            emit_json(hold)
        return
    rows = (
        (
            hold.id, ",".join(hold.subjects), "released" if hold.released else "live", hold.placed_by,
            local_time(hold.created), hold.reason,
        )
        for hold in holds
    )  # fmt: skip
    emit_rows(
        ("HOLD", "SUBJECT", "STATE", "PLACED BY", "SINCE", "REASON*"), rows, empty="there is no legal hold"
    )
