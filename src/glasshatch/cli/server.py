"""Running a server: init, serve, status, migrate, and what the configuration says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, console, emit_json, emit_rows, progress_bar, say
from .people import write_token

if TYPE_CHECKING:
    from ..app.migrate import Migrated

config_app = typer.Typer(help="The configuration file.", no_args_is_help=True)
ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration file.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("init")(init)
    app.command("serve")(serve)
    app.command("status")(status)
    app.command("migrate")(migrate)
    app.add_typer(config_app, name="config")


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    admin: Annotated[str, typer.Option(help="The name of the first admin.")] = "admin",
    tenant: Annotated[str, typer.Option(help="The tenant all records belong to.")] = "default",
    origin: Annotated[str, typer.Option(help="The ledger's public name, as in audit.example.com/prod.")] = "",
    token_out: Annotated[
        Path | None,
        typer.Option(
            "--token-out", help="Write the admin's token to this new file (mode 0600), not the terminal."
        ),
    ] = None,
) -> None:
    """Make a data directory: a commented configuration, fresh keys, an empty ledger, the first admin."""
    from ..app.create import create_home

    made = create_home(directory, admin=admin, tenant=tenant, origin=origin)
    if token_out is None:
        say(f"The token of [bold]{admin}[/], shown this once, works for a day:")
        typer.echo(made.admin_token)
    else:
        write_token(token_out, made.admin_token)
    say(f"Configuration: {made.config_file}")
    say(f"Public key of the ledger, keep a copy elsewhere: [bold]{made.verifier_key}[/]")
    say(f"Next: edit the configuration, then [bold]glasshatch serve --config {made.config_file}[/]")


def serve(
    config: ConfigOption,
    workers: Annotated[
        int,
        typer.Option(
            min=0,
            max=63,
            metavar="N",
            help="Serve sessions in so many processes that share the port; 0: in the one of the record.",
        ),
    ] = 0,
) -> None:
    """Run the server until it is interrupted; running statements may finish first."""
    from ..app.serve import serve_forever

    raise typer.Exit(serve_forever(config, announce=say, workers=workers))


def status(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: Annotated[
        Format, typer.Option(help="A table for people or a JSON line for programs.")
    ] = Format.table,
) -> None:
    """The server at a glance: ledger size, policy, resources, open sessions."""
    with open_desk(data, server, token_file) as desk:
        found = desk.status()
    if format is Format.jsonl:
        emit_json(found)
        return
    members = [(field, getattr(found, field)) for field in found.__struct_fields__ if field != "checkpoint"]
    rows = [
        (name.replace("_", " "), ", ".join(value) if isinstance(value, tuple) else str(value))
        for name, value in members
    ]
    emit_rows(("WHAT", "VALUE*"), rows, empty="")


def migrate(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The data directory, if --data does not name it.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", envvar="GLASSHATCH_DATA", help="The data directory."),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Bring a data directory that an older version wrote to this one; the server must be stopped.

    Looks at everything before it changes anything, keeps a copy of what it changes beside it, records the
    change and verifies the whole directory afterwards. A second run changes nothing.
    """
    from ..app.migrate import migrate_home

    where = directory or data
    if where is None:
        raise ConfigError("give a data directory", key="DIR", hint="glasshatch migrate DIR")
    with progress_bar("verifying", quiet=format is Format.jsonl) as progress:
        done = migrate_home(where, progress)
    if format is Format.jsonl:
        for piece in done.pieces:
            emit_json(piece)
    else:
        rows = ((p.what, p.found, p.version, p.copy or "nothing to change", p.file) for p in done.pieces)
        emit_rows(("PIECE", "FOUND", "NOW", "COPY OF THE OLD*", "FILE*"), rows, empty="")
    _say_migrated(done)


def _say_migrated(done: Migrated) -> None:
    changed = sum(piece.changed for piece in done.pieces)
    say(f"upgraded: {changed}" if changed else "everything has this version's format already")
    if done.report.ok:
        say("verified: everything is as it was recorded")
    else:
        say("verified up to the unfinished tail of a crash; the next start of the server mends it")


@config_app.command("check")
def check(
    config: ConfigOption,
    format: FormatOption = Format.table,
) -> None:
    """Check a configuration and explain what each part of it will do; opens nothing upstream."""
    from ..app.explain import explain_config

    findings = explain_config(config)
    if format is Format.jsonl:
        for finding in findings:
            emit_json(finding)
    else:
        rows = ((("ok" if f.ok else "wrong"), f.key, f.says, f.hint) for f in findings)
        emit_rows(("", "KEY", "WHAT IT DOES*", "HINT*"), rows, empty="")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(2)
    console(error=True).print("the configuration is good")
