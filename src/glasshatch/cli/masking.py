"""`glasshatch masking`: the detector packs, the proof of their examples, and why something was found."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError
from .output import clean, console, emit_json, emit_rows, escape, say

if TYPE_CHECKING:
    from ..masking import Engine, Explanation, Pack, Step

_LONGEST_TEXT = 1 << 20
_Json = Annotated[bool, typer.Option("--json", help="JSON for programs instead of text for people.")]
_Packs = Annotated[
    list[str] | None,
    typer.Option("--pack", help="A shipped pack by name, or your own by path; all shipped ones unless told."),
]

group = typer.Typer(no_args_is_help=True, help="Detector packs: list them, prove them, ask why.")


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(group, name="masking")


@group.command("packs")
def packs(
    names: Annotated[list[str] | None, typer.Argument(help="Packs by name or path; all unless told.")] = None,
    json: _Json = False,
) -> None:
    """List packs, their types and detectors, and their hashes.

    Example: glasshatch masking packs uk ./own.toml
    """
    loaded = _load(names or [])
    if json:
        emit_json([_described(pack) for pack in loaded])
    elif names:
        rows = [
            (pack.name, one.type, one.name, f"{one.confidence:g}", one.operator, one.checked_by or "-")
            for pack in loaded
            for one in pack.detectors
        ]
        emit_rows(
            ("PACK", "TYPE", "DETECTOR*", "CONFIDENCE", "OPERATOR", "CHECK"), rows, empty="no detectors"
        )
    else:
        emit_rows(("PACK", "DETECTORS", "TYPES*", "HASH"), [_row(pack) for pack in loaded], empty="no packs")


def _row(pack: Pack) -> tuple[str, str, str, str]:
    return pack.name, str(len(pack.detectors)), ", ".join(_types(pack)), pack.hash[:12]


def _types(pack: Pack) -> list[str]:
    return sorted({detector.type for detector in pack.detectors})


def _described(pack: Pack) -> dict[str, object]:
    return {
        "pack": pack.name,
        "file": pack.file,
        "hash": pack.hash,
        "types": _types(pack),
        "detectors": [
            {
                "name": one.name, "type": one.type, "where": one.where, "confidence": one.confidence,
                "operator": one.operator, "validator": one.checked_by, "triggers": len(one.triggers),
                "examples": len(one.examples), "counter_examples": len(one.counter_examples),
            }
            for one in pack.detectors
        ],
    }  # fmt: skip


@group.command("test")
def prove(
    names: Annotated[list[str] | None, typer.Argument(help="Packs by name or path; all unless told.")] = None,
    json: _Json = False,
) -> None:
    """Run the examples of packs and measure each trigger alone; exit code 5 if one does not hold.

    Example: glasshatch masking test ./own.toml
    """
    from ..masking import SLOWEST_MB_PER_S, failures, speeds

    loaded = _load(names or [])
    detectors = [detector for pack in loaded for detector in pack.detectors]
    wrong = list(failures(loaded))
    measured = sorted(speeds(detectors, time.perf_counter), key=lambda one: one.mb_per_s)
    slow = [one for one in measured if one.mb_per_s < SLOWEST_MB_PER_S]
    examples = sum(len(one.examples) + len(one.counter_examples) for one in detectors)
    if json:
        emit_json({"detectors": len(detectors), "examples": examples, "failures": wrong, "slow": slow,
                   "slowest": measured[:5]})  # fmt: skip
    else:
        for failure in wrong:
            say(f"[red]{escape(failure.where)}[/] {failure.detector}: {escape(failure.reason)}: "
                f"{escape(repr(failure.text))}")  # fmt: skip
        for one in slow:
            say(f"[red]{escape(one.where)}[/] {one.detector}: its triggers scan {one.mb_per_s} MB/s alone")
        least = f", the slowest trigger scans {measured[0].mb_per_s} MB/s alone" if measured else ""
        say(f"{len(detectors)} detectors, {examples} examples, {len(wrong)} do not hold{least}")
    if wrong or slow:
        raise typer.Exit(5)


@group.command("explain")
def explain(
    text: Annotated[
        str, typer.Argument(help="The text; - reads it from standard input, off the command line.")
    ],
    pack: _Packs = None,
    json: _Json = False,
) -> None:
    """Say what is found in a text and why, and what was looked at and refused.

    The text is neither stored nor logged. Example: echo 'ssn 536-22-8726' | glasshatch masking explain -
    """
    from ..masking import explain as look

    told = _standard_input() if text == "-" else text
    try:
        explanation = look(_engine(pack or []), told)
    except OverflowError:
        raise ConfigError(
            "the text holds more candidates than are looked at", hint="a shorter text"
        ) from None
    if json:
        emit_json(explanation)
    else:
        _tell(explanation, told)


def _standard_input() -> str:
    text = sys.stdin.buffer.read(_LONGEST_TEXT + 1)
    if len(text) > _LONGEST_TEXT:
        raise ConfigError("the text is longer than 1 MiB", hint="a part of it")
    return text.decode("utf-8", "replace").rstrip("\n")


def _tell(explanation: Explanation, text: str) -> None:
    out = console()
    for one in explanation.findings:
        shown = escape(clean(text[one.start : one.end]))
        out.print(
            f"[bold]{one.type}[/] {one.start}-{one.end} [cyan]{shown}[/] by {one.detector}", soft_wrap=True
        )
    if not explanation.findings:
        out.print("nothing is found")
    for step in explanation.steps:
        out.print(f"  [dim]{escape(_line(step))}[/]", soft_wrap=True)


def _line(step: Step) -> str:
    parts = [step.detector, f"({step.where})", f"confidence {step.confidence:g}"]
    parts += [f"in {' in '.join(step.decoding)}"] if step.decoding else []
    parts += [f"trigger {clean(step.trigger)[:60]!r}"]
    parts += [f"value {clean(step.value)!r}"] if step.value else []
    parts += [f"check {step.validator}"] if step.validator else []
    parts += [f"near {clean(step.context)!r}"] if step.context else []
    return f"{' '.join(parts)}: {step.verdict}"


def _load(names: Sequence[str]) -> list[Pack]:
    from ..masking import ALL_PACKS, load_packs

    own = [Path(name) for name in names if _is_path(name)]
    return load_packs([name for name in names if not _is_path(name)] or ([] if own else [ALL_PACKS]), own)


def _engine(names: Sequence[str]) -> Engine:
    from ..masking import ALL_PACKS, Engine

    own = [Path(name) for name in names if _is_path(name)]
    shipped = [name for name in names if not _is_path(name)] or ([] if own else [ALL_PACKS])
    return Engine.load(shipped, own)


def _is_path(name: str) -> bool:
    return name.endswith(".toml") or "/" in name
