"""Trust without the operator: be a witness, watch a log from outside, export it for everybody."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError, Denied, GlasshatchError, PeerError, Unavailable, VerificationError
from ..ledger.log import CosignerKey, VerifierKey
from .connection import DataOption, read_token
from .exporting import export_events
from .investigating import Asking
from .output import Format, FormatOption, complain, console, emit_json, escape, say

if TYPE_CHECKING:
    from ..ledger.monitor import Monitor

EXIT_VERIFICATION = 5
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

witness_app = typer.Typer(help="Being a witness of other ledgers.", no_args_is_help=True)
export_app = typer.Typer(help="Taking the record out in open formats.", no_args_is_help=True)
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's directory.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    witness_app.command("init")(witness_init)
    witness_app.command("trust")(witness_trust)
    witness_app.command("serve")(witness_serve)
    app.add_typer(witness_app, name="witness")
    export_app.command("tlog")(export_tlog_command)
    export_app.command("events", cls=Asking)(export_events)
    app.add_typer(export_app, name="export")
    app.command("monitor")(monitor)


def witness_init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    name: Annotated[str, typer.Option(help="The witness's public name, as in witness.example.com/w1.")],
) -> None:
    """Make a witness: a directory with a fresh key. Prints the public key, for those who shall trust it."""
    from ..ledger.witness import create_witness

    typer.echo(str(create_witness(directory, name)))
    say(f"Next: [bold]glasshatch witness trust {directory} KEY[/] for each ledger's public key")


def witness_trust(
    directory: FolderArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="A ledger's public key, as text or file.")],
) -> None:
    """Let the witness cosign a ledger, known by its public key; a running witness must be started again."""
    from ..ledger.witness import WitnessFolder

    log = log_key(key)
    added = WitnessFolder(directory).trust(log)
    say(f"{escape(log.name)} is {'now' if added else 'already'} trusted")


def witness_serve(
    directory: FolderArgument,
    listen: Annotated[str, typer.Option(help="The address, host:port.")] = "127.0.0.1:8610",
) -> None:
    """Answer `add-checkpoint` (C2SP tlog-witness) until interrupted.

    Cosigns a checkpoint only if it extends the last one it cosigned of that ledger, which is on the disk
    before it answers.
    """
    from ..app.witnessing import serve_witness

    serve_witness(directory, listen, say)


def export_tlog_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The directory to write; made if missing.")],
    data: DataOption = None,
    ledger: Annotated[
        str, typer.Option(metavar="NAME", help="Which of the directory's ledgers.")
    ] = "default",
    entries: Annotated[
        bool, typer.Option("--entries", help="Also the entries, which are the record itself.")
    ] = False,
    witnessed: Annotated[
        bool, typer.Option("--witnessed", help="The newest checkpoint that the witnesses cosigned.")
    ] = False,
    format: FormatOption = Format.table,
) -> None:
    """Write a ledger's checkpoint and tiles (C2SP tlog-tiles) for any web server; only what is new.

    Hashes need no key and may be exported while a server runs. With --entries the keys must be readable;
    what is written is then in clear, masked as it was recorded.
    """
    from ..app.export import export_log

    if data is None:
        raise ConfigError("give a data directory", key="--data", hint="or set GLASSHATCH_DATA")
    done = export_log(data, out, ledger=ledger, entries=entries, witnessed=witnessed)
    if format is Format.jsonl:
        emit_json(done)
    else:
        grown = f"size {done.size} (was {done.before})"
        say(f"{escape(done.origin)}: {grown}, {done.tiles} tiles, {done.bundles} bundles")


def monitor(
    log: Annotated[str, typer.Argument(metavar="URL|DIR", help="The log's address, or its directory.")],
    key: Annotated[str, typer.Option(help="The ledger's public key, as text or file.")],
    state: Annotated[Path, typer.Option(metavar="FILE", help="Where to remember what was seen last.")],
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Demand the cosignature of this witness; repeatable."),
    ] = None,
    quorum: Annotated[int, typer.Option(help="How many of the witnesses are enough; 0 for all.")] = 0,
    every: Annotated[str, typer.Option(help="Look again and again, as in 30s, 1m, 1h; empty for once.")] = "",
    once: Annotated[
        bool, typer.Option("--once", help="Look once; this is what happens without --every.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="A file (mode 0600) with a token.")
    ] = None,
    format: FormatOption = Format.table,
) -> None:
    """Look at a log from outside: what it shows must extend what it showed before.

    Exit code 0: it does. 5: it was rolled back, forked, is signed by another key or not as it should be,
    lacks what its checkpoint needs, or lacks cosignatures; with --every the watch ends there. 4: the log
    could not be reached (with --every it is tried again).
    """
    from ..ledger.monitor import Monitor, open_source

    if once and every:
        raise ConfigError("give one of --once and --every", key="--every")
    token = read_token(token_file) if token_file else ""
    watch = Monitor(open_source(log, token), log_key(key), state, witness_keys(witness), quorum)
    pause = _seconds(every) if every else 0
    while True:
        _look(watch, format, patient=bool(every))
        if not every:
            return
        time.sleep(pause)


def _look(watch: Monitor, format: Format, *, patient: bool) -> None:
    try:
        found = watch.look()
    except (Unavailable, PeerError, Denied) as error:
        if not patient:
            raise
        complain(error)
        return
    if format is Format.jsonl:
        emit_json(found)
    else:
        colour = "bold red" if found.alarm else "bold yellow" if found.finding == "rekeyed" else "green"
        console().print(
            f"[{colour}]{found.finding}[/] {escape(found.origin)}: {escape(found.says)}", soft_wrap=True
        )
    if found.alarm:
        hint = "keep everything as it is, and ask the log's operator in the open"
        if found.evidence:
            hint += f"; what was shown is in {found.evidence}"
        complain(VerificationError(f"{found.finding}: {found.says}", hint=hint))
        raise typer.Exit(EXIT_VERIFICATION)


def log_key(value: str, option: str = "--key") -> VerifierKey:
    """A ledger's public key given as text or as a file; raises `ConfigError`."""
    try:
        return VerifierKey.parse(key_text(value, option))
    except VerificationError as error:
        raise _malformed(error, option) from None


def witness_keys(values: list[str] | None) -> list[CosignerKey]:
    """Witnesses' public keys given as texts or as files; raises `ConfigError`."""
    try:
        return [CosignerKey.parse(key_text(value, "--witness")) for value in values or ()]
    except VerificationError as error:
        raise _malformed(error, "--witness") from None


def key_text(value: str, option: str) -> str:
    """A key as text, read from a file if the value names one."""
    if not value or ("+" in value and not Path(value).exists()):
        return value
    try:
        return Path(value).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=value, key=option) from None


def _malformed(error: GlasshatchError, option: str) -> ConfigError:
    return ConfigError(error.message, key=option, hint="a key looks like name+hash+base64")


def _seconds(text: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    if match is None:
        raise ConfigError("is no duration", key="--every", hint="as in 30s, 1m, 1h")
    return int(match[1]) * _UNITS[match[2]]
