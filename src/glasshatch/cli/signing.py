"""Signing in and out on this machine: `login`, `logout`, `whoami`."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Annotated

import typer

from ..api.client import Client
from ..api.signin_values import DeviceForm, PasswordForm, SignedIn
from ..errors import ConfigError, GlasshatchError, Unavailable
from .connection import DataOption, ServerOption, TokenOption, address_of, open_desk, read_token
from .logins import Login, keep_login, logins_file
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say
from .secrets import ask_secret
from .signing_certificates import fetch_certificate

_LONGEST_SECONDS = 3_600
_PATIENCE = 5


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(login)
    app.command()(logout)
    app.command()(whoami)


def login(
    name: Annotated[
        str,
        typer.Option(help="Sign in under this name with a password; without it, at the identity provider."),
    ] = "",
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Also get a client certificate for databases.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="With --certificate: the folder it is written to, instead of the usual one."),
    ] = None,
    data: DataOption = None,
    server: ServerOption = "",
) -> None:
    """Sign in; later commands on this machine use the token, until it ends or you log out.

    At the identity provider you confirm a code in a browser, on any device. A password is asked for, or is
    the first line of standard input, and a code of the second factor the second. Example:
    glasshatch login --server https://hatch.example
    """
    address = address_of(data, server)
    with contextlib.closing(Client(address, "")) as client:
        signed_in = _with_password(client, name) if name else _with_provider(client)
    keep_login(address, Login(signed_in.token, signed_in.actor, signed_in.expires))
    say(f"signed in as {signed_in.actor} until {local_time(signed_in.expires)}")
    say(f"[dim]the token is in {logins_file()}; end it with: glasshatch logout[/]")
    if certificate:
        fetch_certificate(address, signed_in.token, signed_in.actor, out)


def logout(data: DataOption = None, server: ServerOption = "") -> None:
    """Sign out: the token of the last `login` ends at the server, and goes from this machine."""
    address = address_of(data, server)
    token = read_token(None, address)
    try:
        with contextlib.closing(Client(address, token)) as client:
            client.sign_out()
    except GlasshatchError as error:
        if error.code != "denied":
            raise
        say("[dim]the token was over already[/]")
    keep_login(address, None)
    say("signed out")


def whoami(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Say who the server takes you for, and which roles you have there."""
    with open_desk(data, server, token_file) as desk:
        me = desk.me()
    if format is Format.jsonl:
        emit_json(me)
        return
    row = (me.name, me.type, ",".join(me.roles), me.on_behalf_of, me.tenant, me.id)
    emit_rows(("NAME", "TYPE", "ROLES", "FOR", "TENANT", "ID"), [row], empty="nobody")


def _with_password(client: Client, name: str) -> SignedIn:
    password = ask_secret("Password")
    code = ask_secret("Code of the second factor, or nothing")
    return client.sign_in_password(PasswordForm(name=name, password=password, code=code))


def _with_provider(client: Client) -> SignedIn:
    ways = client.signin_ways()
    if not ways.provider:
        raise ConfigError(
            "this server has no identity provider", key="--name",
            hint="sign in with a password: glasshatch login --name NAME",
        )  # fmt: skip
    begun = client.begin_device()
    say(f"open [bold]{begun.whole_address or begun.address}[/]")
    say(f"and confirm the code [bold]{begun.user_code}[/], if it is not there already")
    deadline_s = time.monotonic() + _LONGEST_SECONDS
    interval_s, failures = begun.interval_s, 0
    while time.monotonic() < deadline_s:
        # A server closes a connection on which nothing is said for a while, so each look has its own.
        client.close()
        time.sleep(interval_s)
        try:
            answer = client.poll_device(DeviceForm(handle=begun.handle))
        except Unavailable:
            failures += 1
            if failures > _PATIENCE:
                raise
            continue
        if answer.signed_in is not None:
            return answer.signed_in
        interval_s, failures = answer.interval_s, 0
    raise ConfigError("nobody confirmed the code in time", key="login", hint="begin anew")
