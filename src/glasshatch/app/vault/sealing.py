"""From events to events with commitments: the vault's rows are durable before their leaves are submitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from ...errors import GlasshatchError
from ...events import SALT_BYTES, Event, Receipt, Redaction, SealedField, commitment
from ...masking import Sealing, Taken
from .keeping import Sealable, VaultKeeper

Answer = Receipt | GlasshatchError


class Sealer:
    """Seals what the configuration says of events that are about to be recorded."""

    def __init__(
        self,
        sealing: Sealing,
        vault: VaultKeeper,
        random: Callable[[int], bytes],
        size: Callable[[str], int],
    ) -> None:
        """`size` says how many entries of a ledger are durable."""
        self._sealing = sealing
        self._vault = vault
        self._random = random
        self._size = size

    def begin(self, events: Sequence[Event], feed: str) -> SealedBatch | None:
        """Take out what is sealed of a delivery of a feed, `kind/name`.

        None if there is nothing, and the events are as they were.
        """
        changed, taken = self._sealing.take(events, feed)
        if changed is events:
            return None
        drawn = {place: [(one, self._random(SALT_BYTES)) for one in found] for place, found in taken.items()}
        return SealedBatch(changed, drawn, self._vault, self._size)


class SealedBatch:
    """Events of which something was taken out, until the ledger has answered for each of them."""

    def __init__(
        self,
        events: Sequence[Event],
        taken: dict[int, list[tuple[Taken, bytes]]],
        vault: VaultKeeper,
        size: Callable[[str], int],
    ) -> None:
        self.events = events
        self._taken = taken
        self._vault = vault
        self._size = size
        self._kept: set[int] = set()

    def commit(self, place: int, redacted: Event) -> Event:
        """The event, saying what of it is sealed."""
        taken = self._taken.get(place)
        if taken is None:
            return redacted
        fields = tuple(
            SealedField(
                field=one.field, commitment=commitment(salt, one.field, one.value), subject=one.names[0]
            )
            for one, salt in taken
        )
        redaction = msgspec.structs.replace(redacted.redaction or Redaction(), sealed=fields)
        return msgspec.structs.replace(redacted, redaction=redaction)

    def keep(self, places: Collection[int], ledger: str) -> GlasshatchError | None:
        """Make what was taken out of these events, which go to `ledger`, durable; why not, if that fails.

        After a failure none of them may be recorded. A crash after it leaves values without a leaf, which
        the next start drops.
        """
        sealed = [place for place in places if place in self._taken]
        if not sealed:
            return None
        values = [
            Sealable(self.events[place].id, one.field, salt, one.value, one.names)
            for place in sealed for one, salt in self._taken[place]
        ]  # fmt: skip
        try:
            self._vault.gate.enter(len(sealed))
        except GlasshatchError as error:
            return error
        try:
            self._vault.keep(values, ledger, self._size(ledger))
        except BaseException as error:
            self._vault.gate.leave(len(sealed))
            if isinstance(error, GlasshatchError):
                return error
            raise
        self._kept.update(sealed)
        return None

    def holds(self, place: int) -> bool:
        """Whether something of this event is sealed."""
        return place in self._taken

    def answered(self, done: Callable[[int, Answer], None], place: int, answer: Answer) -> None:
        """The ledger, or who asked it, has answered for an event; passed on to `done`."""
        if place in self._kept:
            self._kept.discard(place)
            self._vault.gate.leave()
        done(place, answer)
