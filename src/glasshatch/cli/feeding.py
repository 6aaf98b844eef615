"""Taking in files of other systems' events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..api.values import IntakeProblem, IntakeResult
from ..errors import ConfigError, GlasshatchError, PeerError
from .connection import DataOption, ServerOption, TokenOption, is_live, open_desk
from .output import Format, FormatOption, clean, complain, emit_json, emit_rows, progress_bar, say

_NAMED_PROBLEMS = 10
Results = list[tuple[Path, IntakeResult]]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("ingest")(ingest)


def ingest(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="What the files hold: json, kubernetes, pgaudit, cloudtrail, …"
        ),
    ],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Files, also .gz and .zst; - is standard input.")
    ],
    name: Annotated[
        str, typer.Option(help="Which instance they come from, as in a cluster's name.")
    ] = "default",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="What the source must know of the form."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is written, through rotations, until stopped.")
    ] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Record the events in files, redacted. To run it again doubles nothing.

    With --data no server is needed, and an empty directory becomes a data directory. A run that was
    interrupted goes on where it was. What cannot be understood is recorded as intake.quarantined, redacted
    and shortened, and counted.

    Example: glasshatch ingest kubernetes audit.log.gz --name prod --data ./record
    """
    if data is not None and not server:
        _known_kind(source, data)
        _make(data)
    results: Results = []
    feed = Feed(source, name, tuple(option or ()), _destination(data, server))
    try:
        with open_desk(data, server, token_file) as desk:
            if follow:
                from .following import follow_files

                follow_files(desk, feed, files, results)
                return
            unread = _each(desk, feed, files, results)
    finally:
        emit_results(results, format)
    for error in unread[1:]:
        complain(error)
    if unread:
        raise unread[0]


def _each(desk: Any, feed: Feed, files: list[Path], results: Results) -> list[GlasshatchError]:
    """Take every file in; answers what is wrong with those that cannot be read, which stop no other."""
    unread = []
    for path in files:
        results.append((path, IntakeResult()))
        try:
            for result in _taken(desk, feed, path):
                results[-1] = (path, result)
        except _Unread as error:
            unread.append(error.why)
    return unread


class _Unread(Exception):
    """A file cannot be read, or not to its end; the way to the record is not to blame."""

    def __init__(self, why: GlasshatchError) -> None:
        super().__init__()
        self.why = why


class Feed(msgspec.Struct, frozen=True):
    """What is delivered where, to a kind that a server alone may know.

    destination: by which positions are told apart, and where they are kept.
    """

    source: str
    name: str
    options: tuple[str, ...]
    destination: tuple[str, Path]

    def form(self) -> Any:
        """How the source's items stand in a file; raises `ConfigError` for an option that cannot be meant."""
        from ..sources import SOURCES, json_form

        kind = SOURCES.get(self.source)
        if kind is None:
            return json_form({})  # a mapping's, whose items are JSON; who has the mapping says if it is none
        given = dict(one.partition("=")[::2] for one in self.options)
        if unknown := sorted(set(given) - set(kind.options)):
            raise ConfigError(
                f"{kind.name} has no option {unknown[0][:40]!r}", key="--option",
                hint=f"there are: {', '.join(kind.options) or 'none'}",
            )  # fmt: skip
        return kind.form(given)

    def positions(self) -> Any:
        """Where it was left."""
        from ..sources import Positions

        return Positions(self.destination[1])

    def names(self, path: Path) -> tuple[str, ...]:
        """What tells the position in a file apart from others."""
        return (self.destination[0], self.source, self.name, str(path.absolute()))


def _destination(data: Path | None, server: str) -> tuple[str, Path]:
    """A directory keeps the positions beside what it took in; of a server's they lie with its client."""
    from ..sources import state_directory

    if data is not None and not server and not is_live(data):
        return "local", data / "derived" / "positions"
    return server or str(data and data.absolute()), state_directory()


