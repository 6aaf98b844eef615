"""`glasshatch policy load` and `replay`: a changed policy in force, and tried on the record before that."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..api.policy_values import Difference, PolicyFile, PolicyLoaded, PolicyText, Replayed, ReplayForm
from ..errors import ConfigError
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, console, emit_json, emit_rows, escape, say
from .times import parse_time

_EXAMPLES = 5


def load(
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Have a running server look at its policy's files now, as it does by itself within a second.

    A good change is recorded and in force when this returns; a broken one is refused with file, line and
    cure (exit code 2), what was in force stays, and that is recorded too. Administrators only.
    Example: glasshatch policy load --data /srv/glasshatch
    """
    with open_desk(data, server, token_file) as desk:
        found: PolicyLoaded = desk.load_policy()
    if format is Format.jsonl:
        emit_json(found)
        return
    before = f", in the place of {found.before[:12]}" if found.changed else ", as before"
    say(f"policy [bold]{escape(found.name)}[/] {found.hash[:12]} is in force{before}: {found.rules} rules")


def replay(
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            metavar="POLICY",
            help="Judge by this .cedar file, folder or shipped set; by the one in force if left out.",
        ),
    ] = "",
    since: Annotated[
        str, typer.Option(help="From this time: 2026-01-31T08:00, or 90s, 15m, 2h, 7d ago.")
    ] = "",
    until: Annotated[str, typer.Option(help="Before this time, in the same forms.")] = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Judge recorded decisions again by another policy, and list what would come out otherwise.

    Differences are counted by actor, resource and rule, with the ids of some events. The record has no
    values: verbs, risks, tables and masked columns are as they were recorded, columns and lineage are read
    out of the recorded shape. What could not be judged, or not for certain, is counted with the reason.
    Auditors only; the record says who replayed what.
    Example: glasshatch policy replay --policy policies/ --since 30d --data /srv/glasshatch
    """
    form = ReplayForm(
        policy=policy_text(policy) if policy else None, since=parse_time(since), until=parse_time(until)
    )
    with open_desk(data, server, token_file) as desk:
        found = _all_steps(desk, form, quiet=format is Format.jsonl)
    if format is Format.jsonl:
        emit_json(found)
        return
    rows = (
        (one.actor, one.resource, str(one.count), f"{one.was_effect} {one.was_rule}",
         f"{one.effect} {one.rule}", " ".join(one.events))
        for one in found.differences
    )  # fmt: skip
    columns = ("ACTOR", "RESOURCE", "DECISIONS", "WAS", "WOULD BE", "EVENTS*")
    emit_rows(columns, rows, empty="nothing would come out otherwise")
    _say(found)


def policy_text(policy: str) -> PolicyText:
    """A policy of the caller's, to be sent to a server; a name that is no path means a shipped set.

    Needs no policy engine: whether it is a good policy is the server's to say.
    """
    path = Path(policy)
    if "/" not in policy and path.suffix != ".cedar" and not path.is_dir():
        return PolicyText(name=policy)
    files = sorted(path.glob("*.cedar")) if path.is_dir() else [path]
    if not files:
        raise ConfigError("has no .cedar file in it", file=policy)
    try:
        read = tuple(PolicyFile(name=file.name, text=file.read_bytes().decode()) for file in files)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigError(f"cannot be read: {reason}", file=policy) from None
    return PolicyText(name=path.stem, files=read)


def _all_steps(desk: Any, form: ReplayForm, *, quiet: bool) -> Replayed:
    """Step after step while there is more; the sum of all."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} entries"),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console(error=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("replaying", total=None)
        total: Replayed = desk.replay_policy(form)
        while True:
            bar.update(task, completed=total.done, total=total.total)
            if not total.more:
                return total
            step = desk.replay_policy(msgspec.structs.replace(form, positions=total.positions))
            total = add_up(total, step)


def add_up(one: Replayed, next: Replayed) -> Replayed:
    """Two steps of a replay as one."""
    return msgspec.structs.replace(
        next, judged=one.judged + next.judged, uncertain=_added(one.uncertain, next.uncertain),
        skipped=_added(one.skipped, next.skipped), differences=_joined(one.differences, next.differences),
    )  # fmt: skip


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def _kind(one: Difference) -> tuple[str, ...]:
    return one.actor, one.resource, one.was_effect, one.was_rule, one.effect, one.rule


def _joined(first: tuple[Difference, ...], more: tuple[Difference, ...]) -> tuple[Difference, ...]:
    found = {_kind(one): one for one in first}
    for one in more:
        known = found.get(_kind(one))
        found[_kind(one)] = one if known is None else msgspec.structs.replace(
            known, count=known.count + one.count, events=(*known.events, *one.events)[:_EXAMPLES]
        )  # fmt: skip
    return tuple(sorted(found.values(), key=lambda one: -one.count))


def _say(found: Replayed) -> None:
    count = sum(one.count for one in found.differences)
    say(f"{found.judged} decisions judged again by {escape(found.policy)} {found.policy_hash[:12]}: "
        f"{count} would come out otherwise")  # fmt: skip
    for why, number in found.uncertain.items():
        say(f"[yellow]{number} not for certain[/]: {escape(why)}")
    for why, number in found.skipped.items():
        say(f"[dim]{number} not judged: {escape(why)}[/]")
