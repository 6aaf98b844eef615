"""Incidents: what people found out, event by event, until the post-mortem is handed out."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..api.incident_values import (
    AnswerForm,
    IncidentChange,
    IncidentForm,
    IncidentSummary,
    IncidentView,
    MoveForm,
    NoteForm,
    PinForm,
)
from ..errors import ConfigError
from ..ledger.evidence import check_post_mortem, post_mortem_files
from ..wholefiles import write_folder
from .connection import EVENT_HELP, DataOption, ReasonOption, ServerOption, TokenOption, open_desk
from .output import (
    Format,
    FormatOption,
    clean,
    console,
    emit_json,
    emit_rows,
    escape,
    local_time,
    progress_bar,
    say,
)
from .vault import write_secretly

incidents_app = typer.Typer(
    help="Incidents: pins, notes, a runbook's questions, and the post-mortem.", no_args_is_help=True
)
IncidentArgument = Annotated[
    str, typer.Argument(metavar="INCIDENT", help="An incident's number, or its id or its beginning.")
]
TextArgument = Annotated[
    str, typer.Argument(metavar="TEXT", help="The text; - reads it from standard input. It is redacted.")
]
WhyOption = Annotated[str, typer.Option("--why", help="Why; it is kept and recorded, redacted.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(incidents_app, name="incidents")


@incidents_app.command("create")
def create(
    title: Annotated[str, typer.Argument(help="What happened, in a few words.")] = "",
    alert: Annotated[
        str,
        typer.Option(
            metavar="ALERT", help="Begin with this alert: its severity, what it is about, its events as pins."
        ),
    ] = "",
    severity: Annotated[int, typer.Option(min=0, max=6, help="0 to 6, as of events.")] = 3,
    runbook: Annotated[str, typer.Option(metavar="NAME", help="Whose questions it has.")] = "default",
    about: Annotated[
        list[str] | None,
        typer.Option("--about", metavar="KIND:NAME", help="As in session:ID or actor:alice; repeatable."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Repeatable.")] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Open an incident. Example: glasshatch incidents create --alert 0198 --tag customer-data"""
    form = IncidentForm(
        title=title, alert=alert, severity=severity, runbook=runbook, subjects=tuple(about or ()),
        tags=tuple(tag or ()),
    )  # fmt: skip
    with open_desk(data, server, token_file) as desk:
        _emit(desk.create_incident(form), format)


