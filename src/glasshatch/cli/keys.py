"""Keys: list them, put fresh ones in their place, hand the public ones out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..api.key_values import KeyView, RetireForm, RotateForm
from ..errors import ConfigError, Conflict
from .connection import DataOption, ServerOption, TokenOption, is_live, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, escape, local_time, say

keys_app = typer.Typer(help="The keys of a data directory; admins only.", no_args_is_help=True)
ReasonOption = Annotated[str, typer.Option(help="Why; recorded.")]
LedgerOption = Annotated[str, typer.Option(metavar="NAME", help="Whose signing or data key.")]


class KeyKind(StrEnum):
    """What a key is for."""

    data = "data"
    signing = "signing"
    token = "token"  # noqa: S105
    control = "control"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(keys_app, name="keys")


@keys_app.command("list")
def list_keys(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List every key: what it is for, its id, its state; never the key.

    in use: what is written now. kept: an older one that is needed to read, or signs along. retired: an older
    one that does nothing any more. pending: its rotation was interrupted; the next start finishes it.

    Example: glasshatch keys list --data DIR
    """
    with open_desk(data, server, token_file) as desk:
        _emit(desk.list_keys(), format)


@keys_app.command("rotate")
def rotate(
    kind: Annotated[KeyKind, typer.Argument(help="data, signing, token or control.")],
    reason: ReasonOption,
    ledger: LedgerOption = "default",
    now: Annotated[
        bool, typer.Option("--now", help="For a stolen signing key: older keys sign nothing from now on.")
    ] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Put a fresh key in the place of the one in use; recorded before it is used, without a restart.

    data: the next segment and pack are sealed under it. signing: signs from the next checkpoint on, beside
    the older ones until they are retired. token: the pseudonyms of the next event; searches find both.
    control: all rows are authenticated anew, and everybody signs in to the page again.

    Example: glasshatch keys rotate signing --reason "yearly rotation" --data DIR
    """
    form = RotateForm(kind=kind.value, reason=_reason(reason), ledger=ledger, now=now)
    with open_desk(data, server, token_file) as desk:
        made = desk.rotate_key(form)
    _emit([made], format)
    if kind is KeyKind.signing and format is Format.table:
        say("Hand the new public key out (glasshatch keys export), and let witnesses trust it:")
        say(f"glasshatch witness trust DIR {escape(made.public)}")


@keys_app.command("retire")
def retire(
    key: Annotated[str, typer.Argument(metavar="ID", help="An older signing key, as keys list shows it.")],
    reason: ReasonOption,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Let an older signing key sign no more: whoever knows the new one needs it no longer.

    Example: glasshatch keys retire 0123456789abcdef --reason "everybody has the new key" --data DIR
    """
    if len(key) != 16 or not set(key) <= set("0123456789abcdef"):
        raise ConfigError("is no key's id", key="ID", hint="glasshatch keys list shows them")
    with open_desk(data, server, token_file) as desk:
        _emit([desk.retire_key(RetireForm(key=key, reason=_reason(reason)))], format)


@keys_app.command("rewrap")
def rewrap(
    to: Annotated[
        str,
        typer.Option("--to", metavar="REF", help="The new master key: file:PATH, env:NAME or exec:PROGRAM."),
    ],
    reason: ReasonOption,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", envvar="GLASSHATCH_DATA", help="A data directory."),
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Wrap every key under another master key, all or none; the server is stopped for it.

    The configuration's keys.master is changed too. Killed at any time, the next start finds the old master
    key or the new one. Backups from before still need the old one.

    Example: glasshatch keys rewrap --to file:/etc/glasshatch/master.key --reason "new host" --data DIR
    """
    if data is None:
        raise ConfigError("give the data directory", key="--data", hint="this is done where it lies")
    if is_live(data):
        # Over the API there is no rewrap: a reference may name a program, and no caller shall have it run.
        raise Conflict(f"a server is up on {data}", hint="stop it first")
    kind, _, place = to.partition(":")
    reference = f"file:{Path(place).absolute()}" if kind == "file" and place else to
    with open_desk(data, "", None) as desk:
        done = desk.rewrap_keys(reference, _reason(reason))
    if format is Format.jsonl:
        emit_json(done)
        return
    say(f"{done.keyrings} keyring(s), before under {escape(done.before)}, now under {escape(done.after)}")
    if not done.configured:
        say(f'[bold yellow]set keys.master in the configuration to "{escape(done.reference)}"[/]')
    say("keep the old master key as long as you keep backups from before")


@keys_app.command("export")
def export(
    ledger: LedgerOption = "default",
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="A file for it.")] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Write a ledger's public keys, the newest last, and the statements that link them; for auditors.

    With it, whoever trusts one of the keys checks what any of them signed: verify FILE --key K
    --succession FILE. It is what a server shows at /tlog/NAME/keys.

    Example: glasshatch keys export -o ledger.keys --data DIR
    """
    with open_desk(data, server, token_file) as desk:
        text: str = desk.export_keys(ledger).text
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(out)) from None


def _emit(keys: list[KeyView], format: Format) -> None:
    if format is Format.jsonl:
        for key in keys:
            emit_json(key)
        return
    emit_rows(
        ("kind", "id", "ledger", "epoch", "state", "since", "public*"),
        (
            (
                key.kind, key.id, key.ledger, str(key.epoch), key.state,
                local_time(key.since) if key.since else "", key.public,
            )
            for key in keys
        ),
        empty="no key",
    )  # fmt: skip


def _reason(text: str) -> str:
    if not 3 <= len(text.strip()) <= 2_000:
        raise ConfigError("must be given in words", key="--reason", hint="it is recorded")
    return text
