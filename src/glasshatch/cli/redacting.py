"""`glasshatch redact`: a filter for pipelines, from standard input to standard output."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError, PeerError
from .output import progress_bar, say

if TYPE_CHECKING:
    from ..app.filter import LineFilter, Problem

_LONG_BYTES = 4 << 20
_NAMED_PROBLEMS = 20
_LEFT_ALONE = 141
"""As a shell reports a program that SIGPIPE ended."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("redact")(redact)


def complete_packs(incomplete: str) -> list[str]:
    """The shipped packs, for the shell; also behind a comma."""
    from ..masking import shipped_packs

    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in shipped_packs() if name.startswith(last)]


def redact(
    findings: Annotated[
        bool, typer.Option("--findings", help="Print what was found and where instead, one object per line.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="The input is JSON lines; their member `text` is scanned.")
    ] = False,
    packs: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Detector packs, with commas between: shipped ones by name, your own by path; "
            "all shipped ones unless told.",
            autocompletion=complete_packs,
        ),
    ] = "",
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='A TOML file with \\[operators], such as EMAIL = "partial".'),
    ] = None,
    key: Annotated[
        str,
        typer.Option(
            metavar="REFERENCE",
            help="The key of the tokens, file:PATH or env:NAME, at least 16 bytes; a random one for each run "
            "unless told, so that tokens of two runs do not compare.",
        ),
    ] = "",
    tenant: Annotated[str, typer.Option(help="Whose tokens; another tenant's differ.")] = "default",
) -> None:
    """Take personal data and secrets out of lines: standard input to standard output.

    Needs no server and no data directory. Lines come out as soon as they are read, so it works behind
    tail -f. What cannot be scanned becomes [UNSCANNED]; a JSON line that cannot be read too, and then the
    exit code is 7. Lines count from 0, and offsets are characters of the line as it was.
    Example: kubectl logs -f deploy/shop | glasshatch redact --packs core,secrets
    """
    line_filter = _open(packs, policy, key, tenant, json=json, findings=findings)
    if sys.stdin.isatty():
        say("[dim]reading lines from the terminal; end with Ctrl-D[/]")
    try:
        with _progress() as seen:
            _run(line_filter, findings, seen)
    except BrokenPipeError:
        # Who reads has left. What Python would still flush at its end goes nowhere, without a complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_LEFT_ALONE) from None
    _tell(line_filter.problems)


def _open(
    packs: str, policy: Path | None, key: str, tenant: str, *, json: bool, findings: bool
) -> LineFilter:
    from ..app.filter import LineFilter, read_choices
    from ..masking import Engine, Redactor, Tokens, shipped_packs

    names = [name.strip() for name in packs.split(",") if name.strip()] or list(shipped_packs())
    own = [Path(name) for name in names if _is_path(name)]
    engine = Engine.load([name for name in names if not _is_path(name)], own)
    tokens = Tokens({1: _key(key)}, 1, tenant)
    choices = read_choices(policy, frozenset(detector.type for detector in engine.detectors))
    return LineFilter(Redactor(engine, tokens), choices, json=json, findings=findings)


def _is_path(name: str) -> bool:
    return name.endswith(".toml") or "/" in name


def _key(reference: str) -> bytes:
    if not reference:
        return secrets.token_bytes(32)
    scheme, _, where = reference.partition(":")
    try:
        found = {"file": _of_file, "env": _of_environment}[scheme](where)
    except KeyError:
        raise ConfigError(
            f"{scheme!r} is no kind of reference", key="--key", hint="file:PATH or env:NAME"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=where, key="--key") from None
    if len(found) < 16:
        raise ConfigError("the key has fewer than 16 bytes", key="--key", hint="openssl rand -base64 32")
    return found


def _of_file(path: str) -> bytes:
    return Path(path).read_bytes().strip()


def _of_environment(name: str) -> bytes:
    if name not in os.environ:
        raise ConfigError(f"the environment has no {name}", key="--key", hint=f"export {name}=…")
    return os.environb[name.encode()].strip()


def _run(line_filter: LineFilter, findings: bool, seen: Callable[[int], None]) -> None:
    from ..app.filter import read_lines

    out = sys.stdout.buffer
    for batch in read_lines(sys.stdin.fileno()):
        out.write(line_filter.feed(batch.lines))
        if batch.ended or findings:
            out.write(b"\n")
        # At once: whoever looks at `tail -f` through this sees each line when it comes.
        out.flush()
        seen(batch.read_bytes)


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """A bar for a long file, unless what is written goes to the same terminal."""
    status = os.fstat(sys.stdin.fileno())
    total = status.st_size if stat.S_ISREG(status.st_mode) else 0
    with progress_bar("redacting", quiet=total < _LONG_BYTES or sys.stdout.isatty()) as move:
        yield lambda done: move(done, total)


def _tell(problems: Sequence[Problem]) -> None:
    """Name the lines that were replaced; of their text nothing."""
    if not problems:
        return
    for problem in problems[:_NAMED_PROBLEMS]:
        say(f"[yellow]line {problem.line}[/] {problem.reason}")
    raise PeerError(
        f"{len(problems)} of the lines could not be read and became [UNSCANNED], the first is line "
        f"{problems[0].line}, counted from 0",
        hint="one JSON object a line with a string as its member `text`, up to 16 MiB",
    )
