"""The way in for feeds: parse, tell copies apart, record, and answer when all of it is durable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..clock import Clock
from ..errors import ConfigError, GlasshatchError, TooLarge, Unavailable
from ..events import ACTIONS, Actor, Event, EventSink, Link, Receipt, Source, encode, uuid7
from .bodies import Item, split
from .parsed import Arrival, Parsed, Rejected, SourceKind
from .seen import LABEL, Seen, key_of

_SKEW_AHEAD_NS = 86_400 * 10**9
_SKEW_BEHIND_NS = 7 * 86_400 * 10**9
_EXCERPT_BYTES = 2_048
_NAMED_PROBLEMS = 20
_PATIENCE_SECONDS = 60.0


class Problem(msgspec.Struct, frozen=True):
    """An item that is quarantined: its place, and why."""

    item: int
    reason: str


class IntakeResult(msgspec.Struct, frozen=True):
    """What became of the items of a delivery."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    skewed: int = 0
    problems: tuple[Problem, ...] = ()

    def plus(self, other: IntakeResult) -> IntakeResult:
        """Both together."""
        return IntakeResult(
            self.accepted + other.accepted, self.duplicates + other.duplicates,
            self.quarantined + other.quarantined, self.skewed + other.skewed,
            (self.problems + other.problems)[:_NAMED_PROBLEMS],
        )  # fmt: skip


class Intake:
    """Takes deliveries of any kind of source. Safe from any thread."""

    def __init__(
        self,
        sink: EventSink,
        seen: Callable[[], Seen],
        kinds: dict[str, SourceKind],
        clock: Clock,
        random: Callable[[int], bytes],
        tenant: str,
    ) -> None:
        """`seen` is called at the first delivery: what it costs is not paid by who has no feeds."""
        self._sink = sink
        self._open_seen = seen
        self._seen: Seen | None = None
        self._kinds = kinds
        self._clock = clock
        self._random = random
        self._tenant = tenant
        self._one_at_a_time = threading.Lock()

    def take(
        self,
        kind: str,
        name: str,
        body: bytes,
        by: Actor | None = None,
        *,
        file: str = "",
        first_line: int = 0,
    ) -> IntakeResult:
        """Record the items of a delivery; all that is answered for is durable.

        An item that is not understood is recorded too, redacted and shortened, as `intake.quarantined`.

        Args:
            name: The source's instance, as in `prod`.
            by: Who delivered it.
            file, first_line: The file's name and the place of the body's first line in it; 0 for a live
                delivery.

        Raises:
            ConfigError: There is no such kind of source.
            Unavailable: Not everything could be recorded; to deliver it again doubles nothing that has a key.
        """
        found = self._kinds.get(kind)
        if found is None:
            raise ConfigError(
                f"there is no source {kind[:40]!r}",
                key="source",
                hint=f"there are {', '.join(sorted(self._kinds))}",
            )
        now_ns = self._clock.now_ns()
        items = [
            self._item(found, item, name, now_ns, file, first_line) for item in split(body, first_line or 1)
        ]
        fresh = _heaviest(items)
        with self._one_at_a_time:
            return self._record(fresh, len(items), by, now_ns)

    def close(self) -> None:
        """Let the store of what was seen go."""
        with self._one_at_a_time:
            if self._seen is not None:
                self._seen.close()
                self._seen = None

    def _item(
        self, kind: SourceKind, item: Item, name: str, now_ns: int, file: str, first_line: int
    ) -> _Taken:
        line = item.place if first_line else 0
        arrival = Arrival(now_ns, name, self._tenant, lambda: self._new_id(now_ns), file, line)
        parsed = Rejected(item.problem) if item.problem else _parsed(kind, item, arrival)
        if isinstance(parsed, Rejected):
            reason = f"{'line' if first_line else 'item'} {item.place} {parsed.reason}"
            return _Taken(
                item.place, self._quarantined(kind, name, item, reason, now_ns), "", 0, parsed.reason
            )
        key = (
            key_of(self._tenant, kind.name, name if kind.one_instance else "", parsed.key)
            if parsed.key
            else ""
        )
        event, skewed = _skewed(parsed.event, now_ns, live=not first_line)
        return _Taken(item.place, event, key, parsed.weight, "", skewed)

    def _record(self, taken: list[_Taken], total: int, by: Actor | None, now_ns: int) -> IntakeResult:
        seen = self._ready()
        known = seen.known([one.key for one in taken if one.key])
        fresh = [one for one in taken if not one.key or one.key not in known]
        collected = _Collected(len(fresh))
        for one in fresh:
            self._sink.submit(_complete(one, by, now_ns, self._tenant), collected.done)
        last = collected.wait()
        # A crash here leaves keys that the record has and this file has not: the next start learns them.
        if fresh:
            seen.note([one.key for one in fresh if one.key], last + 1)
        problems = [Problem(one.place, one.problem) for one in fresh if one.problem]
        return IntakeResult(
            accepted=len(fresh) - len(problems), duplicates=total - len(fresh), quarantined=len(problems),
            skewed=sum(one.skewed for one in fresh), problems=tuple(problems[:_NAMED_PROBLEMS]),
        )  # fmt: skip

    def _ready(self) -> Seen:
        if self._seen is None:
            self._seen = self._open_seen()
        return self._seen

    def _quarantined(self, kind: SourceKind, name: str, item: Item, reason: str, now_ns: int) -> Event:
        data = item.data or msgspec.json.encode(item.value)
        return Event(
            id=self._new_id(now_ns), time=str(now_ns), action="intake.quarantined",
            source=Source(kind=kind.name, name=name), severity=ACTIONS["intake.quarantined"].severity,
            attrs={
                "reason": reason, "bytes": len(data),
                "excerpt": data[:_EXCERPT_BYTES].decode("utf-8", "replace").replace("\0", "�"),
            },
        )  # fmt: skip

    def _new_id(self, now_ns: int) -> str:
        return uuid7(now_ns, self._random(10))


