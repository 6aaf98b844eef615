"""How commands speak: tables for people, JSON lines for programs, errors with a hint."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import GlasshatchError


class Format(StrEnum):
    """The two shapes of output."""

    table = "table"
    jsonl = "jsonl"


FormatOption = Annotated[Format, typer.Option(help="A table for people or JSON lines for programs.")]


def console(*, error: bool = False) -> Console:
    """A console that respects NO_COLOR and does not wrap what is piped."""
    wide = None if (sys.stderr if error else sys.stdout).isatty() else 200
    return Console(
        stderr=error, highlight=False, width=wide, no_color=bool(os.environ.get("NO_COLOR")) or None
    )


def complain(error: GlasshatchError) -> None:
    """One line on standard error, and the cure on the next."""
    out = console(error=True)
    out.print(f"[bold red]error[/] [dim]({error.code})[/] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        out.print(f"[dim]  hint:[/] {escape(error.hint)}", soft_wrap=True)


def say(text: str) -> None:
    """A line for people, on standard error, so that standard output stays machine-readable."""
    console(error=True).print(text, soft_wrap=True)


def emit_json(value: Any) -> None:
    """One JSON value on a line of standard output."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def emit_rows(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str, head: bool = True
) -> None:
    """A table; columns whose name ends with * may be cut with an ellipsis, the others never are."""
    table = Table(box=None, header_style="bold", pad_edge=False, show_header=head)
    for column in columns:
        table.add_column(
            column.rstrip("*"), overflow="ellipsis", no_wrap=True, min_width=None if "*" in column else 1
        )
    count = 0
    for row in rows:
        table.add_row(*(escape(clean(cell)) for cell in row))
        count += 1
    if count:
        console().print(table)
    else:
        say(f"[dim]{escape(empty)}[/]")


@contextmanager
def progress_bar(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal, fed with bytes done and bytes in all; gone when the work is."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
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
