"""Retention from the command line: what is older than the policy keeps goes, and what would."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ..api.retention import Pruned, PruneForm
from ..errors import ConfigError
from ..events import DEFAULT_LEDGER
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, console, emit_json, local_time, say
from .times import parse_duration, parse_time

if TYPE_CHECKING:
    from rich.status import Status


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("prune")(prune)


def prune(
    reason: Annotated[
        str, typer.Option(help="Why; it is recorded, and stands in clear beside the ledger.")
    ] = "",
    before: Annotated[
        str, typer.Option(metavar="TIME", help="Only entries recorded before: 2026-01-31T08:00, or 500d ago.")
    ] = "",
    keep: Annotated[
        str, typer.Option(metavar="DURATION", help="Keep more than the policy does, as in 500d.")
    ] = "",
    ledger: Annotated[str, typer.Option(metavar="NAME", help="Of this ledger.")] = DEFAULT_LEDGER,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Let entries go that are older than the retention policy keeps, whole packs of them. Admins only.

    Their hashes stay: the ledger still verifies, and so do proofs that were taken. It is recorded first.
    Example: glasshatch prune --reason "yearly clean-up" --dry-run --data /srv/glasshatch
    """
    if before and keep:
        raise ConfigError("say the same; give one of them", key="--before and --keep")
    if not dry_run and len(reason.strip()) < 3:
        raise ConfigError("is needed, and is recorded", key="--reason", hint="say why these entries go")
    cutoff = str(time.time_ns() - parse_duration(keep) * 10**9) if keep else parse_time(before)
    form = PruneForm(ledger=ledger, reason=reason, before=cutoff, dry_run=dry_run)
    quiet = format is Format.jsonl
    with open_desk(data, server, token_file) as desk, _working(quiet) as status:
        done = _all_steps(desk, form, status)
    if quiet:
        emit_json(done)
    else:
        _say(done, ledger, dry_run)


def _working(quiet: bool) -> Status:
    status = console(error=True).status("reading what is old enough")
    if quiet:
        status.console.quiet = True
    return status


def _all_steps(desk: Any, form: PruneForm, status: Status) -> Pruned:
    """Step after step while there is more; the sum of all."""
    total: Pruned = desk.prune(form)
    while total.more and not form.dry_run:
        status.update(f"{total.packs} packs, {total.entries} entries pruned")
        step = desk.prune(form)
        total = msgspec.structs.replace(
            step, packs=total.packs + step.packs, entries=total.entries + step.entries,
            bytes=total.bytes + step.bytes, since=total.since,
            until=max(total.until, step.until, key=lambda time: int(time or 0)),
            entry=max(total.entry, step.entry),
        )  # fmt: skip
    return total


def _say(done: Pruned, ledger: str, dry_run: bool) -> None:
    if not done.packs:
        say(f"nothing to prune: {done.stopped}")
        return
    verb = "would go" if dry_run else "pruned"
    say(f"{verb}: {done.packs} packs, {done.entries} entries, {done.bytes} bytes")
    say(f"recorded between {local_time(done.since)} and {local_time(done.until)}")
    say(f"entries are kept from {done.minimum} on; {done.stopped or 'there is more: give the command again'}")
    if not dry_run:
        place = str(done.entry) if ledger == DEFAULT_LEDGER else f"{ledger}/{done.entry}"
        say(f"entry {place} records it; take its proof: glasshatch prove {place}")
