"""Between `record()` and the spool: what the capture policy counts, samples or leaves off, and what drops."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..errors import ConfigError, GlasshatchError, TooLarge, Unavailable
from ..events import Event, Ids, Outcome, Source
from .capture import Capture, Rule
from .held import DROPPED, MAX_EVENT_BYTES, Held
from .spool import Full, Spool

WhenFull = Literal["refuse", "drop-new", "drop-old"]
CaptureText = Mapping[str, Any] | str | Path | None

_LOOK_SECONDS = 1.0
_encoder = msgspec.json.Encoder()
# Members that the server decides on; from a client they would stand in each event as a claim. Nothing a user
# says comes before them, so the first such bytes are these.
_OURS = b',"tenant":"default","schema":1'


class Sieve:
    """Keeps events of one spool. Safe from any thread."""

    def __init__(
        self,
        spool: Spool,
        source: Source,
        capture: CaptureText,
        full: WhenFull,
        problem: Callable[[str], None],
    ) -> None:
        """Read the policy, and take over what an earlier process held back.

        Raises:
            ConfigError: The policy is not understood, or `full` is another word.
        """
        if full not in ("refuse", "drop-new", "drop-old"):
            raise ConfigError("is refuse, drop-new or drop-old", key="full")
        self._spool = spool
        self._source = source
        self._full = full
        self._problem = problem
        self._ids = Ids(os.urandom)
        self._ids_lock = threading.Lock()
        self._file = Path(capture) if isinstance(capture, str | Path) else None
        self._seen = _state_of(self._file)
        self.capture = Capture.of(capture)
        self._held = Held(spool.directory / "held", spool.other_frames(), self.keep)
        if self.capture.digest:
            self._tell_policy()

    def new_id(self, now_ns: int) -> str:
        """The id of an event of this time."""
        with self._ids_lock:
            return self._ids.at(now_ns)

    def keep(self, event: Event) -> bool:
        """Make an event safe in the spool; False if it was dropped because that is full.

        Raises:
            TooLarge: It has more than 60,000 bytes.
            Unavailable: The spool is full and may not drop, or its disk fails.
        """
        data = _encoder.encode(event).replace(_OURS, b"", 1)
        if len(data) > MAX_EVENT_BYTES:
            raise TooLarge(
                f"the event has {len(data)} bytes, at most {MAX_EVENT_BYTES} are taken",
                hint="shorten its attrs",
            )
        try:
            self._spool.append(data)
        except Full:
            if self._full == "refuse" or (self._full == "drop-new" and event.action == DROPPED):
                raise
            return self._keep_in_the_full(event, data)
        return True

    def _keep_in_the_full(self, event: Event, data: bytes) -> bool:
        while self._full == "drop-old":
            number, events = self._spool.oldest()
            if number < 0:
                break
            # First counted, then gone: killed between the two, the count says too much and never too little.
            self._dropped("spool full", "", time.time_ns(), events)
            self._spool.drop(number)
            try:
                self._spool.append(data)
                return True
            except Full:
                continue
        self._dropped("spool full", "", time.time_ns(), 1)
        return False

    def take(self, event: Event) -> str:
        """Do with an event what the policy says; the id under which it is told of, empty for none.

        Raises:
            As `keep`.
        """
        rule = self.capture.rule(event.action)
        if rule.plain or (
            not rule.failures_too and event.outcome is not None and event.outcome.status == "failure"
        ):
            return event.id if self.keep(event) else ""
        try:
            return self._by_rule(rule, event)
        except Unavailable:
            if self._full == "refuse":
                raise
            self._dropped("spool full", "", event.time_ns, 1)
            return ""

    def _by_rule(self, rule: Rule, event: Event) -> str:
        now_ns = event.time_ns
        if rule.level == "off":
            self._dropped("off", event.action, now_ns, 1)
            return ""
        if rule.level == "counts":
            counted = (event.action, event.outcome and event.outcome.status)
            return self._held.count(counted, now_ns, self.capture.window_ns, lambda: _number_of(event))
        if rule.level == "sample":
            if not rule.picks(event.trace_id, random.random()):  # noqa: S311
                self._dropped("sampled", event.action, now_ns, 1)
                return ""
            event = msgspec.structs.replace(event, labels={**event.labels, "sampled": str(rule.rate)})
        if rule.coalesce_ns:
            return self._held.count(_sameness(event), now_ns, rule.coalesce_ns, lambda: event)
        return event.id if self.keep(event) else ""

    def work(self) -> float | None:
        """Tell of windows that are over, and look for a changed policy. Seconds until the next time."""
        self._look()
        due_s = self._held.tell(time.time_ns())
        self._held.sync()
        if self._file is None:
            return due_s
        return _LOOK_SECONDS if due_s is None else min(due_s, _LOOK_SECONDS)

    def tell_all(self) -> None:
        """End every window."""
        self._held.tell()

    def close(self) -> None:
        """Let the file of counts go."""
        self._held.close()

    def _look(self) -> None:
        """Take on a changed policy; a broken one changes nothing, and is told of."""
        state = _state_of(self._file)
        if self._file is None or state == self._seen:
            return
        self._seen = state
        try:
            fresh = Capture.of(self._file)
        except GlasshatchError as error:
            self._problem(f"the capture policy stays as it was: {error}")
            return
        if fresh.digest != self.capture.digest:
            self.capture = fresh
            self._tell_policy()

    def _tell_policy(self) -> None:
        try:
            self.keep(self._own("capture.loaded", time.time_ns(), 1, {"policy_hash": self.capture.digest}))
        except Unavailable as error:
            self._problem(error.message)

    def _dropped(self, cause: str, action: str, now_ns: int, number: int) -> None:
        named = {"action": action} if action else {}
        severity = 5 if cause == "spool full" else 1
        self._held.count(
            (DROPPED, cause, action), now_ns, self.capture.window_ns,
            lambda: self._own(DROPPED, now_ns, severity, {"cause": cause, **named}), number,
        )  # fmt: skip

    def _own(self, action: str, now_ns: int, severity: int, attrs: dict[str, Any]) -> Event:
        return Event(
            id=self.new_id(now_ns), time=str(now_ns), action=action, source=self._source,
            severity=severity, attrs=attrs,
        )  # fmt: skip


def _number_of(event: Event) -> Event:
    """An event's action and outcome, and nothing that tells one from another."""
    return Event(
        id=event.id, time=event.time, action=event.action, source=event.source, severity=event.severity,
        outcome=event.outcome and Outcome(status=event.outcome.status), attrs={"coalesced": {}},
    )  # fmt: skip


def _sameness(event: Event) -> tuple[str, ...]:
    """What repeats have in common."""
    outcome = event.outcome or Outcome()
    return (
        event.action, event.actor.id if event.actor else "", event.resource.id if event.resource else "",
        outcome.status, outcome.code, event.statement.hash if event.statement else "",
    )  # fmt: skip


def _state_of(file: Path | None) -> tuple[int, ...]:
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else ()
