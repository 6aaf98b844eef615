"""How far the clocks of sources stood from ours."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from ...events import Event
from ..views import SourceSkew
from .gathering import Gathered, Place


def skew_of(gathered: Gathered, pairs: Sequence[tuple[Place, Place]]) -> list[SourceSkew]:
    """By pairs of records of the same statement where there are some, else by when events were seen.

    The gateway's clock is ours. What is seen late was delivered late or has a clock that is behind: from the
    times alone nobody can tell which, so the two ways are told apart.
    """
    by_pairs: dict[str, list[int]] = defaultdict(list)
    for ours, theirs in pairs:
        event = gathered.events[theirs]
        by_pairs[_name(event)].append(event.time_ns - gathered.events[ours].time_ns)
    seen: dict[str, list[int]] = defaultdict(list)
    for event in gathered.events.values():
        if event.observed_time and (name := _name(event)) not in by_pairs:
            seen[name].append(event.time_ns - int(event.observed_time))
    found = [_skew(name, times, "pairs") for name, times in by_pairs.items()]
    found += [_skew(name, times, "observed") for name, times in seen.items()]
    return sorted(found, key=lambda one: one.source)


def _skew(name: str, ahead_ns: list[int], by: str) -> SourceSkew:
    return SourceSkew(name, str(int(statistics.median(ahead_ns))), by, len(ahead_ns))  # type: ignore[arg-type]


def _name(event: Event) -> str:
    source = event.source
    return f"{source.kind}/{source.name}" if source.name else source.kind
