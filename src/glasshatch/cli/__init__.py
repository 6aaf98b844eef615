"""The `glasshatch` command. Errors go to standard error with a hint; exit codes are documented."""

from __future__ import annotations

import sys

import typer

from .. import __version__
from ..errors import GlasshatchError, place_of_bug
from . import (
    access,
    alerts,
    backup,
    demo,
    evidence,
    feeding,
    investigating,
    keys,
    ledgers,
    people,
    proof,
    reading,
    retaining,
    server,
    vault,
    witnessing,
)
from .output import complain

EXIT_CODES = {
    "error": 1, "config": 2, "denied": 3, "unavailable": 4,
    "verification": 5, "conflict": 6, "peer": 7, "too_large": 8,
}  # fmt: skip
"""Exit code of each kind of error; 0 is success, 130 an interrupt."""

app = typer.Typer(
    name="glasshatch",
    help="The glass hatch into production: authorised, masked, recorded and provable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    server,
    reading,
    investigating,
    alerts,
    feeding,
    proof,
    evidence,
    backup,
    keys,
    ledgers,
    retaining,
    access,
    vault,
    people,
    witnessing,
    demo,
):
    group.register(app)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        typer.echo(f"glasshatch {__version__}")
        raise typer.Exit


def main() -> None:
    """Run one command; every expected error becomes one line, a hint and its exit code."""
    try:
        app()
    except GlasshatchError as error:
        complain(error)
        sys.exit(EXIT_CODES.get(error.code, 1))
    except ModuleNotFoundError as error:
        # The client installation has no server dependencies; say so instead of a traceback.
        complain(GlasshatchError(f"{error.name} is not installed", hint="pip install 'glasshatch[server]'"))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        # A bug of ours. Its message could hold a value that must not be shown, its place cannot.
        complain(GlasshatchError(f"a bug in glasshatch: {place_of_bug(error)}"))
        sys.exit(70)