def _known_kind(source: str, data: Path) -> None:
    """Refuse, before a directory is made, a kind that neither we nor its configuration know."""
    from ..app.config import load_config
    from ..app.feeds.kinds import kinds_of
    from ..sources import SOURCES

    file = data / "glasshatch.toml"
    kinds = kinds_of(load_config(file)) if source not in SOURCES and file.is_file() else SOURCES
    if source not in kinds:
        raise ConfigError(
            f"there is no source {source[:40]!r}",
            key="SOURCE",
            hint=f"there are {', '.join(sorted(kinds))}, and what sources.mappings of a configuration names",
        )


def _make(data: Path) -> None:
    if data.exists() and any(data.iterdir()):
        return
    from ..app.local import create_unless_there  # only here: it needs the server's dependencies

    create_unless_there(data)
    say(f"made a data directory in {data}")


def _begin_of(path: Path, length: int | None = None) -> tuple[str, int]:
    """A digest of the file's first bytes; raises `_Unread`."""
    from ..sources import mark_of

    try:
        return mark_of(path) if length is None else mark_of(path, length)
    except ConfigError as error:
        raise _Unread(error) from None


def _taken(desk: Any, feed: Feed, path: Path) -> Iterator[IntakeResult]:
    """What became of a file so far, after each batch of it, with a bar for people who watch."""
    from ..sources import BEGIN, Position, read_lines

    form, positions, names = feed.form(), feed.positions(), feed.names(path)
    piped = str(path) == "-"
    left = None if piped else positions.find(*names)
    if left is not None and _begin_of(path, left.marked) != (left.mark, left.marked):
        left = None  # another file by now
    result = msgspec.convert(left.counts, IntakeResult) if left is not None else IntakeResult()
    if left is not None:
        say(f"{clean(path.name)} goes on at line {left.place.line}")
        yield result
    mark, marked = ("", 0) if piped else _begin_of(path)
    keeps = not piped
    # Keys of events without an id are told apart by the file's whole path; of it only a digest is kept.
    name_of_file = "-" if piped else str(path.absolute())
    with progress_bar(clean(path.name), quiet=False) as show:
        parts = read_lines(path, form, left.place if left is not None else BEGIN)
        for part in _forgetting(parts, positions, names):
            taken = desk.ingest(feed.source, feed.name, part.body, "", name_of_file, part.first, feed.options)
            result = plus(result, taken)
            if keeps:
                counts = {"accepted": result.accepted, "duplicates": result.duplicates,
                          "quarantined": result.quarantined, "skewed": result.skewed}  # fmt: skip
                keeps = _kept(positions, Position(mark, marked, part.behind, counts), names)
            show(part.read_bytes, part.total_bytes)
            yield result
    positions.drop(*names)


def _kept(positions: Any, position: Any, names: tuple[str, ...]) -> bool:
    """Whether the position is kept; an account without a home delivers all the same, and once it says so."""
    try:
        positions.keep(position, *names)
    except ConfigError as error:
        say(f"[yellow]{clean(str(error))}[/]: if this is interrupted, it begins anew, and doubles nothing")
        return False
    return True


def _forgetting(parts: Iterator[Any], positions: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """The parts; of a file that is damaged no position is kept: mended, it may be another from there on."""
    while True:
        try:
            part = next(parts)
        except StopIteration:
            return
        except PeerError as error:
            positions.drop(*names)
            raise _Unread(error) from None
        except ConfigError as error:
            raise _Unread(error) from None
        yield part


def plus(one: IntakeResult, other: IntakeResult) -> IntakeResult:
    """Both together."""
    return IntakeResult(
        accepted=one.accepted + other.accepted, duplicates=one.duplicates + other.duplicates,
        quarantined=one.quarantined + other.quarantined, skewed=one.skewed + other.skewed,
        problems=(one.problems + other.problems)[:_NAMED_PROBLEMS],
    )  # fmt: skip


def emit_results(results: Results, format: Format) -> None:
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
    sys.stdout.flush()
