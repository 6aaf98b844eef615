"""What people sign in with: the commands of `actors` about passwords, second factors, certificates, the
provider."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..api.signin_values import (
    CertificateForm,
    FactorForm,
    LinkForm,
    PasswordChange,
    RecoveryCodes,
    RolesForm,
)
from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say
from .secrets import ask_new_secret, ask_secret, read_text
from .signing_certificates import write_whole

Name = Annotated[str, typer.Argument(help="The actor's name.")]
Remove = Annotated[bool, typer.Option("--remove", help="Take it away instead.")]


def add_commands(actors: typer.Typer) -> None:
    """Add these commands to `actors`."""
    for name, command in (
        ("enable", enable), ("roles", roles), ("password", password), ("totp", totp),
        ("recovery-codes", recovery_codes), ("link", link), ("certificate", certificate),
        ("certificates", certificates), ("revoke-certificate", revoke_certificate),
    ):  # fmt: skip
        actors.command(name)(command)


def enable(
    name: Name, data: DataOption = None, server: ServerOption = "", token_file: TokenOption = None
) -> None:
    """Let an actor in again who was shut out; their old tokens and certificates stay over."""
    with open_desk(data, server, token_file) as desk:
        desk.enable_actor(name)
    say(f"{name} may come in again")


def roles(
    name: Name,
    role: Annotated[list[str], typer.Option(help="A role; may be repeated. None takes all away.")] = [],  # noqa: B006
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Give an actor these roles and no others. Example: glasshatch actors roles dora --role engineer"""
    with open_desk(data, server, token_file) as desk:
        changed = desk.set_roles(name, RolesForm(roles=tuple(role)))
    say(f"{name} has: {', '.join(changed.roles) or 'no role'}")


def password(
    name: Name,
    remove: Remove = False,
    own: Annotated[
        bool, typer.Option("--own", help="It is your own, so the old one is asked for first, and a code.")
    ] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Set a password. It is asked for, or the next line of standard input; never an argument.

    With --own: the old one first, then a code of the second factor or an empty line, then the new one.
    Example: glasshatch actors password dora
    """
    with open_desk(data, server, token_file) as desk:
        if remove:
            desk.drop_password(name)
            say(f"{name} has no password now")
            return
        current = ask_secret("Password so far") if own else ""
        code = ask_secret("Code of the second factor, or nothing") if own else ""
        desk.set_password(
            name, PasswordChange(password=ask_new_secret("New password"), current=current, code=code)
        )
    say(f"{name} has a new password")


def totp(
    name: Name,
    remove: Remove = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Enrol a second factor: take the secret into an authenticator, then give a code of it.

    The code is asked for, or is the next line of standard input. Recovery codes for a lost device are
    printed, this once. Example: glasshatch actors totp dora
    """
    with open_desk(data, server, token_file) as desk:
        if remove:
            desk.drop_factor(name)
            say(f"{name} has no second factor now")
            return
        begun = desk.begin_factor(name)
        say(f"secret [bold]{begun.secret}[/]")
        say(begun.uri)
        codes = desk.confirm_factor(name, FactorForm(code=ask_secret("Code of the authenticator")))
    _show(codes)


def recovery_codes(
    name: Name, data: DataOption = None, server: ServerOption = "", token_file: TokenOption = None
) -> None:
    """Print fresh recovery codes for somebody; the old ones open nothing any more."""
    with open_desk(data, server, token_file) as desk:
        codes = desk.renew_codes(name)
    _show(codes)


def link(
    name: Name,
    subject: Annotated[str, typer.Option(help="The provider's unchanging name for the person: `sub`.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Say that an actor is a certain person at the identity provider.

    Who was made here under a name is never found by that name alone: the provider could give it to anybody.
    Example: glasshatch actors link dora --subject 8f2e0c9a
    """
    with open_desk(data, server, token_file) as desk:
        desk.link_actor(name, LinkForm(subject=subject))
    say(f"{name} is that person from now on")


def certificate(
    name: Name,
    request: Annotated[Path, typer.Option("--request", help="A request for a certificate: PKCS #10, PEM.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the certificate goes.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Have a client certificate issued, as for a service; for yourself: glasshatch login --certificate."""
    form = CertificateForm(actor=name, request=read_text(request))
    with open_desk(data, server, token_file) as desk:
        issued = desk.issue_certificate(form)
    try:
        write_whole(out, issued.certificate)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(out)) from None
    say(f"certificate {issued.serial} of {issued.actor}, works until {local_time(issued.expires)}")


def certificates(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List the client certificates that were issued."""
    with open_desk(data, server, token_file) as desk:
        found = desk.list_certificates()
    if format is Format.jsonl:
        for one in found:
            emit_json(one)
        return
    rows = ((one.actor, one.state, local_time(one.expires), one.issued_by, one.serial) for one in found)
    emit_rows(("ACTOR", "STATE", "UNTIL", "ISSUED BY", "SERIAL"), rows, empty="no certificate")


def revoke_certificate(
    serial: Annotated[str, typer.Argument(help="The certificate's serial number, in hex.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """End a certificate before its time; sessions that it opened end with it."""
    with open_desk(data, server, token_file) as desk:
        desk.revoke_certificate(serial)


def _show(codes: RecoveryCodes) -> None:
    for code in codes.codes:
        typer.echo(code)
    say("[dim]each of these codes is good for one sign-in; keep them where the device is not[/]")
