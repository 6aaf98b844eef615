"""Following the record: the newest matches, then what comes, through restarts, without a gap or a double."""

from __future__ import annotations

import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..api.client import Client
from ..api.gist import actor_of, failed, gist_of, in_order, place_of, result_of, source_of
from ..api.values import Found, RecordedEvent, SearchForm
from ..errors import ConfigError, Unavailable
from ..events import DEFAULT_LEDGER, Event
from .connection import DataOption, ReasonOption, ServerOption, TokenOption, address_of, read_token
from .investigating import Asking, QueryArgument
from .output import Format, FormatOption, caution, clean, emit_json, escape, local_time, say
from .times import parse_time

_COLOURS = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan", "bright_magenta", "bright_blue")
_SEVERE = 4
_PAGE = 1_000
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.25, 10.0
_PART = re.compile(r"\{([^{}]+)\}")


class Colour(StrEnum):
    """When lines have colours."""

    auto = "auto"
    always = "always"
    never = "never"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("tail", cls=Asking)(tail)


def tail(
    query: QueryArgument = "",
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
    reason: ReasonOption = "",
    since: Annotated[
        str, typer.Option(help="Begin with all from this time on: 15m, 2h, 2026-01-31T08:00.")
    ] = "",
    lines: Annotated[
        int,
        typer.Option("--lines", "-n", min=0, max=10_000, help="Begin with the newest N; not with --since."),
    ] = 10,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="TEMPLATE",
            help="Lines of your own: '{time} {actor.name} {statement.text}'; members as show has them.",
        ),
    ] = "",
    colour: Annotated[Colour, typer.Option("--color", help="Colours; NO_COLOR works too.")] = Colour.auto,
    format: FormatOption = Format.table,
) -> None:
    """Follow matching events as they are recorded, until interrupted.

    A server that restarts is waited for, and what was recorded meanwhile is made up for. As in:
    glasshatch tail 'outcome.status:failure source:postgres' --since 1h
    """  # fmt: skip
    if output and format is Format.jsonl:
        raise ConfigError("takes no template with --format jsonl", key="--output", hint="leave one out")
    address = address_of(data, server)
    show = emit_json if format is Format.jsonl else _lines(output, colour)
    _Following(address, token_file, reason, query, show).run(parse_time(since), lines)


class _Following:
    """One reader, over as many connections as it takes.

    Of each ledger a mark says up to which entry everything was shown. `shown` are places above the marks
    that were shown already: a search may be ahead of what it says it searched.
    """

    def __init__(
        self, address: str, token_file: Path | None, reason: str, query: str, show: Callable[[Any], None]
    ) -> None:
        self._address = address
        self._token_file = token_file
        self._reason = reason
        self._query = query
        self._show = show
        self._marks: dict[str, int] = {}
        self._shown: set[str] = set()

    def run(self, since: str, lines: int) -> None:
        """Follow until something other than the server's absence ends it."""
        first, wait_s = True, _FIRST_WAIT_SECONDS
        while True:
            follower = self._client()
            try:
                # Followed first and then searched, so that nothing falls between; doubles are left out.
                following = follower.tail(self._query)
                self._begin(since, lines) if first else self._make_up()
                if wait_s > _FIRST_WAIT_SECONDS:
                    say("[dim]following again[/]")
                first, wait_s = False, _FIRST_WAIT_SECONDS
                while True:
                    self._stream(following.next(5.0))
            except Unavailable as error:
                if first:
                    raise
                if wait_s == _FIRST_WAIT_SECONDS:
                    say(f"[yellow]{escape(clean(error.message))}; waiting to go on[/]")
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_SECONDS)
            finally:
                follower.close()

    def _client(self) -> Client:
        # The token anew each time: who signs in again while a server is away need not begin again.
        return Client(self._address, read_token(self._token_file, self._address), reason=self._reason)

    def _begin(self, since: str, lines: int) -> None:
        if since:
            self._pages(SearchForm(query=self._query, since=since, limit=_PAGE, oldest_first=True))
            return
        client = self._client()
        try:
            found = client.search(SearchForm(query=self._query, limit=lines))
        finally:
            client.close()
        caution(found.notice)
        self._emit(in_order(found.events))
        self._mark(found)

    def _make_up(self) -> None:
        """What was recorded since the last that was shown."""
        form = SearchForm(query=self._query, after_in=self._marks, limit=_PAGE, oldest_first=True)
        self._pages(form)

    def _pages(self, form: SearchForm) -> None:
        client = self._client()
        try:
            page = first = client.search(form)
            if form.since:
                caution(first.notice)
            self._emit(page.events)
            while page.next:
                page = client.search(msgspec.structs.replace(form, cursor=page.next))
                self._emit(page.events)
        finally:
            client.close()
        self._mark(first)

    def _mark(self, found: Found) -> None:
        """Everything that matches below what was searched was shown, or was not asked for."""
        for ledger, position in (found.positions or {DEFAULT_LEDGER: found.indexed}).items():
            self._marks[ledger] = max(self._marks.get(ledger, -1), position - 1)
        self._shown = {
            one for one in self._shown if int(one.rpartition("/")[2]) > self._marks.get(_ledger_of(one), -1)
        }

    def _emit(self, events: Iterable[RecordedEvent]) -> None:
        for one in events:
            if one.place not in self._shown:
                self._show(one)
                self._shown.add(one.place)

    def _stream(self, events: Iterable[RecordedEvent]) -> None:
        """What comes while following: of each ledger in its order, so each moves the mark."""
        for one in events:
            if one.index > self._marks.get(one.ledger, -1):
                if one.place not in self._shown:
                    self._show(one)
                self._marks[one.ledger] = one.index


