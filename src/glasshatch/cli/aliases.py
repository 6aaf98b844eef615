"""Under which names actors appear in other systems: declare it, end it, and see what is likely."""

from __future__ import annotations

from typing import Annotated

import typer

from ..api.alias_values import AliasEnd, AliasForm, AliasView
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .connection import ReasonOption as ReadingOption
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say
from .times import parse_time

aliases_app = typer.Typer(
    help="Under which names actors appear in other systems, and when.", no_args_is_help=True
)
ReasonOption = Annotated[str, typer.Option(help="How you know; the record keeps it.")]
SinceOption = Annotated[
    str, typer.Option(help="Only from this time: 2026-01-31T08:00, or 2h, 7d ago; by default from ever.")
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(aliases_app, name="aliases")


@aliases_app.command("add")
def add(
    principal: Annotated[
        str,
        typer.Argument(
            metavar="NAMESPACE:PRINCIPAL",
            help="As events show it under actor.raw: its namespace, a colon, the principal.",
        ),
    ],
    actor: Annotated[str, typer.Argument(help="The actor's name here.")],
    reason: ReasonOption,
    feed: Annotated[
        str, typer.Option(metavar="NAME", help="Only in the feed of this name; by default in all.")
    ] = "",
    since: SinceOption = "",
    until: Annotated[str, typer.Option(help="Only before this time; by default for good.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Say which actor a principal of another system is.

    From then on what is asked of the actor finds what happened under that name, and says by which alias.
    Events stay as they are. Two actors cannot be one principal at the same time: that is refused. Example:
    glasshatch aliases add kubernetes:alice@example.com alice --reason "her account in the shop cluster"
    """
    namespace, colon, name = principal.partition(":")
    if not colon or not name:
        raise typer.BadParameter("write NAMESPACE:PRINCIPAL, as in kubernetes:alice@example.com")
    form = AliasForm(
        namespace=namespace, principal=name, actor=actor, reason=reason, feed=feed, since=parse_time(since),
        until=parse_time(until),
    )  # fmt: skip
    with open_desk(data, server, token_file) as desk:
        _emit([desk.add_alias(form)], format)


@aliases_app.command("list")
def list_aliases(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List aliases, ended ones too; without the right to see all, your own."""
    with open_desk(data, server, token_file) as desk:
        _emit(desk.list_aliases(), format)


@aliases_app.command("end")
def end(
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="An alias' id or its beginning.")],
    reason: Annotated[str, typer.Option(help="Why it ends; the record keeps it.")],
    at: Annotated[str, typer.Option(help="From which time on it holds no more; by default from now.")] = "",
    mistake: Annotated[bool, typer.Option("--mistake", help="It never held.")] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Let an alias hold no more. Example: glasshatch aliases end 0198 --reason "given to bob" """
    form = AliasEnd(reason=reason, at=parse_time(at), mistake=mistake)
    with open_desk(data, server, token_file) as desk:
        _emit([desk.end_alias(alias, form)], format)


@aliases_app.command("suggest")
def suggest(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReadingOption = "",
    format: FormatOption = Format.table,
) -> None:
    """List principals that look like actors, and what speaks for it. Nothing is changed.

    Likeness is no proof: look, ask, and then declare with glasshatch aliases add. Principals stand in events:
    who sees those with a reason only sees suggestions with --reason only.
    """
    with open_desk(data, server, token_file, reason) as desk:
        found = desk.suggest_aliases()
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (f"{one.namespace}:{one.principal}", one.actor, str(one.events), local_time(one.first),
         local_time(one.last), "; ".join(one.evidence))
        for one in found
    )  # fmt: skip
    columns = ("PRINCIPAL", "LOOKS LIKE", "EVENTS", "FIRST", "LAST", "EVIDENCE*")
    emit_rows(columns, rows, empty="no principal that you may see looks like an actor")
    if found:
        say("[dim]suggestions only: nothing was changed[/]")


def _emit(found: list[AliasView], format: Format) -> None:
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (one.id[:18], f"{one.namespace}:{one.principal}", one.feed, one.actor, one.asserted,
         _bound(one.since, "from ever"), "never held" if _never(one) else _bound(one.until, "for good"),
         one.ended_why or one.reason)
        for one in found
    )  # fmt: skip
    columns = ("ALIAS", "PRINCIPAL", "FEED", "ACTOR", "ASSERTED BY", "SINCE", "UNTIL", "REASON*")
    emit_rows(columns, rows, empty="no alias")


def _never(one: AliasView) -> bool:
    return bool(one.until) and int(one.until) <= int(one.since or 1)


def _bound(time_ns: str, otherwise: str) -> str:
    return local_time(time_ns) if time_ns else otherwise
