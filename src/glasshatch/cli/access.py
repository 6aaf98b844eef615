"""Who may do and see what: one's own view, and the review of everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from ..api.access_values import AccessReview, AccessView, ActorStanding
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, emit_json, emit_rows, escape, local_time, say

access_app = typer.Typer(
    help="Who may do what at the desk, see what of the record, and reach what.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(access_app, name="access")


@access_app.command("show")
def show(
    actor: Annotated[str, typer.Option(help="Somebody else, by name; auditors and administrators.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Say what you may do at the desk and see of the record, and by which rule."""
    with open_desk(data, server, token_file) as desk:
        found: AccessView = desk.show_access(actor)
    if format is Format.jsonl:
        emit_json(found)
        return
    rows = (
        (one.deed, "yes" if one.allowed else "no", one.rule, " or ".join(one.roles), one.reason)
        for one in found.deeds
    )
    emit_rows(("DEED", "MAY", "RULE", "TAKES THE ROLE", "WHY*"), rows, empty="no deed is known")
    say(f"[bold]sees of the record[/]  {escape(found.sees)}")
    say(f"[bold]fields hidden[/]       {escape(', '.join(found.hidden) or 'none')}")
    say(f"[dim]{escape(found.actor)} ({escape(', '.join(found.roles) or 'no role')}) under the access policy"
        f" {escape(found.policy)} {found.policy_hash[:12]}[/]")  # fmt: skip


@access_app.command("review")
def review(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """List who can reach what, grants that nobody uses, and leavers who were seen since.

    The review is itself recorded. JSON lines hold everything, an actor a line.
    """
    with open_desk(data, server, token_file) as desk:
        found: AccessReview = desk.review_access()
    if format is Format.jsonl:
        for actor in found.actors:
            emit_json(actor)
        return
    emit_rows(
        ("ACTOR", "TYPE", "ROLES", "REACHES", "GRANTS", "TOKENS", "LAST SEEN", "REMARKS*"),
        map(_row, found.actors), empty="there is no actor",
    )  # fmt: skip
    say(f"[dim]under the policy {escape(found.policy)} {found.policy_hash[:12]} and the access policy"
        f" {escape(found.access)} {found.access_hash[:12]}[/]")  # fmt: skip


def _row(actor: ActorStanding) -> tuple[str, ...]:
    return (
        actor.name, actor.type, ",".join(actor.roles),
        ",".join(one.resource for one in actor.reaches), str(len(actor.grants) or ""),
        str(actor.tokens or ""), local_time(actor.last_seen) if actor.last_seen else "never",
        "; ".join(_remarks(actor)),
    )  # fmt: skip


def _remarks(actor: ActorStanding) -> Iterator[str]:
    """What somebody who confirms access should look at."""
    if actor.on_behalf_of:
        yield f"acts for {actor.on_behalf_of}"
    if actor.disabled:
        yield f"left {local_time(actor.left)}" if actor.left else "shut out"
    if actor.since_left:
        yield f"SEEN SINCE: {actor.since_left} events"
    unused = [grant.id[:13] for grant in actor.grants if not grant.uses]
    if unused:
        yield f"unused grants: {', '.join(unused)}"
    if not actor.last_seen and actor.tokens:
        yield "never seen, and holds a token that works"
