"""Taking in files of other systems' events."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from ..api.values import IntakeProblem, IntakeResult
from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, clean, console, emit_json, emit_rows, say

_NAMED_PROBLEMS = 10


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("ingest")(ingest)


def ingest(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="What the files hold: json or kubernetes.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Files, also .gz and .zst; - is standard input.")
    ],
    name: Annotated[
        str, typer.Option(help="Which instance they come from, as in a cluster's name.")
    ] = "default",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Record the events in files, redacted. To run it again doubles nothing.

    With --data no server is needed, and an empty directory becomes a data directory. What cannot be
    understood is recorded as intake.quarantined, redacted and shortened, and counted.
    """
    from ..sources import SOURCES

    if source not in SOURCES:
        raise ConfigError(
            f"there is no source {source[:40]!r}",
            key="SOURCE",
            hint=f"there are {', '.join(sorted(SOURCES))}",
        )
    if data is not None and not server:
        _make(data)
    results: list[tuple[Path, IntakeResult]] = []
    try:
        with open_desk(data, server, token_file) as desk:
            for path in files:
                results.append((path, IntakeResult()))
                for taken in _taken(desk, source, name, path):
                    results[-1] = (path, _plus(results[-1][1], taken))
    finally:
        _emit(results, format)


def _make(data: Path) -> None:
    if data.exists() and any(data.iterdir()):
        return
    from ..app.local import create_unless_there  # only here: it needs the server's dependencies

    create_unless_there(data)
    say(f"made a data directory in {data}")


def _taken(desk: Any, source: str, name: str, path: Path) -> Any:
    """The result of each batch of a file, with a bar for people who watch."""
    from ..sources import read_lines

    # Keys of events without an id are told apart by the file's whole path; of it only a digest is kept.
    name_of_file = "-" if str(path) == "-" else str(path.absolute())
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(error=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(clean(path.name), total=None)
        for part in read_lines(path):
            yield desk.ingest(source, name, part.body, "", name_of_file, part.first)
            progress.update(task, completed=part.read_bytes, total=part.total_bytes or None)


def _plus(one: IntakeResult, other: IntakeResult) -> IntakeResult:
    return IntakeResult(
        accepted=one.accepted + other.accepted, duplicates=one.duplicates + other.duplicates,
        quarantined=one.quarantined + other.quarantined, skewed=one.skewed + other.skewed,
        problems=(one.problems + other.problems)[:_NAMED_PROBLEMS],
    )  # fmt: skip


def _emit(results: list[tuple[Path, IntakeResult]], format: Format) -> None:
    """What became of each file; also of those before an error."""
    if not results:
        return
    if format is Format.jsonl:
        for path, result in results:
            emit_json({"file": str(path), "result": result})
        return
    rows = (
        (str(path), str(r.accepted), str(r.duplicates), str(r.quarantined), str(r.skewed))
        for path, r in results
    )
    emit_rows(("FILE", "ACCEPTED", "DUPLICATES", "QUARANTINED", "CLOCK OFF"), rows, empty="")
    problems: list[tuple[Path, IntakeProblem]] = [(path, p) for path, r in results for p in r.problems]
    for path, problem in problems[:_NAMED_PROBLEMS]:
        say(f"[yellow]{clean(path.name)}, item {problem.item}[/] {problem.reason}")
