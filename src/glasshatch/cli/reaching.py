"""The way in: which resources there are for me, and the right client opened with a fresh token."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import msgspec
import typer

from ..api.reach_values import ConnectForm, Reachable, WayIn
from ..errors import ConfigError
from .clients import LocalClient, Prepared, client_of
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say
from .times import parse_duration

_WORDS = {"allowed": "yes", "request": "after a request", "review": "each is reviewed", "refused": "no"}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(connect)
    app.command()(resources)


def connect(
    resource: Annotated[str, typer.Argument(help="What to reach, as in postgres/orders.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- CLIENT ARGS]", help="Passed on to the client.")
    ] = None,
    url: Annotated[
        bool, typer.Option("--url", help="Print an address with the token in it, for a tool with a form.")
    ] = False,
    lifetime: Annotated[
        str, typer.Option("--for", help="How long the token works: 10s to 12h; a session may outlast it.")
    ] = "15m",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Open the right client on a resource, with a fresh token that stands on no command line.

    The token opens this resource only, for a short time, and never longer than your own. Examples:
    glasshatch connect postgres/orders, or
    glasshatch connect postgres/orders -- -c "SELECT count(*) FROM payments"
    """
    client = client_of(resource.partition("/")[0])
    if not url and shutil.which(client.program) is None:
        raise ConfigError(f"{client.program} is not installed", hint=client.cure)
    with open_desk(data, server, token_file) as desk:
        way: WayIn = desk.connect(resource, ConnectForm(lifetime_s=parse_duration(lifetime)))
    if not way.host:
        way = msgspec.structs.replace(way, host=_host_of(server))
    if url:
        if arguments:
            raise ConfigError("--url starts no client, so there is nobody to pass arguments to", key="--url")
        typer.echo(client.url(way))
        ending = f"glasshatch tokens revoke {way.token_id}"
        say(f"[dim]works until {local_time(way.expires)}; end it sooner: {ending}[/]")
        return
    say(f"[dim]{way.resource} as {way.user}; the token works until {local_time(way.expires)}[/]")
    _open(client, way, arguments or [])


def _host_of(server: str) -> str:
    """The gateway listens on every address of the host that the server was reached by."""
    return urlsplit(server).hostname or "127.0.0.1" if server.startswith("http") else "127.0.0.1"


def _open(client: LocalClient, way: WayIn, arguments: list[str]) -> NoReturn:
    with ExitStack() as stack:
        prepared = client.prepare(way, arguments, stack)
        if prepared.descriptors:
            # In our place: signals, the terminal and the exit code are the client's own, and nothing is left.
            command = list(prepared.command)
            os.execvpe(command[0], command, prepared.environment)  # noqa: S606 - no shell is wanted
        raise typer.Exit(_wait(prepared))


def _wait(prepared: Prepared) -> int:
    with subprocess.Popen(list(prepared.command), env=prepared.environment) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the client had the same interrupt, and knows better what it means


def resources(
    every: Annotated[bool, typer.Option("--all", help="Also what you may not reach.")] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List what you may reach and why: by a rule of the policy, by a grant, or after a request.

    For example: glasshatch resources --format jsonl
    """
    with open_desk(data, server, token_file) as desk:
        found: list[Reachable] = [one for one in desk.list_resources() if one.open or every]
    if format is Format.jsonl:
        for one in found:
            emit_json(one)
        return
    columns = ("RESOURCE", "ENV", "VERBS", "NOW", "UNTIL", "WHY*")
    emit_rows(columns, (row for one in found for row in _rows(one, every)), empty="nothing is open to you")


def _rows(one: Reachable, every: bool) -> list[tuple[str, ...]]:
    if not one.open:
        return [(one.resource, one.env, "", "no", "", f"{one.rule}: {one.reason}")]
    rows: list[tuple[str, ...]] = []
    for way in one.ways:
        if way.state == "refused" and not every:
            continue
        by = f", approved by {', '.join(way.approvers)}" if way.approvers else ""
        why = f"grant {way.grant_id}{by}" if way.grant_id else f"{way.rule}: {way.reason}"
        until = local_time(way.until) if way.until else ""
        rows.append((one.resource, one.env, ",".join(way.verbs), _WORDS[way.state], until, why))
    return rows
