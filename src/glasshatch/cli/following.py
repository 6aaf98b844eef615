"""Following logs: what is written to them is delivered, through rotations and restarts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..api.values import IntakeResult
from ..errors import ConfigError, Unavailable
from .feeding import Feed, Results, plus
from .output import clean, say

_LOOK_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


def follow_files(desk: Any, feed: Feed, files: list[Path], results: Results) -> None:
    """Deliver what the logs have and what comes, until a signal; counts stand in `results`.

    A server that is away is waited for, and nothing is read on meanwhile: what is not delivered stays in its
    file. Another refusal ends it.

    Raises:
        ConfigError: A log is standard input, or an option cannot be meant.
    """
    from ..sources import LogFollower

    if any(str(path) == "-" for path in files):
        raise ConfigError("standard input cannot be followed", key="FILE", hint="leave --follow out")
    form, positions = feed.form(), feed.positions()
    followers = [
        LogFollower(str(path.absolute()), form, positions.find_log(*feed.names(path))) for path in files
    ]
    results += [(path, IntakeResult()) for path in files]
    with _stopping() as stop:
        say(f"following {', '.join(clean(path.name) for path in files)}; Ctrl-C ends it")
        try:
            while not stop.is_set():
                for place, follower in enumerate(followers):
                    _look(desk, feed, follower, positions, results, place, stop)
                stop.wait(_LOOK_SECONDS)
        finally:
            for follower in followers:
                follower.close()


def _look(
    desk: Any, feed: Feed, follower: Any, positions: Any, results: Results, place: int, stop: threading.Event
) -> None:
    path, names = results[place][0], feed.names(results[place][0])
    before = follower.position()
    for found in follower.look():
        taken = _delivered(desk, feed, found, stop)
        if taken is None:
            return
        # Behind the acknowledgement: a crash before this line delivers the batch again.
        positions.keep(found.behind, *names)
        results[place] = (path, plus(results[place][1], taken))
        if stop.is_set():
            return
    if (after := follower.position()) != before:
        positions.keep(after, *names)
    while follower.complaints:
        say(f"[yellow]{clean(follower.complaints.pop())}[/]")


def _delivered(desk: Any, feed: Feed, found: Any, stop: threading.Event) -> IntakeResult | None:
    """What became of a batch; None if we are to stop before it was acknowledged."""
    wait_s = _LOOK_SECONDS
    while not stop.is_set():
        try:
            result: IntakeResult = desk.ingest(
                feed.source, feed.name, found.lines.body, "", found.file, found.lines.first, feed.options
            )
        except Unavailable as error:
            if wait_s == _LOOK_SECONDS:
                say(f"[yellow]not delivered, and tried again:[/] {clean(error.message)}")
            stop.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_SECONDS)
        else:
            return result
    return None


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Set by the first interrupt or termination; the batch in hand is finished."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
