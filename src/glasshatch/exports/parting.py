"""A parcel that is refused, taken apart: all of it is delivered but the events that the other side refuses.

An event is set aside only if it was refused by itself, twice, and the other side took something in between:
whoever refuses everything is waited for, and nothing is left out. Parts have names of their own, the same
for each repeat; what was taken before a failure is sent again with the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from ..errors import Unavailable
from .cursor import Aside
from .parcel import Destination, Item, Parcel, Refused
from .telling import Telling

_WIDE = 64
"""So many parts are tried before it is taken for granted that each has something in it that is refused."""

_MOST_PROBES = 8
"""So many events behind the parcel are tried to find one that is taken, where nothing in it was."""


class Delivery:
    """Delivers an export's parcels, in parts where that is needed, and tells what it left out."""

    def __init__(self, destination: Destination, telling: Telling, stopping: Callable[[], bool]) -> None:
        self._destination = destination
        self._telling = telling
        self._stopping = stopping

    def deliver(self, parcel: Parcel, following: Callable[[], Iterable[Item]]) -> tuple[Aside, ...]:
        """Returns once the other side has all of it but what it refuses; that is answered, and recorded.

        Raises:
            GlasshatchError: As the destination; or what was left out could not be recorded.
        """
        try:
            self._destination.deliver(parcel)
        except Refused as why:
            left = _deliver_apart(parcel, why, self._deliver_part, following())
        else:
            return ()
        own = {item.event.id for item in parcel.items if self._telling.is_own_aside(item.event)}
        # Recorded before the cursor goes on: a crash in between tells it twice, and never not at all.
        if told := [one for one in left if one.event not in own]:
            self._telling.set_aside(told)
        return left

    def _deliver_part(self, parcel: Parcel) -> None:
        if self._stopping():
            raise Unavailable("the server stops")
        self._destination.deliver(parcel)


def _deliver_apart(
    parcel: Parcel, why: Refused, deliver: Callable[[Parcel], None], following: Iterable[Item]
) -> tuple[Aside, ...]:
    """Deliver a refused parcel in parts; what had to be left out of it, in its order.

    Args:
        following: Events behind the parcel, which are only tried; they are delivered in their turn.

    Raises:
        Refused: Nothing was taken, so it is not these events that are refused.
        Unavailable: The other side went away meanwhile.
    """
    parting = _Parting(deliver)
    left = parting.part(parcel, why)
    if left and not parting.taken:
        parting.probe(parcel, following)
    if left and not parting.taken:
        raise why
    return tuple(_aside(one, again) for one in left if (again := parting.refusal(one)) is not None)


class _Parting:
    def __init__(self, deliver: Callable[[Parcel], None]) -> None:
        self._deliver = deliver
        self._tries = 0
        self.taken = False

    def part(self, parcel: Parcel, why: Refused) -> list[Parcel]:
        """The parts of one event each that were refused.

        In breadth while nothing is taken, so that a good half is found soon; then into the depth, so that
        somebody who refuses everything is not asked about every single event.
        """
        waiting, single = deque([parcel]), list[Parcel]()
        while waiting:
            deep = self.taken or self._tries >= _WIDE
            one = waiting.pop() if deep else waiting.popleft()
            if len(one.items) > 1:
                waiting.extend(half for half in _halves(one) if self.refusal(half) is not None)
                continue
            single.append(one)
            if deep and not self.taken:
                raise why
        return sorted(single, key=lambda one: one.first)

    def probe(self, parcel: Parcel, following: Iterable[Item]) -> None:
        """Find out whether anything is taken at all."""
        for item, _ in zip(following, range(_MOST_PROBES), strict=False):
            if self.refusal(_part(parcel, item.index, item.index + 1, (item,))) is None:
                return

    def refusal(self, parcel: Parcel) -> Refused | None:
        """Try a part; why it was refused, if it was."""
        self._tries += 1
        try:
            self._deliver(parcel)
        except Refused as why:
            return why
        self.taken = True
        return None


def _halves(parcel: Parcel) -> tuple[Parcel, Parcel]:
    middle = len(parcel.items) // 2
    at = parcel.items[middle].index
    return (
        _part(parcel, parcel.first, at, parcel.items[:middle]),
        _part(parcel, at, parcel.stop, parcel.items[middle:]),
    )


def _part(parcel: Parcel, first: int, stop: int, items: tuple[Item, ...]) -> Parcel:
    return msgspec.structs.replace(parcel, first=first, stop=stop, items=items)


def _aside(parcel: Parcel, why: Unavailable) -> Aside:
    (item,) = parcel.items
    return Aside(parcel.ledger, item.index, item.event.id, why.message)
