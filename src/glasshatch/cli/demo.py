"""The demo: a scripted day with a real database, a real server and real clients."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .output import emit_json, say

DirOption = Annotated[
    Path,
    typer.Option(
        "--dir", metavar="DIR", help="Where the demo keeps its data, so that a second run finds it."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("demo")(demo)


def demo(
    directory: DirOption = Path(".demo"),
    check: Annotated[
        bool,
        typer.Option("--check", help="Play the day alone on a fresh stage, print one JSON object, and exit."),
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Remove what the demo keeps, and exit.")] = False,
) -> None:
    """Play a day behind the hatch, then stay up for you to try; Ctrl-C stops all of it."""
    from ..app.demo import check_day, run_demo
    from ..app.demo.reset import reset as reset_demo

    if reset:
        reset_demo(directory)
        say(f"{directory} is gone")
    elif check:
        # /var/tmp and not the home: PostgreSQL runs as an account that may not enter a closed one.
        with tempfile.TemporaryDirectory(prefix="glasshatch-demo-", dir="/var/tmp") as folder:
            Path(folder).chmod(0o711)
            result = check_day(Path(folder) / "stage", say)
        emit_json(result)
        steps = [value for value in result.values() if isinstance(value, bool)]
        if not steps or not all(steps):
            raise typer.Exit(1)
    else:
        run_demo(directory, say)
