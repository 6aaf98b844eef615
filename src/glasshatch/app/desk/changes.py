"""Statements under review at the desk: asked for, run, undone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ...api.change_values import Ran, StatementForm, UndoForm
from ...api.values import RequestView
from ...identity import Identity
from ..house import House
from .access import AccessPart

if TYPE_CHECKING:
    from ..changes.asking import StatementAsking
    from ..changes.running import StatementRunning
    from ..changes.undoing import Undoing


_SWEEP_NS = 10 * 10**9


class ChangePart:
    """The desk's `ChangeDesk` port."""

    def __init__(self, house: House, access: AccessPart) -> None:
        self._house = house
        self._requests = access
        self._swept_ns = house.clock.monotonic_ns()

    def request_statement(self, caller: Identity, form: StatementForm) -> RequestView:
        """Ask for a review of one statement; anybody may ask who may open a session there."""
        request = self.asking.file(caller, form)
        return self._requests.show_request(caller, request.id)

    def run_statement(self, caller: Identity, request_id: str) -> Ran:
        """Run a statement that was approved, once; only who asked for it may."""
        view = self._requests.show_request(caller, request_id)
        return self._running.run(caller, self._house.control.requests.get(view.id))

    def undo(self, caller: Identity, form: UndoForm) -> RequestView:
        """Ask for a review of what undoes a run; nothing is run."""
        request = self._undoing.file(caller, form)
        return self._requests.show_request(caller, request.id)

    def sweep_statements(self) -> None:
        """Settle them, every now and then."""
        now_ns = self._house.clock.monotonic_ns()
        if now_ns - self._swept_ns >= _SWEEP_NS:
            self._swept_ns = now_ns
            self.settle_statements()

    def settle_statements(self) -> None:
        """Drop the texts of statements that will not run any more."""
        house, now_ns = self._house, self._house.clock.now_ns()
        for kept in house.control.statements.with_text():
            request = house.control.requests.get(kept.request_id)
            over = request.state in ("denied", "withdrawn", "expired") or (
                request.state == "approved" and now_ns >= request.closed_ns + request.duration_ns
            )
            if over and kept.state != "started":
                house.control.statements.forget_text(kept.id, now_ns)

    @cached_property
    def _running(self) -> StatementRunning:
        from ..changes.running import StatementRunning

        return StatementRunning(self._house, self.asking)

    @cached_property
    def _undoing(self) -> Undoing:
        from ..changes.undoing import Undoing

        return Undoing(self._house, self.asking)

    @cached_property
    def asking(self) -> StatementAsking:
        """Files statements under review."""
        # Loaded when it is needed: commands that open a directory to read it have no use for the gateway.
        from ..changes.asking import StatementAsking

        return StatementAsking(self._house, self._requests.note_request)
