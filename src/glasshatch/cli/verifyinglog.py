"""`glasshatch verify` of a log that somebody else serves, or of its export."""

from __future__ import annotations

from pathlib import Path

import typer

from ..app.inspect import read_note
from ..errors import ConfigError, VerificationError
from ..ledger.log import VerifierKey
from ..ledger.monitor import DirectorySource, ServedReport, UrlSource, verify_served
from .connection import read_token
from .output import console, emit_json, escape, progress_bar

EXIT_VERIFICATION = 5


def verify_log(where: str, key: str, since: list[Path], token_file: Path | None, json: bool) -> None:
    """Fetch and check the whole of a log, print the result, and end with its exit code."""
    if not key:
        raise ConfigError(
            "a log needs its public key", key="--key", hint="the operator published it; keys export prints it"
        )
    if len(since) > 1:
        raise ConfigError("is one for a single log", key="--since", hint="give the newest that you kept")
    # Only a token that was typed here: one of the environment is for one's own server, not for any address.
    token = read_token(token_file) if token_file else ""
    source = UrlSource(where, token) if "://" in where else DirectorySource(Path(where))
    note = read_note(since[0]) if since else b""
    try:
        verifier = VerifierKey.parse(key)
    except VerificationError as error:
        raise ConfigError(error.message, key="--key", hint="a key looks like name+hash+base64") from None
    with progress_bar("verifying", quiet=json) as progress:
        report = verify_served(source, where, verifier, note, progress=progress)
    if json:
        emit_json(report)
    else:
        _print(report)
    if not report.ok:
        raise typer.Exit(EXIT_VERIFICATION)


def _print(report: ServedReport) -> None:
    out = console()
    out.print(f"[bold]{escape(report.origin)}[/]  {escape(report.source)}")
    extends = f", extending the {report.since} of the checkpoint that was given" if report.since else ""
    out.print(f"  signed size {report.size}{extends}; {report.hashes} leaf hashes up to the signed root")
    withheld = f", {report.entries_withheld} not handed out" if report.entries_withheld else ""
    out.print(f"  entries: {report.entries_compared} compared with their leaves{withheld}")
    out.print(f"  key {escape(report.key)}")
    for other in report.keys:
        if other != report.key:
            out.print(f"  its succession also holds {escape(other)}")
    for problem in report.problems:
        out.print(f"[red]damage[/] {escape(problem.file)} at byte {problem.offset}: {escape(problem.what)}")
        if problem.expected or problem.found:
            out.print(f"  expected {escape(problem.expected)}\n  found    {escape(problem.found)}")
    if report.ok:
        out.print("[green]everything is as it was recorded[/]")
