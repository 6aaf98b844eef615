"""Replaying a session: its statements as they came, with what was decided and what came of each."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ..api.play_values import Played, PlayForm, Step
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, clean, console, emit_json, escape, local_time, say
from .times import parse_duration

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = {"allow": "green", "deny": "red", "review": "yellow", "failure": "red"}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("replay")(replay)


def replay(
    session: Annotated[str, typer.Argument(help="A session's id, or its beginning as sessions shows it.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    speed: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=10_000,
            help="Times as fast as it was; 0 leaves pauses out. [default: 1 on a terminal, else 0]",
        ),
    ] = None,
    max_pause: Annotated[
        str, typer.Option("--max-pause", metavar="TIME", help="No pause is longer, however long it was: 3s.")
    ] = "3s",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most N events.")] = 10_000,
    format: FormatOption = Format.table,
) -> None:
    """Replay a session: statements in their time, each with its decision, rows and masked values.

    As in: glasshatch replay 0199a3c2-7d10 --speed 10
    """  # fmt: skip
    longest_s = parse_duration(max_pause)
    with open_desk(data, server, token_file, reason) as desk:
        found: Played = desk.play(PlayForm(session=session, limit=limit))
    if speed is None:
        speed = 1.0 if sys.stdout.isatty() and format is Format.table else 0.0
    if format is Format.table:
        _head(found)
    _played(found, speed, longest_s, format)
    if found.truncated:
        say("[yellow]there is more; --limit shows it[/]")


def _played(found: Played, speed: float, longest_s: float, format: Format) -> None:
    out, now_ms = console(), 0.0
    for step in found.steps:
        _pause(step.at_ms - now_ms, speed, longest_s)
        if format is Format.jsonl:
            emit_json(step)
        else:
            _show(out, step)
        _pause(step.took_ms, speed, longest_s)
        if format is Format.table:
            _show_end(out, step)
        now_ms = step.at_ms + step.took_ms


def _pause(milliseconds: float, speed: float, longest_s: float) -> None:
    if speed and milliseconds > 0:
        time.sleep(min(milliseconds / 1e3 / speed, longest_s))


def _head(found: Played) -> None:
    one = found.session
    where = f" on {clean(one.resource)}" if one.resource else ""
    who = escape(clean(one.actor) or "somebody")
    say(f"[bold]{who}[/]{escape(where)}, {local_time(one.opened)}, {one.state}")


def _show(out: Console, step: Step) -> None:
    """What happened, on as many lines as the statement has."""
    moment = f"{step.at_ms / 1e3:9.3f}s"
    lines = [clean(line) for line in step.text.splitlines()] or [""]
    if step.action.startswith("statement."):
        out.print(f"[dim]{moment}[/]  [bold]{escape(lines[0])}[/]", soft_wrap=True)
        for line in lines[1:]:
            out.print(f"{' ' * 12}[bold]{escape(line)}[/]", soft_wrap=True)
    else:
        out.print(f"[dim]{moment}  {escape(step.action)} {escape(' '.join(lines))}[/]", soft_wrap=True)


def _show_end(out: Console, step: Step) -> None:
    parts = []
    if step.effect:
        rule = f" by {escape(clean(step.rule))}" if step.rule and step.effect != "allow" else ""
        parts.append(f"[{_COLOURS.get(step.effect, 'yellow')}]{escape(step.effect)}[/]{rule}")
        if step.reason and step.effect != "allow":
            parts.append(escape(clean(step.reason)))
    if step.status == "failure" and step.effect in ("", "allow"):
        parts.append(f"[red]failed[/] {escape(clean(' '.join(filter(None, (step.code, step.why)))))}")
    if step.action == "statement.run" and step.status == "success":
        kinds = f" ({escape(', '.join(map(clean, step.classes)))})" if step.classes else ""
        parts.append(f"{step.rows} rows, {step.masked} masked{kinds}")
        if step.clear:
            parts.append(f"[yellow]{step.clear} personal values in clear[/]")
    if step.took_ms:
        parts.append(f"{step.took_ms:.1f} ms")
    if parts and step.action.startswith("statement."):
        out.print(f"{' ' * 12}[dim]→[/] {', '.join(parts)}", soft_wrap=True)
