"""`reveal`: one sealed value of an event, or masked values of one row, in clear and by approval."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..api.reveal_values import ClearForm, ClearShown
from ..api.values import RequestView
from ..api.vault_values import Revealed, RevealForm
from ..errors import ConfigError, Denied
from ..ledger.verify import Disclosure
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import clean, escape, local_time, say
from .reviewing import read_statement
from .times import parse_duration
from .vault import write_secretly


class Shape(StrEnum):
    """How a revealed value is printed."""

    text = "text"
    json = "json"


WhatArgument = Annotated[
    str,
    typer.Argument(
        metavar="WHAT",
        help="An event, by id or ledger index; a resource, as in postgres/orders; or a request that was "
        "approved.",
    ),
]
FieldArgument = Annotated[
    str, typer.Argument(metavar="[FIELD]", help="A sealed field, as the event's redaction names it.")
]
ReasonOption = Annotated[str, typer.Option(help="Why; the reviewer and the record see it.")]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(help="A masked column, as the answer calls it; again for more. All of them: --row."),
]
RowOption = Annotated[bool, typer.Option("--row", help="Every masked column of the row.")]
StatementOption = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="A file with the statement that gives the one row, or - for standard input, so that no value "
        "stands on a command line.",
    ),
]
ForOption = Annotated[
    str, typer.Option("--for", help="How long it may be shown once approved: 10s, 15m, 2h.")
]
OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FILE", help="A sealed value, its salt and proof: a new file."),
]
PipedOption = Annotated[
    bool, typer.Option("--piped", help="Do not warn that the value goes to a file or another program.")
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("reveal")(reveal)


def reveal(
    what: WhatArgument,
    field: FieldArgument = "",
    reason: ReasonOption = "",
    column: ColumnOption = None,
    row: RowOption = False,
    statement: StatementOption = "",
    ticket: Annotated[str, typer.Option(help="A ticket this belongs to.")] = "",
    duration: ForOption = "15m",
    out: OutOption = None,
    piped: PipedOption = False,
    format: Annotated[Shape, typer.Option(help="The value alone, or all that is known of it.")] = Shape.text,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Show a value in clear, once somebody else has approved it; every look is recorded.

    The first call files a request and ends with exit code 3. After its approval the same call shows the
    value: a sealed FIELD of an event until the grant runs out, a masked --column of one row exactly once.
    For example: glasshatch reveal 4711 native.customer.email --reason "subpoena 17/26", or glasshatch reveal
    postgres/shop --column email --statement - --reason "ticket 17", and then typed: SELECT email FROM
    customers WHERE id = 7
    """
    if field and (column or row or statement):
        raise ConfigError(
            "FIELD is a sealed field of an event, --column a masked column of a row", key="FIELD",
            hint="give one of them",
        )  # fmt: skip
    asking = bool(field or column or row or statement)
    if asking and not reason:
        raise ConfigError("is needed: who judges it and the record see it", key="--reason")
    masked = asking and not field
    if not field and out is not None:
        raise ConfigError("writes sealed values only", key="--out", hint="a masked value is shown, not kept")
    with open_desk(data, server, token_file) as desk:
        if field:
            sealed = RevealForm(
                event=what, field=field, reason=reason, ticket=ticket, duration_s=parse_duration(duration)
            )
            _print_sealed(sealed, desk, out, format, piped)
            return
        if masked:
            where = {"event" if _is_event(what) else "resource": what}
            form = ClearForm(
                **where, reason=reason,
                ticket=ticket, columns=tuple(column or ()), duration_s=parse_duration(duration),
                statement=read_statement(statement) if statement else "",
            )  # fmt: skip
            view: RequestView = desk.ask_reveal(form)
        else:
            view = desk.show_request(what)
        _require_redeemable(view)
        _warn(piped)
        _print_clear(desk.show_reveal(view.id), format)


def _is_event(what: str) -> bool:
    """An id, an index, or an index in another ledger, `NAME/17`; a resource is `type/name`."""
    return "/" not in what or what.rpartition("/")[2].isdecimal()


def _require_redeemable(view: RequestView) -> None:
    """Go on only with a request that can be shown now; else say what it waits for."""
    if view.state == "pending":
        raise Denied(
            f"this waits for somebody else's approval: request {view.id}",
            hint=f"they give: glasshatch approve {view.id}; then give the same command again",
        )


def _warn(piped: bool) -> None:
    """Before anything is shown: it is for eyes, and a file keeps it."""
    if not (piped or sys.stdout.isatty()):
        say("[yellow]the value goes to a file or another program, which may keep it; --piped says so[/]")


def _print_clear(shown: ClearShown, format: Shape) -> None:
    if format is Shape.json:
        sys.stdout.buffer.write(msgspec.json.encode(shown) + b"\n")
    elif len(shown.values) == 1:
        _print_value(shown.values[0].value)
    else:
        for one in shown.values:
            sys.stdout.write(f"{clean(one.name)}\t{_for_eyes(one.value)}\n")
    sys.stdout.flush()
    say(f"[dim]shown once, and recorded as event {shown.event}[/]")


def _print_value(value: str | None) -> None:
    """One value alone. Not by `echo`, which would drop what it takes for colours."""
    sys.stdout.write(f"{_for_eyes(value)}\n")
    sys.stdout.flush()


def _for_eyes(value: str | None) -> str:
    """As it is for a program; on a terminal nothing in it may steer the terminal."""
    if value is None:
        return "NULL"
    return "\n".join(map(clean, value.split("\n"))) if sys.stdout.isatty() else value


def _print_sealed(form: RevealForm, desk: Any, out: Path | None, format: Shape, piped: bool) -> None:
    if out is not None and out.exists():
        raise ConfigError("exists already", file=str(out), hint="give a new name")
    if out is None:
        _warn(piped)
    shown: Revealed = desk.reveal(form)
    if out is not None:
        write_secretly(out, _disclosure(shown).encode())
        say(f"the value, its salt and a proof are in {escape(str(out))}; check them with:")
        say(f"  glasshatch verify {escape(str(out))} --key KEY")
    elif format is Shape.json:
        sys.stdout.buffer.write(_disclosure(shown).encode())
    else:
        _print_value(
            shown.value if isinstance(shown.value, str) else msgspec.json.encode(shown.value).decode()
        )
    say(f"[dim]shown and recorded; it may be shown until {local_time(shown.until)}[/]")


def _disclosure(shown: Revealed) -> Disclosure:
    return Disclosure(
        event=shown.event, field=shown.field, value=shown.value, salt=shown.salt,
        commitment=shown.commitment, proof=shown.proof,
    )  # fmt: skip
