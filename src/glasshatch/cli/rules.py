"""Detection rules: check them, look at them, and ask them about files."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from .output import Format, clean, emit_json, emit_rows, progress_bar, say

if TYPE_CHECKING:
    from ..app.filedetection import FileDetection, FileFinding
    from ..detect.sigma import SigmaFolder

rules_app = typer.Typer(help="Detection rules: check them and look at them.", no_args_is_help=True)
_LEVELS = ("informational", "low", "medium", "high", "critical")
_MOST_NAMED = 20


class CheckFormat(StrEnum):
    """How a check is told."""

    table = "table"
    json = "json"


class Level(StrEnum):
    """How grave a rule says its findings are."""

    informational = "informational"
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


RulesOption = Annotated[
    Path, typer.Option("--rules", metavar="DIR", help="A folder of Sigma rules, or one file.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(rules_app, name="rules")
    app.command("detect")(detect)


@rules_app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of Sigma rules, or one file.")],
    format: Annotated[CheckFormat, typer.Option(help="A table for people or JSON for programs.")] = (
        CheckFormat.table
    ),
) -> None:
    """Read every rule of a folder and say which are not loaded, and why.

    Exit codes: 0 every rule is loaded, 2 some are not.
    Example: glasshatch rules check ./sigma/rules --format json
    """
    found = _load(folder)
    if format is CheckFormat.json:
        emit_json(
            {
                "loaded": len(found.rules) + len(found.correlations),
                "failed": len(found.problems),
                "errors": found.problems,
            }
        )
    else:
        rows = ((one.file, str(one.line), one.reason) for one in found.problems)
        if found.problems:
            emit_rows(("FILE", "LINE", "REASON*"), rows, empty="")
        say(f"{len(found.rules) + len(found.correlations)} rules are loaded, {len(found.problems)} are not")
        _say_wanting(found)
    if found.problems:
        raise typer.Exit(2)


@rules_app.command("ls")
def ls(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of Sigma rules, or one file.")],
    level: Annotated[Level, typer.Option(help="Only rules of this level and above.")] = Level.informational,
    format: Annotated[Format, typer.Option(help="A table for people or JSON lines for programs.")] = (
        Format.table
    ),
) -> None:
    """List the rules of a folder.

    Example: glasshatch rules ls ./rules --level high
    """
    rules = [rule for rule in _load(folder).rules if _grave(rule.level, level)]
    if format is Format.jsonl:
        for rule in rules:
            emit_json(
                {"rule": rule.rule, "title": rule.title, "level": rule.level, "status": rule.status,
                 "logsource": rule.source, "tags": rule.tags, "file": rule.origin}
            )  # fmt: skip
        return
    rows = ((rule.rule, rule.level, _about(rule.source), rule.title) for rule in rules)
    emit_rows(("RULE", "LEVEL", "LOG SOURCE", "TITLE*"), rows, empty="no rule")


def detect(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Files of records, also .gz and .zst; - is standard input."),
    ],
    rules: RulesOption,
    source: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What the files hold: a kind of source, as `glasshatch ingest` takes it, or a log source of "
            "Sigma, as in windows/process_creation. By default it is guessed for each record.",
        ),
    ] = "",
    level: Annotated[Level, typer.Option(help="Only rules of this level and above.")] = Level.informational,
    format: Annotated[Format, typer.Option(help="JSON lines for programs or a table for people.")] = (
        Format.jsonl
    ),
) -> None:
    """Ask Sigma rules about files of records, without a server. Nothing is stored.

    A finding names the rule, its title and level, the record's own id (or its file and line) and its time.
    Exit codes: 0 whatever is found, 2 no such file, folder or source.
    Example: glasshatch detect cloudtrail.json.gz --rules ./sigma/rules --source cloudtrail
    """
    from ..app.filedetection import FileDetection

    found = _load(rules)
    detection = FileDetection(found, source)
    if found.problems:
        say(f"[yellow]{len(found.problems)} rules are not loaded[/]: glasshatch rules check names them")
    _say_wanting(found)
    table: list[tuple[str, ...]] = []
    count = 0
    for finding in _findings(detection, files):
        if not _grave(finding.level, level):
            continue
        count += 1
        if format is Format.jsonl:
            emit_json(finding)
        else:
            table.append((finding.level, finding.title, finding.event, finding.rule))
    if format is Format.table:
        emit_rows(("LEVEL", "TITLE*", "EVENT", "RULE"), table, empty="nothing was found")
    unread = f", {detection.unreadable} of them unreadable" if detection.unreadable else ""
    say(f"[dim]{count} findings in {detection.records} records{unread}[/]")
    if detection.timeless:
        say(f"[yellow]{detection.timeless} matches have no time[/] and were not correlated")


def _findings(detection: FileDetection, files: list[Path]) -> Iterator[FileFinding]:
    for file in files:
        with progress_bar(clean(file.name), quiet=False) as show:
            yield from detection.find(file, show)
    yield from detection.end()


def _load(folder: Path) -> SigmaFolder:
    from ..detect.sigma import load_folder

    with progress_bar("reading rules", quiet=False, counted=True) as show:
        return load_folder(folder, progress=show)


def _say_wanting(found: SigmaFolder) -> None:
    names = sorted({name for rule in found.rules for name in rule.wanting})
    if names:
        listed = ", ".join(names[:_MOST_NAMED])
        say(f"[dim]rules that ask for lists which nobody gave match nothing: {escape(listed)}[/]")


def _grave(level: str, least: Level) -> bool:
    """Whether a rule's level is at least that; a rule that names none is taken along always."""
    return level not in _LEVELS or _LEVELS.index(level) >= _LEVELS.index(least.value)


def _about(source: Any) -> str:
    return "/".join((source.product, source.category, source.service)).rstrip("/")
