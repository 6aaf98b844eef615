"""Break-glass sheets: printed and sealed beforehand, used in need, reviewed afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..api.breakglass_values import PrintForm, SheetPrinted, SheetReview, SheetView
from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say
from .times import parse_duration

NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="The number on the sheet.")]
_SHEET = """\
{line}
 BREAK-GLASS SHEET {number:04}                                holder: {holder}
{line}
 Opens {resources}
 for {minutes} minutes from its first use. Works sealed until {until}.

 In need, connect as usual, as {holder}, and type as the password, in one line:

     {text} WHY YOU NEED IT

 It works while nobody can approve and while nothing else records.
 Everybody is told. Somebody else must review it before you can use another one.
{line}
"""

app = typer.Typer(help="Sheets that open a session when nobody can approve one.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add this group's commands."""
    root.add_typer(app, name="break-glass")


@app.command("print")
def print_(
    holder: Annotated[str, typer.Argument(help="Whose sheets they are, by name.")],
    resource: Annotated[
        list[str], typer.Option(help="What they open, as in postgres/orders or postgres/*; may be repeated.")
    ],
    verb: Annotated[
        list[str] | None, typer.Option(help="Only these verbs; by default all that a grant could give.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=20, help="How many sheets.")] = 1,
    valid: Annotated[str, typer.Option(help="How long a sheet may lie sealed: 30d, 180d.")] = "180d",
    window: Annotated[str, typer.Option(help="How long it opens sessions from its first use on.")] = "1h",
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="A new file (mode 0600) to print from; not the terminal."),
    ] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Make sheets, numbered, to be printed and sealed; their texts are shown this once.

    Nobody prints for themselves. Example:
    glasshatch break-glass print alice --resource "postgres/*" --count 2 -o sheets.txt
    """
    form = PrintForm(
        holder=holder, resources=tuple(resource), verbs=tuple(verb or ("*",)), count=count,
        valid_s=parse_duration(valid), window_s=parse_duration(window),
    )  # fmt: skip
    # Opened first: a sheet that cannot be written down is lost, and its number is not used again.
    descriptor = _new_file(out) if out is not None else -1
    with open_desk(data, server, token_file) as desk:
        printed: list[SheetPrinted] = desk.print_sheets(form)
    if format is Format.jsonl and out is None:
        for sheet in printed:
            emit_json(sheet)
        return
    text = "\n".join(map(_sheet, printed))
    if out is None:
        typer.echo(text)
    else:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    numbers = ", ".join(str(sheet.number) for sheet in printed)
    say(f"sheet {numbers} of {holder}: print, seal, and delete the file")


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"cannot be made: {error.strerror}", file=str(path), hint="give a new file"
        ) from None


def _sheet(sheet: SheetPrinted) -> str:
    return _SHEET.format(
        line="-" * 78, number=sheet.number, holder=sheet.holder, resources=", ".join(sheet.resources),
        minutes=max(1, sheet.window_s // 60), until=local_time(sheet.until)[:16], text=sheet.text,
    )  # fmt: skip


@app.command("list")
def list_(
    state: Annotated[
        str, typer.Option(help="sealed, open, unreviewed, reviewed, revoked, expired, or all.")
    ] = "all",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List sheets and what became of them; never their texts."""
    with open_desk(data, server, token_file) as desk:
        found: list[SheetView] = [one for one in desk.list_sheets() if state in ("all", one.state)]
    _emit(found, format)


@app.command()
def revoke(
    number: NumberArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Have a sheet open nothing any more, as one that was lost; holders may revoke their own."""
    with open_desk(data, server, token_file) as desk:
        _emit([desk.revoke_sheet(number)], format)


@app.command()
def review(
    number: NumberArgument,
    verdict: Annotated[str, typer.Option(help="justified or unjustified.")],
    comment: Annotated[str, typer.Option(help="What was found; it is recorded.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Say what became of a use, for somebody else's sheet; until then its holder can use no other.

    Read first what was done under it: glasshatch search 'grant:break-glass/NUMBER'. Example:
    glasshatch break-glass review 1 --verdict justified --comment "ticket OPS-12, nothing else was touched"
    """
    if verdict not in ("justified", "unjustified"):
        raise ConfigError(f"{verdict!r} is no verdict", key="--verdict", hint="justified or unjustified")
    form = SheetReview(verdict=verdict, comment=comment)  # type: ignore[arg-type]
    with open_desk(data, server, token_file) as desk:
        _emit([desk.review_sheet(number, form)], format)


def _emit(found: list[SheetView], format: Format) -> None:
    if format is Format.jsonl:
        for one in found:
            emit_json(one)
        return
    rows = (
        (
            str(one.number), one.holder, one.state, ",".join(one.resources), local_time(one.until)[:16],
            local_time(one.used)[:16] if one.used else "", one.reviewed_by, one.reason or one.comment,
        )
        for one in found
    )  # fmt: skip
    columns = ("SHEET", "HOLDER", "STATE", "OPENS", "UNTIL", "USED", "REVIEWED BY", "REASON*")
    emit_rows(columns, rows, empty="no sheet")
