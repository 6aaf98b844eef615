"""The `glasshatch` command. Errors go to standard error with a hint; exit codes are documented."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import GlasshatchError, place_of_bug

if TYPE_CHECKING:
    import typer

EXIT_CODES = {
    "error": 1, "config": 2, "denied": 3, "unavailable": 4,
    "verification": 5, "conflict": 6, "peer": 7, "too_large": 8,
}  # fmt: skip
"""Exit code of each kind of error; 0 is success, 130 an interrupt."""

COMMANDS = {
    "server": ("init", "serve", "status", "migrate", "config"),
    "reading": ("events", "sessions", "show"),
    "investigating": ("search", "stats", "index"),
    "searches": ("searches",),
    "tailing": ("tail",),
    "replaying": ("replay",),
    "timelines": ("timeline", "graph"),
    "incidents": ("incidents",),
    "aliases": ("aliases",),
    "exposing": ("exposure",),
    "alerts": ("alerts",),
    "rules": ("rules", "detect"),
    "feeding": ("ingest",),
    "sources": ("sources", "quarantine"),
    "redacting": ("redact",),
    "masking": ("masking",),
    "proof": ("prove", "verify"),
    "evidence": ("bundle",),
    "backup": ("backup", "restore"),
    "keys": ("keys",),
    "ledgers": ("ledger",),
    "retaining": ("prune",),
    "policies": ("policy",),
    "reaching": ("connect", "resources"),
    "asking": ("request", "approve", "deny", "withdraw", "grants", "revoke"),
    "reviewing": ("requests", "run", "undo"),
    "breakglass": ("break-glass",),
    "revealing": ("reveal",),
    "vault": ("erase", "hold"),
    "signing": ("login", "logout", "whoami"),
    "access": ("access",),
    "people": ("actors", "tokens"),
    "exporting": ("exports",),
    "witnessing": ("witness", "export", "monitor"),
    "demo": ("demo",),
}
"""Which module holds which commands, in the order of the help. One command imports only its own."""


# Loading modules makes hundreds of thousands of objects that stay. With Python's own thresholds, to look for
# cycles among them took a tenth of what a start costs.
_COLLECT_AFTER = (50_000, 20, 20)


def command_line(word: str = "") -> typer.Typer:
    """The command line: with the one module that holds the command `word`, or with all of them."""
    import typer  # here, as the processes of a server take no command

    app = typer.Typer(
        name="glasshatch",
        help="The glass hatch into production: authorised, masked, recorded and provable.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in [name for name, words in COMMANDS.items() if word in words] or COMMANDS:
        import_module(f".{module}", __package__).register(app)

    @app.callback(invoke_without_command=True)
    def root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
        if version:
            _say_version()
            raise typer.Exit

    return app


def main() -> None:
    """Run one command; every expected error becomes one line, a hint and its exit code."""
    gc.set_threshold(*_COLLECT_AFTER)
    try:
        _run(sys.argv[1:])
    except GlasshatchError as error:
        _complain(error)
        sys.exit(EXIT_CODES.get(error.code, 1))
    except ModuleNotFoundError as error:
        # The client installation has no server dependencies; say so instead of a traceback.
        _complain(GlasshatchError(f"{error.name} is not installed", hint="pip install 'glasshatch[server]'"))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        # A bug of ours. Its message could hold a value that must not be shown, its place cannot.
        _complain(GlasshatchError(f"a bug in glasshatch: {place_of_bug(error)}"))
        sys.exit(70)


def _run(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        _say_version()  # without loading every command for it
    elif arguments[:1] == ["serve"] and "--part" in arguments:
        # So a server starts its own processes: each loads what it runs, and nothing of the command line.
        from ..app.serve import run_part

        run_part(arguments[1:])
    else:
        command_line(*arguments[:1])()


def _say_version() -> None:
    sys.stdout.write(f"glasshatch {__version__}\n")


def _complain(error: GlasshatchError) -> None:
    from .output import complain  # here: it is slow to load, and most commands have nothing to complain of

    complain(error)
