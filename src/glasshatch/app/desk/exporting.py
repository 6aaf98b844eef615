"""Exports at the desk: how they stand, setting one to another entry, and taking events out once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ...api.export_values import AsideView, Exported, ExportForm, ExportReset, ExportResetForm, ExportView
from ...api.values import RecordedEvent
from ...events import DEFAULT_LEDGER, Actor
from ...exports import Standing
from ...identity import Identity
from ...investigate import Investigator, walk
from ..access import Access, require, shown
from ..access.narrowing import seen_by
from .coalescing import Note, note_read
from .investigation import Behind


class Exports(Protocol):
    """The exports of a directory, running or not."""

    def standings(self) -> list[Standing]:
        """How each is doing, by name."""

    def reset(self, name: str, ledger: str, to: int, by: Actor) -> tuple[int, int]:
        """Set one to another entry, -1 for behind the newest; answers from where to where. Recorded first."""


class ExportPart:
    """The desk's `ExportDesk` port."""

    def __init__(
        self, investigator: Investigator, behind: Behind, exports: Exports, note: Note, access: Access
    ) -> None:
        self._walked = investigator
        self._index_behind = behind
        self._exports = exports
        self._note_export = note
        self._export_access = access

    def list_exports(self, caller: Identity) -> list[ExportView]:
        """Every export of the configuration."""
        require(self._export_access.view(caller), "export.list")
        return [_view(one) for one in self._exports.standings()]

    def reset_export(self, caller: Identity, name: str, form: ExportResetForm) -> ExportReset:
        """Let one go on from another entry."""
        require(self._export_access.view(caller), "export.change")
        before, after = self._exports.reset(name, form.ledger, form.to, caller.as_actor())
        return ExportReset(name=name, ledger=form.ledger, before=before, after=after)

    def export_events(self, caller: Identity, form: ExportForm) -> Exported:
        """All events that match and that are indexed now; recorded before the first of them leaves."""
        view = self._export_access.view(caller)
        require(view, "record.export")
        state = self._index_behind.caught_up()
        found = walk(
            self._walked, form.query, seen_by(self._export_access, caller, self._walked.now_ns()),
            state.positions or {DEFAULT_LEDGER: state.indexed}, since=form.since, until=form.until,
        )  # fmt: skip
        asked = {"query": found.query, "since": form.since, "until": form.until, "form": form.form}
        note_read(self._note_export, caller, "export", asked, found.count)

        def events() -> Iterator[RecordedEvent]:
            for hit in found.hits:
                yield shown(RecordedEvent(hit.index, hit.event, hit.ledger), view.hidden)

        return Exported(found.count, events())


def _view(one: Standing) -> ExportView:
    return ExportView(
        name=one.name, form=one.form, destination=one.where, state=one.state, positions=one.positions,
        behind=one.behind, lag_seconds=f"{one.lag_seconds:.1f}", rate=f"{one.rate:.1f}", sent=one.sent,
        last_delivery=str(one.delivered_ns) if one.delivered_ns else "", failures=one.failures,
        error=one.error, set_aside=one.set_aside,
        aside=tuple(AsideView(each.ledger, each.index, each.event, each.why) for each in one.aside),
    )  # fmt: skip
