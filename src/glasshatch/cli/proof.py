"""Proof without trust: `prove` takes evidence out of the record, `verify` checks it offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ..app.inspect import HomeReport, verify_home
from ..errors import ConfigError
from ..ledger.log import CosignerKey, Succession, VerifierKey, decode_keys
from ..ledger.monitor import is_exported
from ..ledger.verify import ProvenEntry, is_disclosure, verify_disclosure, verify_proof
from .connection import EVENT_HELP, DataOption, ServerOption, TokenOption, open_desk
from .evidence import is_evidence, verify_evidence
from .output import console, emit_json, escape, local_time, progress_bar, say
from .postmortems import is_post_mortem_folder, read_post_mortem, verify_post_mortem
from .verifyinglog import verify_log
from .witnessing import key_text, witness_keys

EXIT_VERIFICATION = 5
UNFINISHED = 9

SuccessionOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="For a file: how the ledger's keys follow each other (keys export); KEY is any of them.",
    ),
]

WhatArgument = Annotated[
    str,
    typer.Argument(
        metavar="DIR|URL|PROOF|BUNDLE",
        help="A data or ledger directory, a log's address (https://HOST/tlog/NAME) or its export, "
        "a proof or disclosure file, an evidence bundle, or a post-mortem (file or folder).",
    ),
]
KeysOption = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The ledger's public key, as text or file; get it from elsewhere, not from here. "
        "Repeatable for a directory with several ledgers.",
    ),
]
MasterOption = Annotated[
    str,
    typer.Option(
        "--master-key",
        metavar="REF",
        help="file:PATH or env:NAME; default: DIR/keys/master.key if there is one.",
    ),
]
AnchorsOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE|REPO", help="The ledger must hold every checkpoint kept in this anchor; repeatable."
    ),
]
SinceOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="CHECKPOINT",
        help="A file with an earlier checkpoint, which the log must extend; of an address, only what "
        "is newer is fetched. Repeatable for a directory with several ledgers.",
    ),
]
LogTokenOption = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="For an address: a file (mode 0600) with a token."),
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("prove")(prove)
    app.command("verify")(verify)


def prove(
    event: Annotated[str, typer.Argument(metavar="EVENT", help=EVENT_HELP)],
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
    what: WhatArgument,
    key: KeysOption = None,
    master: MasterOption = "",
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A proof must carry the cosignature of this witness; repeatable."),
    ] = None,
    quorum: Annotated[int, typer.Option(help="How many of the witnesses are enough; 0 for all.")] = 0,
    anchor: AnchorsOption = None,
    since: SinceOption = None,
    succession: SuccessionOption = None,
    token_file: LogTokenOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Check ledgers, a log behind an address, a proof or an evidence bundle, trusting nobody there.

    Exit code 0: everything is as it was recorded. 5: something is not; says what, where and what was
    expected. 9: only the unfinished tail of a crash or of a running server was found.
    """
    keys, place = [key_text(one, "--key") for one in key or () if one], Path(what)
    served = "://" in what or is_exported(place)
    if succession is not None and (served or (place.is_dir() and not is_post_mortem_folder(place))):
        raise ConfigError("is for files", key="--succession", hint="logs and directories hold their own")
    if witness and (served or place.is_dir()):
        raise ConfigError("is for proofs", key="--witness", hint="for a log there is glasshatch monitor")
    if served:
        _only_for_directories(anchor, keys)
        verify_log(what, "".join(keys), since or [], token_file, json)
    elif is_post_mortem_folder(place):
        _only_for_directories([*(anchor or ()), *(since or ())], keys)
        verify_post_mortem(read_post_mortem(place), _log_key("".join(keys), succession), json)
    elif place.is_dir():
        _verify_directory(place, keys, master, anchor or [], since or [], json)
    else:
        _only_for_directories([*(anchor or ()), *(since or ())], keys)
        log_key = _log_key("".join(keys), succession)
        _verify_file(place, log_key, witness_keys(witness), quorum, json)


def _only_for_directories(given: list[Path] | None, keys: list[str]) -> None:
    if given:
        raise ConfigError(
            "is for directories", key="--anchor, --since", hint="for a proof there is --witness"
        )
    if len(keys) > 1:
        raise ConfigError("is one for a single log", key="--key", hint="give the key of its ledger")


def _log_key(key: str, succession: Path | None) -> str | Succession:
    if succession is None or not key:
        return key
    try:
        return decode_keys(succession.read_bytes(), VerifierKey.parse(key))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(succession)) from None


