"""Searches kept under a name: for oneself, or shared with all who come here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..api.search_values import SavedSearch, SaveForm
from ..errors import ConfigError
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .investigating import Asking, QueryArgument, SinceOption, UntilOption, search
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say

searches_app = typer.Typer(help="Searches kept under a name.", no_args_is_help=True)
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name; of several the one of your own, or OWNER/NAME.")
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(searches_app, name="searches")


@searches_app.command("save", cls=Asking)
def save(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, . _ and -.")],
    query: QueryArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    share: Annotated[bool, typer.Option("--share", help="Everybody who comes here finds it.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Keep a search, in the place of your own of that name. As in:
    glasshatch searches save refusals 'effect:deny time>=now-7d | stats count by actor.name' --share

    Whoever runs it sees what they may see. Personal data in it is kept as tokens, but who acted.
    """
    with open_desk(data, server, token_file) as desk:
        kept = desk.save_search(SaveForm(name=name, query=query, note=note, shared=share))
    if format is Format.jsonl:
        emit_json(kept)
    else:
        say(f"kept; run it with: glasshatch searches run {name}")


@searches_app.command("list")
def list_searches(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List your searches and those that others share."""
    with open_desk(data, server, token_file) as desk:
        found: list[SavedSearch] = desk.list_searches()
    if format is Format.jsonl:
        for one in found:
            emit_json(one)
        return
    rows = ((one.name, one.owner, "yes" if one.shared else "no", local_time(one.changed), one.query, one.note)
            for one in found)  # fmt: skip
    emit_rows(("NAME", "OWNER", "SHARED", "CHANGED", "QUERY*", "NOTE*"), rows, empty="no search is kept")


@searches_app.command("run")
def run(
    name: NameArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Annotated[int, typer.Option(min=0, max=100_000, help="The newest N that match.")] = 100,
    count: Annotated[bool, typer.Option("--count", help="Print how many match, and nothing else.")] = False,
    proofs: Annotated[
        Path | None,
        typer.Option(
            "--proofs", metavar="F.zip", help="Take all matches out with their proofs, as bundle does."
        ),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Run a kept search with your own rights; it is recorded like any other. As in:
    glasshatch searches run refusals --format jsonl
    """
    with open_desk(data, server, token_file) as desk:
        query = _named(desk.list_searches(), name).query
    search(
        query,
        data,
        server,
        token_file,
        reason,
        since,
        until,
        limit,
        count=count,
        proofs=proofs,
        format=format,
    )


@searches_app.command("delete")
def delete(
    name: NameArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Delete one of your searches; administrators also shared ones of others."""
    with open_desk(data, server, token_file) as desk:
        desk.delete_search(_named(desk.list_searches(), name).id)
    say("deleted")


def _named(found: list[SavedSearch], name: str) -> Any:
    """The one of this name: one's own before others', of two of others' none."""
    owner, _, wanted = name.rpartition("/")
    fits = [one for one in found if one.name == wanted and owner in ("", one.owner)]
    own = [one for one in fits if one.own]
    if len(own or fits) == 1:
        return (own or fits)[0]
    what = "several people share a search of this name" if fits else "there is no such search"
    names = ", ".join(f"{one.owner}/{one.name}" for one in fits)
    raise ConfigError(what, key="NAME", hint=f"name one: {names}" if fits else "glasshatch searches list")
