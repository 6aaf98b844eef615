"""The exports of a directory without a server: what their cursors say."""

from __future__ import annotations

from ...events import Actor
from ...exports import CURSOR_FORMAT, Cursor, CursorFile, Lane, Standing, Telling
from ..house import House
from .gates import identity_of_export
from .making import make_destination
from .running import check_reset, no_such_export


class RestingExports:
    """Nothing leaves here."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._sections = house.loaded.config.exports

    def standings(self) -> list[Standing]:
        """How far each came."""
        return [self._standing(name) for name in sorted(self._sections)]

    def reset(self, name: str, ledger: str, to: int, by: Actor) -> tuple[int, int]:
        """Set one to another entry, for the next start of the server."""
        section = self._sections.get(name)
        if section is None:
            raise no_such_export(name)
        sizes = self._chosen_sizes(name)
        after = check_reset(sizes, ledger, to)
        file = self._file(name)
        cursor = file.load() or Cursor(CURSOR_FORMAT)
        before = cursor.lane(ledger).next
        where = make_destination(self._house.loaded, name, self._house.clock).where
        actor = identity_of_export(name, section, self._house.tenant).as_actor()
        Telling(name, where, section.form, actor, self._house.note).reset(by, ledger, before, after)
        file.save(cursor.with_lane(ledger, Lane(next=after, noted=after)))
        return before, after

    def _standing(self, name: str) -> Standing:
        section, sizes = self._sections[name], self._chosen_sizes(name)
        cursor = self._file(name).load() or Cursor(CURSOR_FORMAT)
        return Standing(
            name=name, form=section.form,
            where=make_destination(self._house.loaded, name, self._house.clock).where, state="idle",
            positions={ledger: lane.next for ledger, lane in sorted(cursor.lanes.items())},
            behind=sum(max(0, size - cursor.lane(ledger).next) for ledger, size in sizes.items()),
            lag_seconds=0.0, rate=0.0, sent=cursor.sent, delivered_ns=cursor.delivered_ns,
            set_aside=cursor.set_aside, aside=cursor.aside,
        )  # fmt: skip

    def _chosen_sizes(self, name: str) -> dict[str, int]:
        wanted = self._sections[name].ledgers
        sizes = self._house.ledgers.sizes()
        return {ledger: size for ledger, size in sizes.items() if not wanted or ledger in wanted}

    def _file(self, name: str) -> CursorFile:
        return CursorFile(self._house.home.exports, name)
