"""Masked values in clear at the desk: asked for, and shown once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ...api.reveal_values import ClearForm, ClearShown
from ...api.values import RequestView
from ...identity import Identity
from ..house import House
from .access import AccessPart

if TYPE_CHECKING:
    from ..reveals.asking import RevealAsking
    from ..reveals.showing import RevealShowing

_SWEEP_NS = 10 * 10**9


class RevealPart:
    """The desk's `RevealDesk` port."""

    def __init__(self, house: House, access: AccessPart) -> None:
        self._house = house
        self._reveal_requests = access
        self._reveals_swept_ns = house.clock.monotonic_ns()

    def ask_reveal(self, caller: Identity, form: ClearForm) -> RequestView:
        """Ask for masked values of one row; the request that asks for the same already, if there is one."""
        request = self._revealing.file(caller, form)
        return self._reveal_requests.show_request(caller, request.id)

    def show_reveal(self, caller: Identity, request_id: str) -> ClearShown:
        """Show what was approved, once; only to who asked for it."""
        view = self._reveal_requests.show_request(caller, request_id)
        return self._showing.show(caller, self._house.control.requests.get(view.id))

    def sweep_reveals(self) -> None:
        """Drop what is kept of those that will not be shown any more, every now and then."""
        now_ns = self._house.clock.monotonic_ns()
        if now_ns - self._reveals_swept_ns >= _SWEEP_NS:
            self._reveals_swept_ns = now_ns
            self.settle_reveals()

    def settle_reveals(self) -> None:
        """The same now."""
        house, now_ns = self._house, self._house.clock.now_ns()
        for kept in house.control.reveals.sealed():
            request = house.control.requests.get(kept.request_id)
            over = request.state in ("denied", "withdrawn", "expired") or (
                request.state == "approved" and now_ns >= request.closed_ns + request.duration_ns
            )
            if over and kept.state == "waiting":
                house.control.reveals.end(kept.id, "refused", now_ns, "it was not shown in time")

    @cached_property
    def _showing(self) -> RevealShowing:
        from ..reveals.showing import RevealShowing

        return RevealShowing(self._house, self._revealing)

    @cached_property
    def _revealing(self) -> RevealAsking:
        # Loaded when it is needed: commands that open a directory to read it have no use for the gateway.
        from ..reveals.asking import RevealAsking

        return RevealAsking(self._house, self._reveal_requests.note_request)
