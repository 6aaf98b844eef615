"""`glasshatch exposure`: who saw whom."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from ..api.exposure_values import ExposedAnswer, Exposure, ExposureForm, SeenBy
from ..errors import ConfigError
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .output import emit_json, emit_rows, escape, local_time, say
from .times import parse_time


class Shape(StrEnum):
    """How exposures are printed."""

    table = "table"
    json = "json"
    jsonl = "jsonl"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("exposure")(exposure)


def exposure(
    subject: Annotated[
        str,
        typer.Option(
            metavar="SUBJECT",
            help="Of this person: a token as events show it, '<EMAIL:…>'; or - for the value on standard "
            "input, as in somebody@example.com or CUSTOMER:4711, so that it stands on no command line.",
        ),
    ] = "",
    actor: Annotated[str, typer.Option(metavar="NAME", help="Seen by this actor.")] = "",
    resource: Annotated[str, typer.Option(metavar="TYPE/NAME", help="Out of this resource.")] = "",
    data_class: Annotated[str, typer.Option("--class", help="Data of this class, as in EMAIL.")] = "",
    since: Annotated[
        str, typer.Option(help="From this time: 2026-01-31T08:00, or 90s, 15m, 2h, 7d ago.")
    ] = "",
    until: Annotated[str, typer.Option(help="Before this time, in the same forms.")] = "",
    limit: Annotated[
        int, typer.Option(min=0, max=100_000, help="The newest N answers one by one; sums are of all.")
    ] = 100,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    format: Annotated[
        Shape, typer.Option(help="Tables for people, one JSON value, or a JSON line for each answer.")
    ] = Shape.table,
) -> None:
    """Say who saw whom: answers that held personal data, masked or in clear, and who got them.

    Auditors see all, who has the role privacy all about a subject that they name, others what they were
    shown themselves. A subject's value becomes its tokens, of every key there was, in the server, and is not
    kept. With a subject each answer is `shown` (it held the subject), `named` (the statement asked for it by
    name) or `possible` (it held more subjects than are recorded of one answer). The question is recorded.
    Example, typing anna@example.com and Ctrl-D: glasshatch exposure --subject - --since 90d
    """
    form = ExposureForm(
        subject=_subject(subject), actor=actor, resource=resource, data_class=data_class,
        since=parse_time(since), until=parse_time(until), limit=limit,
    )  # fmt: skip
    with open_desk(data, server, token_file, reason) as desk:
        found: Exposure = desk.exposure(form)
    if format is Shape.json:
        emit_json(found)
    elif format is Shape.jsonl:
        for answer in found.answers:
            emit_json(answer)
    else:
        _print(found)
    if found.indexed < found.ledger_size:
        say(f"[yellow]the index is behind: {found.indexed} of {found.ledger_size} events were searched[/]")


def _subject(given: str) -> str:
    if given != "-":
        if given and not given.startswith("<"):
            raise ConfigError(
                "is no token, and a value does not belong on a command line", key="--subject",
                hint="give - and type the value, as in somebody@example.com or CUSTOMER:4711",
            )  # fmt: skip
        return given
    if sys.stdin.isatty():
        say("[dim]the value, as in somebody@example.com or CUSTOMER:4711; it is not kept[/]")
    return sys.stdin.readline().rstrip("\r\n")


def _print(found: Exposure) -> None:
    if found.subjects:
        say(f"[dim]known as {escape(', '.join(found.subjects))}[/]")
    counts = ("ANSWERS", "ROWS", "MASKED", "CLEAR", "SUBJECTS")
    columns = ("ACTOR", "RESOURCE", *counts, "CLASSES*", "FIRST", "LAST")
    emit_rows(columns, map(_seen_row, found.seen), empty="nothing was seen, as far as you may know")
    if not found.answers:
        return
    how = ("HOW",) if found.subjects else ()
    names = ("TIME", "ACTOR", "RESOURCE", *how, "ROWS", "MASKED", "CLEAR", "EVENT", "COLUMNS*")
    emit_rows(names, (_answer_row(one, bool(found.subjects)) for one in found.answers), empty="")
    if found.count > len(found.answers):
        say(f"[dim]{len(found.answers)} of {found.count} answers; --limit shows more[/]")


def _seen_row(one: SeenBy) -> tuple[str, ...]:
    return (
        one.actor, one.resource, str(one.answers), str(one.rows), str(one.masked), str(one.clear),
        str(one.subjects), ", ".join(one.classes), local_time(one.first), local_time(one.last),
    )  # fmt: skip


def _answer_row(one: ExposedAnswer, with_how: bool) -> tuple[str, ...]:
    how = (one.how,) if with_how else ()
    return (
        local_time(one.time), one.actor, one.resource, *how, str(one.rows), str(one.masked), str(one.clear),
        one.event, ", ".join(one.columns),
    )  # fmt: skip
