"""Proof without trust: `prove` takes evidence out of the record, `verify` checks it offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import console, emit_json, say


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("prove")(prove)
    app.command("verify")(verify)


def prove(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="An event id or its ledger index.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the proof here instead of standard output.")
    ] = None,
    key_out: Annotated[
        Path | None, typer.Option("--key-out", help="Also write the ledger's public key here.")
    ] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Take one event with its inclusion proof and a signed checkpoint out of the record."""
    with open_desk(data, server, token_file) as desk:
        made = desk.prove(event)
    if out is None:
        sys.stdout.write(made.proof)
    else:
        _write(out, made.proof)
        say(f"proof of event {event} in {out}; check it with: glasshatch verify {out} --key KEY")
    if key_out is not None:
        _write(key_out, made.verifier_key + "\n")


def verify(
    what: Annotated[
        Path, typer.Argument(metavar="DIR|PROOF", help="A data or ledger directory, or a proof file.")
    ],
    key: Annotated[
        str,
        typer.Option(
            "--key",
            help="The ledger's public key, as text or file; get it from elsewhere, not from here.",
        ),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Check a whole ledger or one proof, offline, trusting nobody here. Exit code 5 if anything is wrong."""
    verifier_key = _read_key(key)
    if what.is_dir():
        _verify_directory(what, verifier_key, json)
    else:
        _verify_proof(what, verifier_key, json)


def _verify_directory(directory: Path, verifier_key: str, json: bool) -> None:
    from ..ledger.verify import verify_tree

    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        console=console(error=True), transient=True, disable=json or not sys.stderr.isatty(),
    ) as bar:  # fmt: skip
        task = bar.add_task("verifying", total=None)
        report: Any = verify_tree(
            directory,
            verifier_key,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json:
        emit_json(report)
    else:
        say(report)
    if report.problems:
        raise typer.Exit(5)


def _verify_proof(file: Path, verifier_key: str, json: bool) -> None:
    from ..ledger.verify import verify_proof

    if not verifier_key:
        raise ConfigError(
            "a proof needs the ledger's public key",
            key="--key",
            hint="the operator published it; glasshatch prove --key-out writes it",
        )
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from None
    verify_proof(data, verifier_key)


def _read_key(value: str) -> str:
    """A verifier key given as text or as a file."""
    if not value or ("+" in value and not Path(value).exists()):
        return value
    try:
        return Path(value).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=value, key="--key") from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(file)) from None