class _Taken(msgspec.Struct, frozen=True):
    place: int
    event: Event
    key: str
    weight: int
    problem: str = ""
    skewed: bool = False


class _Collected:
    """Waits until every event of a delivery has its receipt."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._condition = threading.Condition()
        self._error: GlasshatchError | None = None
        self._last = -1

    def done(self, result: Receipt | GlasshatchError) -> None:
        with self._condition:
            if isinstance(result, Receipt):
                self._last = max(self._last, result.index)
            else:
                self._error = self._error or result
            self._missing -= 1
            if not self._missing:
                self._condition.notify_all()

    def wait(self) -> int:
        """The greatest ledger index; raises `Unavailable` if something was not recorded in time."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._missing <= 0, _PATIENCE_SECONDS):
                raise Unavailable("the ledger did not acknowledge in time", hint="deliver it again")
        if self._error is not None:
            raise Unavailable(f"not everything was recorded: {self._error.message}", hint="deliver it again")
        return self._last


def _parsed(kind: SourceKind, item: Item, arrival: Arrival) -> Parsed | Rejected:
    try:
        parsed = kind.parse(item.value, item.data, arrival)
        if isinstance(parsed, Parsed):
            encode(parsed.event)
    except TooLarge:
        return Rejected("is too large to be kept whole")
    except (GlasshatchError, ValueError, TypeError, RecursionError) as error:
        # Whatever a foreign item holds, it is kept and counted, and stops nobody.
        return Rejected(f"is not understood ({type(error).__name__})")
    return parsed


def _heaviest(items: Iterable[_Taken]) -> list[_Taken]:
    """Of several copies of a fact in one delivery the fullest one, at the place of the first."""
    best: dict[str, _Taken] = {}
    for one in items:
        name = one.key or f"-{one.place}"
        known = best.get(name)
        if known is None or one.weight > known.weight:
            best[name] = one
    return list(best.values())


def _skewed(event: Event, now_ns: int, *, live: bool) -> tuple[Event, bool]:
    """The event, marked if its clock is far off: a day ahead, or a week behind in a live delivery."""
    ahead = event.time_ns - now_ns
    off = "ahead" if ahead > _SKEW_AHEAD_NS else "behind" if live and -ahead > _SKEW_BEHIND_NS else ""
    if not off:
        return event, False
    return msgspec.structs.replace(event, labels={**event.labels, "clock": off}), True


def _complete(one: _Taken, by: Actor | None, now_ns: int, tenant: str) -> Event:
    """What only the intake knows: tenant, when it was seen, who delivered it, its key."""
    changes: dict[str, Any] = {"tenant": tenant, "observed_time": str(now_ns)}
    if one.key:
        changes["labels"] = {**one.event.labels, LABEL: one.key}
    if by is not None:
        changes["links"] = (*one.event.links, Link(rel="delivered_by", id=by.id))
    return msgspec.structs.replace(one.event, **changes)