def _ledger_of(place: str) -> str:
    return place.rpartition("/")[0] or DEFAULT_LEDGER


def _lines(template: str, colour: Colour) -> Callable[[RecordedEvent], None]:
    """What prints an event as a line."""
    shown = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    wanted = colour is Colour.always or (colour is Colour.auto and shown)
    from rich.console import Console

    out = Console(
        highlight=False, force_terminal=wanted, no_color=not wanted,
        color_system="standard" if wanted else None, soft_wrap=True,
    )  # fmt: skip
    if template:
        return lambda one: out.print(_filled(template, one), markup=False, soft_wrap=True)
    return lambda one: out.print(_line(one), soft_wrap=True)


def _line(one: RecordedEvent) -> str:
    """Where it comes from in a colour of its own, as stern does; what went wrong in red."""
    event = msgspec.json.decode(one.event, type=Event)
    source = source_of(event)
    hue = _COLOURS[zlib.crc32(source.encode()) % len(_COLOURS)]
    bad = failed(event) or event.severity >= _SEVERE
    result, action = escape(clean(result_of(event))), escape(clean(event.action))
    parts = [
        f"[dim]{one.place:>7} {local_time(event.time)}[/]", f"[{hue}]{escape(clean(source)):<20}[/]",
        f"[bold]{escape(clean(actor_of(event))):<14}[/]",
        f"[red]{action} {result}[/]" if bad else f"{action} {result}".rstrip(),
        escape(clean(place_of(event))), f"[dim]{event.session_id[:13]}[/]" if event.session_id else "",
        escape(clean(gist_of(event))),
    ]  # fmt: skip
    return "  ".join(part for part in parts if part)


def _filled(template: str, one: RecordedEvent) -> str:
    event = msgspec.json.decode(one.event)
    known = {"index": one.place, "ledger": one.ledger, "time": local_time(event.get("time", "0"))}

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return clean(known[name] if name in known else _member(event, name))

    return _PART.sub(value, template)


def _member(value: Any, path: str) -> str:
    """A member by its path, whose names may hold points themselves; empty if there is none."""
    if not path:
        return ", ".join(_member(one, "") for one in value) if isinstance(value, list) else _text(value)
    if isinstance(value, list):
        return ", ".join(filter(None, (_member(one, path) for one in value)))
    if not isinstance(value, dict):
        return ""
    names = path.split(".")
    for width in range(len(names), 0, -1):
        head = ".".join(names[:width])
        if head in value:
            return _member(value[head], ".".join(names[width:]))
    return ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
