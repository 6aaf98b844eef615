"""The receivers of a server, started and stopped with it."""

from __future__ import annotations

import asyncio

import msgspec

from ...sources import Listening, Receiver
from ..house import House
from .door import Doorkeeper
from .planning import ReceiverStanding, plan_receivers

_EVERY_SECONDS = 1.0


class Receivers:
    """All receivers of a house; none listens before `start`."""

    def __init__(self, house: House) -> None:
        """Raises `ConfigError` for a receiver that cannot be meant."""
        self._all: list[tuple[Listening, Receiver, Doorkeeper]] = []
        for one in plan_receivers(house.loaded, house.sources):
            # As with deliveries: what is personal in an instance's name is taken out.
            (name,) = house.redactor.texts([one.listening.name])
            listening = msgspec.structs.replace(one.listening, name=name)
            door = Doorkeeper(house, listening, one.networks)
            self._all.append((listening, one.receive.open(listening, door), door))
        house.receivers = self.standings

    def __str__(self) -> str:
        return ", ".join(str(listening) for listening, _, _ in self._all)

    async def start(self) -> None:
        """Listen; raises `ConfigError` if an address is taken."""
        for _, receiver, _ in self._all:
            await receiver.start()

    async def watch(self) -> None:
        """Record for ever who was refused and what was lost; what cannot be recorded now is told later."""
        while self._all:
            await asyncio.sleep(_EVERY_SECONDS)
            for _, _, door in self._all:
                await asyncio.to_thread(door.tell)

    async def stop(self) -> None:
        """Listen no more; what came is handed over, if the record still takes it."""
        for _, receiver, door in self._all:
            await receiver.stop()
            await asyncio.to_thread(door.tell, last=True)

    def standings(self) -> list[ReceiverStanding]:
        """How each is doing."""
        found = []
        for listening, receiver, door in self._all:
            counts = receiver.counts()
            found.append(
                ReceiverStanding(
                    listening, counts.connections, counts.received, door.refused, door.lost_count,
                    counts.problem or door.problem,
                )
            )  # fmt: skip
        return found
