"""Detection rules: check them, look at them, and ask them about files."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import ConfigError
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .investigating import QueryArgument, SinceOption, UntilOption
from .output import Format, clean, emit_json, emit_rows, local_time, progress_bar, say

if TYPE_CHECKING:
    from ..app.filedetection import FileDetection, FileFinding
    from ..detect.sigma import SigmaFolder

rules_app = typer.Typer(help="Detection rules: check them and look at them.", no_args_is_help=True)
_LEVELS = ("informational", "low", "medium", "high", "critical")
_MOST_NAMED = 20
_DOES_NOT_HOLD = 5


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
    rules = [rule for rule in _load(folder).every_rule() if _grave(rule.level, level)]
    if format is Format.jsonl:
        for rule in rules:
            emit_json(
                {"rule": rule.rule, "title": rule.title, "level": rule.level, "status": rule.status,
                 "about": _about(rule), "tags": rule.tags, "file": rule.origin, "line": rule.line}
            )  # fmt: skip
        return
    rows = ((rule.rule, rule.level, _about(rule), rule.title) for rule in rules)
    emit_rows(("RULE", "LEVEL", "ABOUT", "TITLE*"), rows, empty="no rule")


@rules_app.command("show")
def show(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="An id or its beginning, a name, or a title.")],
    rules: RulesOption,
) -> None:
    """Show a rule's text as its author wrote it.

    Example: glasshatch rules show 4db60cc0 --rules ./sigma/rules
    """
    wanted = rule.lower()
    found = [
        one
        for one in _load(rules).every_rule()
        if one.rule.startswith(wanted) or wanted in (one.name.lower(), one.title.lower())
    ]
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} rules are called {rule[:60]!r}", key="RULE", hint="glasshatch rules ls names them"
        )
    one = found[0]
    say(f"[dim]{escape(one.origin)}:{one.line}[/]")
    lines = Path(one.origin).read_text("utf-8-sig").splitlines()[one.line - 1 :]
    for number, line in enumerate(lines):
        if number and line.rstrip() == "---":
            break
        typer.echo(clean(line))


@rules_app.command("test")
def run_tests_of(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of rules: Sigma's and ours.")],
    format: Annotated[Format, typer.Option(help="A table for people or JSON lines for programs.")] = (
        Format.table
    ),
) -> None:
    """Run the tests that rules carry, and name the rules that lack some.

    Exit codes: 0 every test holds, 2 a rule cannot be read, 5 a test does not hold.
    Example: glasshatch rules test ./rules
    """
    from ..detect import check_rules, read_folder, untested
    from ..detect.sigma import run_tests, untested_rules

    found = _load(folder)
    own = read_folder(folder) if folder.is_dir() else []
    results = [*check_rules(own), *run_tests(found)]
    failed = [one for one in results if not one.passed]
    if format is Format.jsonl:
        for one in results:
            emit_json({"rule": one.rule, "test": one.test, "wanted": one.wanted, "raised": one.raised})
    else:
        rows = ((one.rule, one.test, str(one.wanted), str(one.raised)) for one in failed)
        if failed:
            emit_rows(("RULE", "TEST*", "WANTED", "RAISED"), rows, empty="")
        say(f"{len(results) - len(failed)} tests hold, {len(failed)} do not")
    for rule in [*untested(own), *untested_rules(found)][:_MOST_NAMED]:
        say(
            f"[yellow]{escape(rule)}[/] lacks a test in which it finds something, or one in which it must not"
        )
    for problem in found.problems[:_MOST_NAMED]:
        say(f"[red]{escape(problem.file)}:{problem.line}[/] {escape(problem.reason)}")
    if found.problems:
        raise typer.Exit(2)
    if failed:
        raise typer.Exit(_DOES_NOT_HOLD)


@rules_app.command("backtest")
def backtest(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of Sigma rules, or one file.")],
    query: QueryArgument = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    since: SinceOption = "30d",
    until: UntilOption = "",
    format: Annotated[Format, typer.Option(help="A table for people or JSON lines for programs.")] = (
        Format.table
    ),
) -> None:
    """Say how often rules would have raised an alert over the record's past. The reading is recorded.

    Rules work as in a server: what an actor did once is quiet for ten minutes. Only what you may read is
    looked at.
    Example: glasshatch rules backtest new-rule.yml --since 30d --data /srv/glasshatch
    """
    from ..api.export_values import ExportForm
    from ..app.backtesting import Backtest
    from .times import parse_time

    tried = Backtest(_load(folder))
    asked = ExportForm(query=query, since=parse_time(since), until=parse_time(until), form="jsonl")
    with open_desk(data, server, token_file, reason) as desk:
        found = desk.export_events(asked)
        with progress_bar("events", quiet=False, counted=True) as show:
            for count, one in enumerate(found.events, 1):
                tried.take(one.ledger, one.index, bytes(one.event))
                if not count % 500:
                    show(count, found.count)
    results = tried.results()
    if format is Format.jsonl:
        for result in results:
            emit_json(result)
    else:
        rows = (
            (one.level, one.title, str(one.alerts), str(one.actors), local_time(one.last), one.rule)
            for one in results
        )
        emit_rows(
            ("LEVEL", "TITLE*", "ALERTS", "ACTORS", "LAST", "RULE"), rows, empty="no rule found anything"
        )
    say(f"[dim]{sum(one.alerts for one in results)} alerts in {tried.events} events[/]")


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


def _about(rule: Any) -> str:
    """The log source of a rule, or the kind of a correlation."""
    source = getattr(rule, "source", None)
    if source is None:
        return str(rule.kind)
    return "/".join((source.product, source.category, source.service)).rstrip("/")
