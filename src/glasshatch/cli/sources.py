"""The feeds of other systems: how they are doing, what was not understood, and how to set one up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..api.feed_values import SourceView
from ..api.values import SearchForm
from ..errors import ConfigError
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, local_time, say

_DOES_NOT_HOLD = 5
sources_app = typer.Typer(help="The feeds of other systems, and how they are doing.")
_JsonOption = Annotated[bool, typer.Option("--json", help="One JSON line for each instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(sources_app, name="sources")
    app.command("quarantine")(quarantine)


@sources_app.callback(invoke_without_command=True)
def sources(
    context: typer.Context,
    as_json: _JsonOption = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List the feeds: last event, lag, rate, what was wrong.

    Example: glasshatch sources --json --data /srv/glasshatch
    """
    if context.invoked_subcommand is not None:
        return
    with open_desk(data, server, token_file) as desk:
        found = desk.list_sources()
    if as_json or format is Format.jsonl:
        for one in found:
            emit_json(one)
        return
    columns = ("SOURCE", "STATE", "LAST EVENT", "LAST DELIVERY", "LAG", "RATE", "EVENTS", "DUPLICATES",
               "QUARANTINED", "GAPS", "ERROR*")  # fmt: skip
    emit_rows(columns, map(_row, found), empty="nothing was delivered yet")


def _row(one: SourceView) -> tuple[str, ...]:
    return (
        f"{one.source}/{one.name}", one.state, local_time(one.last_event) if one.last_event else "-",
        local_time(one.last_delivery) if one.last_delivery else "-", _lag(float(one.lag_seconds or 0)),
        f"{one.rate}/s", str(one.events), str(one.duplicates), str(one.quarantined), str(one.gaps), one.error,
    )  # fmt: skip


def _lag(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"


@sources_app.command("kinds")
def kinds(format: FormatOption = Format.table) -> None:
    """List the kinds of sources that there are, and the options of each."""
    from ..sources import SOURCES

    found = [SOURCES[name] for name in sorted(SOURCES)]
    if format is Format.jsonl:
        for kind in found:
            ways = {name: way.says for name, way in kind.receive.ways.items()} if kind.receive else {}
            emit_json({"source": kind.name, "reads": kind.reads, "options": kind.options, "receives": ways})
        return
    rows = (
        (
            kind.name, kind.reads, ", ".join(kind.receive.ways) if kind.receive else "-",
            ", ".join(kind.options) or "-",
        )
        for kind in found
    )  # fmt: skip
    emit_rows(("SOURCE", "READS", "RECEIVES", "OPTIONS"), rows, empty="")


@sources_app.command("test")
def try_mappings(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Mappings: TOML files as docs/sources/mapping.md says."),
    ],
    format: FormatOption = Format.table,
) -> None:
    """Try the examples in the files of mappings; nothing is recorded.

    Exit code 5 if one does not hold, 2 if a file is refused.

    Example: glasshatch sources test mappings/acme.toml
    """
    from ..sources import SOURCES, load_mapping, try_examples

    failed = False
    for file in files:
        kind, examples = load_mapping(file)
        wrong = try_examples(kind, examples)
        if kind.name in SOURCES:
            wrong.append(f"there is a source {kind.name} already: take another name")
        failed |= bool(wrong)
        if format is Format.jsonl:
            emit_json({"file": str(file), "source": kind.name, "examples": len(examples), "wrong": wrong})
            continue
        for one in wrong:
            typer.echo(f"{file}: {one}")
        typer.echo(f"{kind.name}: {len(examples)} examples, {len(wrong)} things do not hold")
    if failed:
        raise typer.Exit(_DOES_NOT_HOLD)


@sources_app.command("setup")
def setup(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A kind of source, as in kubernetes.")],
    name: Annotated[str, typer.Option(help="Its instance, as in a cluster's name.")] = "prod",
    address: Annotated[
        str, typer.Option("--address", metavar="URL", help="Where the other system reaches the server.")
    ] = "https://audit.example.com",
    token_path: Annotated[
        str, typer.Option("--token-path", metavar="PATH", help="Where the token will lie over there.")
    ] = "/etc/kubernetes/glasshatch.token",  # noqa: S107
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the files there; print none."),
    ] = None,
) -> None:
    """Print what the other system needs so that it delivers here.

    Example: glasshatch sources setup kubernetes --name prod --address https://audit.example.com --out .
    """
    from ..sources import SOURCES, Setup

    kind = SOURCES.get(source)
    if kind is None or kind.setup is None:
        known = ", ".join(sorted(one.name for one in SOURCES.values() if one.setup is not None))
        raise ConfigError(
            f"there is nothing to set up for {source[:40]!r}", key="SOURCE", hint=f"there is: {known}"
        )
    files = kind.setup(Setup(name, address, token_path))
    if out is None:
        for file, text in files.items():
            typer.echo(f"# ---- {file}\n{text}")
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (out / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(out)) from None
    say(f"wrote {', '.join(files)} into {out}")


def quarantine(
    source: Annotated[str, typer.Option(help="Only of this kind of source, or of kind/name.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many, the newest first.")] = 50,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    format: FormatOption = Format.table,
) -> None:
    """List what could not be understood, newest first: where it stood, why, and what is kept of it.

    Example: glasshatch quarantine --source kubernetes/prod --data /srv/glasshatch
    """
    query = "action:intake.quarantined"
    kind, _, name = source.partition("/")
    for field, value in (("kind", kind), ("name", name)):
        if value:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            query += f' source.{field}:"{quoted}"'
    with open_desk(data, server, token_file, reason) as desk:
        found = desk.search(SearchForm(query=query, limit=limit)).events
    if format is Format.jsonl:
        for one in found:
            emit_json(one)
        return
    rows = (_quarantined(msgspec.json.decode(one.event)) for one in found)
    emit_rows(
        ("TIME", "SOURCE", "EVENT", "BYTES", "REASON*", "KEPT*"),
        rows,
        empty="nothing that you may see is quarantined",
    )


def _quarantined(event: dict[str, Any]) -> tuple[str, ...]:
    attrs, source = event.get("attrs", {}), event["source"]
    kept = next((attrs[name] for name in ("excerpt", "item", "members") if name in attrs), "")
    shown = kept if isinstance(kept, str) else msgspec.json.encode(kept).decode()
    return (
        local_time(event["time"]), f"{source['kind']}/{source.get('name', '')}", event["id"],
        str(attrs.get("bytes", "")), str(attrs.get("reason", "")), shown[:200],
    )  # fmt: skip
