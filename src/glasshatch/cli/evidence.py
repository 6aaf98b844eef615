"""Evidence bundles: `bundle` hands events over to somebody who trusts nobody, `verify` checks what came."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ..api.values import EvidenceForm
from ..errors import ConfigError
from ..ledger import Succession
from ..ledger.evidence import (
    MAX_ARCHIVE_BYTES,
    CheckedEvidence,
    check_evidence,
    is_post_mortem,
    read_archive,
)
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .investigating import Asking, QueryArgument, SinceOption, UntilOption
from .output import Format, FormatOption, clean, console, emit_json, escape, local_time, progress_bar, say
from .postmortems import verify_post_mortem
from .times import parse_time

_ZIP = b"PK"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("bundle", cls=Asking)(bundle)


def bundle(
    query: QueryArgument,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="F.zip", help="The file to write; a new one.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    ledger: Annotated[
        str, typer.Option(metavar="NAME", help="Only events in this ledger; a bundle is of one.")
    ] = "",
    format: FormatOption = Format.table,
) -> None:
    """Take all events that match out of the record, with proofs that anybody can check; auditors only.

    The file holds the events as they are stored, a page that shows them, and a proof of each under one
    signed checkpoint. That it was made is recorded before it is handed out. A bundle holds 10,000 events.
    """
    take_bundle(query, out, data, server, token_file, since, until, ledger, format)


def take_bundle(
    query: str, out: Path, data: Path | None, server: str, token_file: Path | None, since: str, until: str,
    ledger: str, format: Format,
) -> None:  # fmt: skip
    """Write the bundle of a query to a new file, once it is verified here."""
    if out.exists():
        raise ConfigError("exists already", file=str(out), hint="give a new name")
    form = EvidenceForm(query=query, since=parse_time(since), until=parse_time(until), ledger=ledger)
    with (
        progress_bar("bundling", quiet=format is Format.jsonl) as progress,
        open_desk(data, server, token_file) as desk,
    ):
        made = _made(desk, form, progress)
    with progress_bar("verifying", quiet=format is Format.jsonl) as progress:
        checked = check_evidence(made, None, progress)
    _write(out, made)
    if format is Format.jsonl:
        emit_json(_summary(checked) | {"file": str(out), "bytes": len(made)})
        return
    say(f"{checked.facts.events} events in {escape(str(out))}; check it with:")
    say(f"  glasshatch verify {escape(str(out))} --key KEY")
    if checked.facts.indexed < checked.facts.ledger_size:
        say(
            f"[yellow]the index is behind: {checked.facts.indexed} of {checked.facts.ledger_size} entries"
            " were searched, and the bundle says so[/]"
        )


def is_evidence(file: Path) -> bool:
    """Whether this is meant to be a bundle."""
    if file.suffix == ".zip":
        return True
    try:
        with file.open("rb") as opened:
            return opened.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def verify_evidence(file: Path, verifier_key: str | Succession, json: bool) -> None:
    """Check a bundle and say what it shows."""
    data = _read(file)
    members = read_archive(data)
    if is_post_mortem(members):
        verify_post_mortem(members, verifier_key, json)
        return
    with progress_bar("verifying", quiet=json) as progress:
        checked = check_evidence(data, verifier_key or None, progress)
    if json:
        emit_json(_summary(checked))
        return
    facts, out = checked.facts, console()
    out.print(
        f"[green]proven[/]: {facts.events} events of {escape(checked.origin)}, under its checkpoint of size "
        f"{checked.size}"
    )
    out.print(f"  query   {escape(clean(facts.query)) or 'everything'}")
    made = f"{clean(facts.made_by.name)} at {local_time(facts.made)}"
    out.print(f"  made by {escape(made)}, recorded as entry {checked.made_index}")
    if facts.gaps:
        out.print(f"  [yellow]{len(facts.gaps)} gaps of recording are known in the period[/]")
    given = "" if checked.key_given else " [yellow](the bundle's own: give --key from elsewhere)[/]"
    out.print(f"  key {escape(checked.key)}{given}")


def _made(desk: Any, form: EvidenceForm, progress: Any) -> bytes:
    """A server sends the bundle in parts; a desk in this process has it at once."""
    make = desk.make_evidence
    result: bytes = make(form, progress) if inspect.ismethod(make) else make(form)
    return result


def _summary(checked: CheckedEvidence) -> dict[str, Any]:
    return {
        "ok": True,
        "origin": checked.origin,
        "key": checked.key,
        "key_given": checked.key_given,
        "size": checked.size,
        "made_index": checked.made_index,
        "facts": checked.facts,
        "indices": checked.indices,
    }


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_ARCHIVE_BYTES:
            raise ConfigError("is too large for a bundle", file=str(file))
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from None


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all, and for nobody else's eyes."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            os.link(temporary, file)  # never over a file that came up meanwhile
        finally:
            temporary.unlink()
    except FileExistsError:
        raise ConfigError("exists already", file=str(file), hint="give a new name") from None
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(file)) from None