def _verify_file(
    file: Path, verifier_key: str | Succession, witnesses: list[CosignerKey], quorum: int, json: bool
) -> None:
    if not is_evidence(file):
        _verify_proof(file, verifier_key, witnesses, quorum, json)
    elif witnesses:
        raise ConfigError("is for proofs", key="--witness", hint="a bundle's proofs are checked alone")
    else:
        verify_evidence(file, verifier_key, json)


def _verify_directory(
    directory: Path, keys: list[str], master: str, anchors: list[Path], since: list[Path], json: bool
) -> None:
    with progress_bar("verifying", quiet=json) as progress:
        report = verify_home(directory, keys, master, progress, anchors, since)
    if json:
        emit_json(report)
    else:
        _print_report(report)
    if not report.ok:
        raise typer.Exit(UNFINISHED if report.unfinished else EXIT_VERIFICATION)


def _print_report(report: HomeReport) -> None:
    out = console()
    for ledger in report.ledgers:
        out.print(f"[bold]{escape(ledger.origin)}[/]  {escape(ledger.directory)}")
        compared = (
            f"{ledger.entries_opened} compared with their leaves" if report.entries_compared else "not opened"
        )
        out.print(f"  signed size {ledger.size}, durable {ledger.durable}, checkpoints {ledger.checkpoints}")
        if ledger.pruned:
            out.print(
                f"  [yellow]pruned: entries 0 to {ledger.pruned - 1}[/], as entry {ledger.pruned_by} records;"
                " their hashes are here and verified"
            )
        blobs = f"{ledger.blobs} large ones whole in blobs; " if ledger.blobs else ""
        out.print(f"  entries: {compared}; {blobs}{ledger.files} files, {ledger.bytes} bytes")
        out.print(
            f"  key {escape(ledger.key)}" + ("" if ledger.key_given else " [yellow](the directory's own)[/]")
        )
        for other in ledger.keys:
            if other != ledger.key:
                out.print(f"  its succession also holds {escape(other)}")
    for problem in report.problems:
        out.print(
            f"[red]{problem.kind}[/] {escape(problem.file)} at byte {problem.offset}: {escape(problem.what)}"
        )
        if problem.expected or problem.found:
            out.print(f"  expected {escape(problem.expected)}\n  found    {escape(problem.found)}")
    if report.ok:
        out.print("[green]everything is as it was recorded[/]")
    elif report.unfinished:
        out.print("[yellow]an unfinished tail: start the server once, or verify when it has stopped[/]")


def _verify_proof(
    file: Path, verifier_key: str | Succession, witnesses: list[CosignerKey], quorum: int, json: bool
) -> None:
    data = _proof_data(file, verifier_key)
    if is_disclosure(data):
        if witnesses:
            raise ConfigError("is for proofs", key="--witness", hint="verify the event's proof with it")
        _verify_disclosure(data, verifier_key, json)
        return
    proven = verify_proof(data, verifier_key, witnesses, quorum)
    _print_proven(proven, json)


def _proof_data(file: Path, verifier_key: str | Succession) -> bytes:
    if not verifier_key:
        raise ConfigError(
            "a proof needs the ledger's public key",
            key="--key",
            hint="the operator published it; glasshatch prove --key-out writes it",
        )
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from None


def _verify_disclosure(data: bytes, verifier_key: str | Succession, json: bool) -> None:
    shown = verify_disclosure(data, verifier_key)
    told, proven = shown.disclosure, shown.proven
    if json:
        emit_json(
            {
                "ok": True, "origin": proven.checkpoint.origin, "index": proven.index,
                "size": proven.checkpoint.size, "event": told.event, "field": told.field, "value": told.value,
            }
        )  # fmt: skip
        return
    console().print(
        f"[green]proven[/]: field {escape(told.field)} of event {escape(told.event)}, entry {proven.index} "
        f"of {escape(proven.checkpoint.origin)}, was sealed with this value"
    )
    typer.echo(told.value if isinstance(told.value, str) else msgspec.json.encode(told.value))


def _print_proven(proven: ProvenEntry, json: bool) -> None:
    if json:
        emit_json(
            {
                "ok": True,
                "origin": proven.checkpoint.origin,
                "index": proven.index,
                "size": proven.checkpoint.size,
                "witnesses": [
                    {"name": one.key.name, "time": str(one.timestamp)} for one in proven.cosignatures
                ],
                "event": msgspec.Raw(proven.entry),
            }
        )
        return
    console().print(
        f"[green]proven[/]: entry {proven.index} of {escape(proven.checkpoint.origin)}, "
        f"under its checkpoint of size {proven.checkpoint.size}"
    )
    for one in proven.cosignatures:
        seen = local_time(one.timestamp * 1_000_000_000)
        console().print(f"witnessed by {escape(one.key.name)} at {escape(seen)}")
    typer.echo(msgspec.json.format(proven.entry, indent=2).decode())


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(file)) from None
