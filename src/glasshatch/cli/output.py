"""How commands speak: tables for people, JSON lines for programs, errors with a hint."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ..errors import GlasshatchError

if TYPE_CHECKING:
    from rich.console import Console  # as all of rich, only loaded to say something to a person

_GAP = 2
_LEAST_CUT = 16


class Format(StrEnum):
    """The two shapes of output."""

    table = "table"
    jsonl = "jsonl"


FormatOption = Annotated[Format, typer.Option(help="A table for people or JSON lines for programs.")]


def console(*, error: bool = False) -> Console:
    """A console that respects NO_COLOR and does not wrap what is piped."""
    from rich.console import Console

    wide = None if (sys.stderr if error else sys.stdout).isatty() else 200
    return Console(
        stderr=error, highlight=False, width=wide, no_color=bool(os.environ.get("NO_COLOR")) or None
    )


def escape(text: str) -> str:
    """Text that a console shows as it is, also where it looks like a mark-up."""
    from rich.markup import escape

    return escape(text)


def complain(error: GlasshatchError) -> None:
    """One line on standard error, and the cure on the next."""
    out = console(error=True)
    out.print(f"[bold red]error[/] [dim]({error.code})[/] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        out.print(f"[dim]  hint:[/] {escape(error.hint)}", soft_wrap=True)


def say(text: str) -> None:
    """A line for people, on standard error, so that standard output stays machine-readable."""
    console(error=True).print(text, soft_wrap=True)


def caution(text: str) -> None:
    """Such a line with what must not be overlooked; none for an empty text."""
    if text:
        say(f"[yellow]{escape(text)}[/]")


def emit_json(value: Any) -> None:
    """One JSON value on a line of standard output."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def emit_rows(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str, head: bool = True
) -> None:
    """A table. Columns whose name ends with * are cut to fit a terminal; others, and piped ones, never."""
    from rich.cells import cell_len
    from rich.table import Table

    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        say(f"[dim]{escape(empty)}[/]")
        return
    names = [column.rstrip("*") for column in columns]
    widths = [max(map(cell_len, column)) for column in zip(names, *cells, strict=True)]
    out = console()
    if sys.stdout.isatty():
        widths = _fitted(columns, widths, out.width - _GAP * len(widths))
    # On a narrow terminal a line runs on in the next: better than columns of three letters.
    out.width = sum(widths) + _GAP * len(widths)
    table = Table(box=None, header_style="bold", pad_edge=False, show_header=head)
    for name, width in zip(names, widths, strict=True):
        table.add_column(name, overflow="ellipsis", no_wrap=True, width=width)
    for row in cells:
        table.add_row(*map(escape, row))
    out.print(table)


def _fitted(columns: Sequence[str], widths: Sequence[int], room: int) -> list[int]:
    """A width for each column, those with a * sharing what the others leave, down to a few letters."""
    fitted = list(widths)
    cut = sorted((index for index, name in enumerate(columns) if "*" in name), key=widths.__getitem__)
    left = room - sum(width for index, width in enumerate(widths) if index not in cut)
    for place, index in enumerate(cut):
        fitted[index] = min(widths[index], max(left // (len(cut) - place), _LEAST_CUT))
        left -= fitted[index]
    return fitted


@contextmanager
def progress_bar(what: str, *, quiet: bool, counted: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal, fed with bytes done and bytes in all; gone when the work is.

    counted: They are no bytes but things.
    """
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    size = MofNCompleteColumn() if counted else DownloadColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), size, TimeRemainingColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=console(error=True), transient=True, disable=hidden) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def clean(text: str) -> str:
    """Recorded text made safe for a terminal: control characters are shown, not obeyed."""
    return "".join(char if char.isprintable() else _visible(char) for char in text)


def _visible(char: str) -> str:
    return " " if char in "\n\t" else f"\\x{ord(char):02x}"


def local_time(nanoseconds: str | int) -> str:
    """A record's time in the reader's zone, to the millisecond."""
    try:
        moment = datetime.datetime.fromtimestamp(int(nanoseconds) / 1e9).astimezone()
    except (ValueError, OverflowError):
        return f"{nanoseconds} ns"  # a source's clock may claim a year no calendar here knows
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}"
