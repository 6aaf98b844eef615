"""Who may come in: `actors` and `tokens`. Removing an actor ends all their tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..api.values import ActorForm, ActorView, TokenForm
from ..errors import ConfigError
from . import credentials
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say
from .times import parse_duration

actors_app = typer.Typer(help="Humans, services and agents that may come in.", no_args_is_help=True)
tokens_app = typer.Typer(help="Short-lived tokens, used as password and as API key.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    credentials.add_commands(actors_app)
    app.add_typer(actors_app, name="actors")
    app.add_typer(tokens_app, name="tokens")


@actors_app.command("ls")
def list_actors(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List actors and their roles."""
    with open_desk(data, server, token_file) as desk:
        _emit_actors(desk.list_actors(), format)


@actors_app.command("add")
def add_actor(
    name: Annotated[str, typer.Argument(help="The name they connect with.")],
    role: Annotated[
        list[str], typer.Option(help="A role, as in engineer, approver, auditor, admin; may be repeated.")
    ] = [],  # noqa: B006
    type: Annotated[str, typer.Option(help="human, service or agent.")] = "human",
    on_behalf_of: Annotated[str, typer.Option(help="For an agent: the human it acts for.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Add an actor."""
    if type not in ("human", "service", "agent"):
        raise ConfigError(f"{type!r} is no type of actor", key="--type", hint="human, service or agent")
    form = ActorForm(name=name, type=type, roles=tuple(role), on_behalf_of=on_behalf_of)  # type: ignore[arg-type]
    with open_desk(data, server, token_file) as desk:
        _emit_actors([desk.create_actor(form)], format)


@actors_app.command("disable")
def disable_actor(
    name: Annotated[str, typer.Argument(help="The actor's name.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Shut an actor out; their tokens end at once."""
    with open_desk(data, server, token_file) as desk:
        _emit_actors([desk.disable_actor(name)], format)


@tokens_app.command("issue")
def issue_token(
    actor: Annotated[str, typer.Argument(help="The actor's name.")],
    lifetime: Annotated[str, typer.Option("--for", help="How long it works: 15m, 8h, 30d.")] = "1h",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it opens: connect, read, request, review, ingest, admin; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write it to this new file (mode 0600), not the terminal."),
    ] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Issue a token; its text is shown this once and stored nowhere."""
    scopes = tuple(scope) if scope else ("*",)
    form = TokenForm(actor=actor, lifetime_s=parse_duration(lifetime), scopes=scopes)
    with open_desk(data, server, token_file) as desk:
        issued = desk.issue_token(form)
    if out is None:
        typer.echo(issued.text)
    else:
        write_token(out, issued.text)
    say(f"[dim]token {issued.id} of {issued.actor}, works until {local_time(issued.expires)}[/]")


@tokens_app.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(help="The token's id, which is its middle part.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """End a token before its time."""
    with open_desk(data, server, token_file) as desk:
        desk.revoke_token(token_id)
    say(f"token {token_id} is revoked")


def write_token(file: Path, text: str) -> None:
    """Put a token in a new file that only its owner can read.

    Raises:
        ConfigError: The file exists or cannot be made.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"cannot be made: {error.strerror}", file=str(file), hint="give a new file"
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(text + "\n")


def _emit_actors(found: list[ActorView], format: Format) -> None:
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (a.name, a.type, ",".join(a.roles), a.on_behalf_of, "disabled" if a.disabled else "", a.id)
        for a in found
    )
    emit_rows(("NAME", "TYPE", "ROLES", "FOR", "STATE", "ID"), rows, empty="no actor")