@incidents_app.command("list")
def list_incidents(
    status: Annotated[str, typer.Option(help="open, contained, resolved, closed; by default all.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List incidents, oldest first."""
    with open_desk(data, server, token_file) as desk:
        found: list[IncidentSummary] = desk.list_incidents(status)
    if format is Format.jsonl:
        for item in found:
            emit_json(item)
        return
    rows = (
        (str(one.number), one.status, str(one.severity), local_time(one.created), one.assignee,
         ",".join(one.tags), str(one.entries), one.title)
        for one in found
    )  # fmt: skip
    columns = ("NUMBER", "STATUS", "SEVERITY", "OPENED", "ASSIGNEE", "TAGS", "ENTRIES", "TITLE*")
    emit_rows(columns, rows, empty="no incident")


@incidents_app.command("show")
def show(
    incident: IncidentArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Show an incident: its pins, notes, questions and answers, and how its status went."""
    with open_desk(data, server, token_file) as desk:
        _emit(desk.show_incident(incident), format)


@incidents_app.command("pin")
def pin(
    incident: IncidentArgument,
    event: Annotated[str, typer.Argument(metavar="EVENT", help=EVENT_HELP)],
    why: WhyOption,
    off: Annotated[bool, typer.Option("--off", help="Take the pin off.")] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    format: FormatOption = Format.table,
) -> None:
    """Pin an event that you may see, and say why it matters.

    Example: glasshatch incidents pin 3 4711 --why "the first of her statements without a WHERE"
    """
    with open_desk(data, server, token_file, reason) as desk:
        _say(
            desk.pin_event(incident, PinForm(event=event, why=why, off=off)),
            format,
            "unpinned" if off else "pinned",
        )


@incidents_app.command("note")
def note(
    incident: IncidentArgument,
    text: TextArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Write a note. Example: glasshatch incidents note 3 "bob says that he only meant to test" """
    with open_desk(data, server, token_file) as desk:
        _say(desk.note_incident(incident, NoteForm(text=_typed(text))), format, "note written")


@incidents_app.command("answer")
def answer(
    incident: IncidentArgument,
    question: Annotated[str, typer.Argument(help="The question's name, as `show` lists it.")],
    text: TextArgument,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Answer a question of the runbook; a later answer stands before an earlier one."""
    with open_desk(data, server, token_file) as desk:
        _say(
            desk.answer_incident(incident, AnswerForm(question=question, text=_typed(text))),
            format,
            f"{question} answered",
        )


@incidents_app.command("tag")
def tag(
    incident: IncidentArgument,
    tags: Annotated[list[str], typer.Argument(metavar="TAG…", help="Tags to put on; -TAG takes one off.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Put tags on, or take them off: glasshatch incidents tag 3 customer-data -- -false-alarm"""
    form = IncidentChange(
        add_tags=tuple(one for one in tags if not one.startswith("-")),
        drop_tags=tuple(one[1:] for one in tags if one.startswith("-")),
    )
    with open_desk(data, server, token_file) as desk:
        _say(desk.change_incident(incident, form), format, "tagged")


@incidents_app.command("assign")
def assign(
    incident: IncidentArgument,
    actor: Annotated[str, typer.Argument(help="An actor's name; - for nobody.")],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Give it to somebody."""
    with open_desk(data, server, token_file) as desk:
        _say(desk.change_incident(incident, IncidentChange(assignee=actor)), format, f"assigned to {actor}")


@incidents_app.command("edit")
def edit(
    incident: IncidentArgument,
    title: Annotated[str, typer.Option(help="Another title.")] = "",
    severity: Annotated[int | None, typer.Option(min=0, max=6, help="Another severity.")] = None,
    about: Annotated[
        list[str] | None, typer.Option("--about", metavar="KIND:NAME", help="It is about this too.")
    ] = None,
    not_about: Annotated[
        list[str] | None, typer.Option("--not-about", metavar="KIND:NAME", help="It is not about this.")
    ] = None,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Change title, severity or what it is about. Example: glasshatch incidents edit 3 --about actor:alice"""
    form = IncidentChange(
        title=title, severity=severity, add_subjects=tuple(about or ()), drop_subjects=tuple(not_about or ())
    )
    with open_desk(data, server, token_file) as desk:
        _say(desk.change_incident(incident, form), format, "changed")


@incidents_app.command("status")
def status(
    incident: IncidentArgument,
    to: Annotated[str, typer.Argument(metavar="STATUS", help="open, contained, resolved or closed.")],
    why: WhyOption,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Take it to its next status: open, contained, resolved, closed; what is over may open again."""
    if to not in ("open", "contained", "resolved", "closed"):
        raise ConfigError("is no status", key="STATUS", hint="write open, contained, resolved or closed")
    with open_desk(data, server, token_file) as desk:
        _say(desk.move_incident(incident, MoveForm(status=to, why=why)), format)  # type: ignore[arg-type]


@incidents_app.command("export")
def export(
    incident: IncidentArgument,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="DIR|F.zip", help="A new folder, or a new file ending in .zip."),
    ],
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    format: FormatOption = Format.table,
) -> None:
    """Take the post-mortem out: HTML, Markdown and JSON, and proofs of the pinned events; recorded.

    It takes the right to hand out evidence, as auditors have it. Anybody checks it offline:
    glasshatch verify DIR|F.zip --key KEY
    """
    if out.exists():
        raise ConfigError("exists already", file=str(out), hint="give a new name")
    with (
        progress_bar("gathering", quiet=format is Format.jsonl) as progress,
        open_desk(data, server, token_file, reason) as desk,
    ):
        made = _made(desk, incident, progress)
    files = post_mortem_files(made)
    checked = check_post_mortem(files)
    if out.suffix == ".zip":
        write_secretly(out, made)
    else:
        _write_folder(out, files)
    if format is Format.jsonl:
        emit_json({"out": str(out), "files": sorted(files), "bytes": len(made), "index": checked.index})
        return
    say(f"{len(files)} files in {escape(str(out))}; check them with:")
    say(f"  glasshatch verify {escape(str(out))} --key KEY")


def _made(desk: Any, incident: str, progress: Any) -> bytes:
    """A server sends it in parts; a desk in this process has it at once."""
    make = desk.export_incident
    made: bytes = make(incident, progress) if inspect.ismethod(make) else make(incident)
    return made


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    try:
        write_folder(folder, files)
    except OSError as error:
        raise ConfigError(f"cannot be made: {error.strerror}", file=str(folder)) from None


def _typed(text: str) -> str:
    return sys.stdin.read().strip() if text == "-" else text


def _say(found: IncidentView, format: Format, what: str = "") -> None:
    """How the incident stands after a step; `show` shows the rest."""
    if format is Format.jsonl:
        emit_json(found)
        return
    console().print(f"[bold]incident {found.number}[/]  {found.status}  {escape(clean(found.title))}")
    if what:
        say(f"[dim]{escape(clean(what))}; {found.entries} entries in all[/]")


def _emit(found: IncidentView, format: Format) -> None:
    if format is Format.jsonl:
        emit_json(found)
        return
    out = console()
    out.print(f"[bold]incident {found.number}[/]  {found.status}  {escape(clean(found.title))}")
    facts = (
        ("severity", str(found.severity)), ("assignee", found.assignee), ("tags", " ".join(found.tags)),
        ("about", " ".join(found.subjects)), ("alert", found.alert),
        ("opened", f"{local_time(found.created)} by {found.created_by}"), ("id", found.id),
    )  # fmt: skip
    for name, value in facts:
        if value:
            out.print(f"  {name:9} {escape(clean(value))}")
    _table("pins", ("EVENT", "PINNED", "BY", "WHY*"), [
        (pin.place, local_time(pin.time), pin.by, pin.why) for pin in found.pins
    ])  # fmt: skip
    _table("notes", ("WRITTEN", "BY", "NOTE*"), [
        (local_time(one.time), one.by, one.text) for one in found.notes
    ])  # fmt: skip
    _table("questions", ("NAME", "QUESTION", "BY", "ANSWER*"), [
        (one.name, one.question, one.by, one.answer or "not answered") for one in found.questions
    ])  # fmt: skip
    _table("status", ("WHEN", "FROM", "TO", "BY", "WHY*"), [
        (local_time(one.time), one.before, one.after, one.by, one.why) for one in found.moves
    ])  # fmt: skip


def _table(name: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if rows:
        console().print(f"\n[bold]{name}[/]")
        emit_rows(columns, rows, empty="")
