"""Backups from the command line: made while the server runs, put back only where nothing is lost unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigError
from .connection import DataOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, escape, progress_bar, say


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    place: Annotated[Path, typer.Argument(metavar="DEST", help="A new folder, or one with earlier backups.")],
    data: DataOption = None,
    token_file: TokenOption = None,
    master_key: Annotated[
        bool,
        typer.Option("--with-master-key", help="Include the master key; whoever has the backup has it all."),
    ] = False,
    format: FormatOption = Format.table,
) -> None:
    """Back a data directory up, also while its server runs; only what is new is copied. Admins only.

    Runs where the directory lies, as a user who may read it. Everything acknowledged before it began is in
    it. It is verified and recorded before it comes into being; killed, it leaves the earlier ones whole.
    """
    from ..app.backup import make_backup

    if data is None:
        raise ConfigError("give the data directory", key="--data", hint="backups are made where it lies")
    with (
        progress_bar("copying and verifying", quiet=format is Format.jsonl) as progress,
        open_desk(data, "", token_file) as desk,
    ):
        made = make_backup(data, place, desk, master_key=master_key, progress=progress)
    if format is Format.jsonl:
        emit_json(made)
        return
    size = made.size + sum(made.ledgers.values())
    say(f"{escape(made.moment)}: {size} entries, {made.bytes} bytes, {made.copied} of them copied now")
    if made.pruned or made.dropped:
        say(f"pruned entries were taken out of {made.pruned} earlier moments; {made.dropped} went as a whole")
    compared = (
        "every entry was decrypted and compared" if made.entries_compared else "entries were not opened"
    )
    say(f"verified: {compared}")
    if made.forgotten:
        say(f"keys of erased subjects were taken out of {made.forgotten} earlier moments")
    if made.master_key:
        say("[bold yellow]the master key is in it: whoever has this backup can read everything[/]")
    else:
        say("the master key is not in it; keep that elsewhere, a backup cannot be read without it")


def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A backup, or one moment of it.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    master: Annotated[str, typer.Option("--master-key", metavar="REF", help="file:PATH or env:NAME.")] = "",
    newer_than: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="The backup may not be older than this checkpoint, anchor, monitor's state or old data"
            " directory; repeatable.",
        ),
    ] = None,
    accept_older: Annotated[
        bool, typer.Option("--accept-older", help="Restore it though newer entries are known; recorded.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why an older one is accepted; recorded.")] = "",
    format: FormatOption = Format.table,
) -> None:
    """Put a backup back into an empty directory, verified, and recorded in its ledger.

    Refused if it does not verify, and if a newer checkpoint of the ledger is known, unless told.
    """
    from ..app.backup import restore_home

    with progress_bar("restoring and verifying", quiet=format is Format.jsonl) as progress:
        done = restore_home(
            backup, directory, master=master, newer_than=newer_than or (), accept_older=accept_older,
            reason=reason, progress=progress,
        )  # fmt: skip
    if format is Format.jsonl:
        emit_json(done)
        return
    size = done.size + sum(done.ledgers.values())
    say(f"{escape(done.directory)} is as of {escape(done.moment)}: {size} entries, verified")
    if done.missing:
        say(f"[bold yellow]{done.missing} entries that were recorded are missing; the record says so[/]")
    for name, where in done.exports.items():
        say(f"export {escape(name)} goes on from {escape(where)}; what had left since leaves again")
    if done.master_key:
        say(f"the server will look for the master key at {escape(done.master_key)}")
    say(f"Next: glasshatch serve --config {escape(done.directory)}/glasshatch.toml")
