"""What ended long ago leaves the control store; the record keeps when it was issued, used and ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...events import Outcome
from ..house import House

KEPT_DAYS: Final = 30
"""So long a token or certificate stays listed after its end."""

_DAY_NS = 86_400 * 10**9
_EVERY_NS = 3_600 * 10**9


class Forgetting:
    """Takes out ended tokens and certificates, once an hour and a bounded number at a time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._looked_ns: int | None = None

    def look(self) -> int:
        """Forget what is due, if the hour is over; how many rows.

        A crash before the store commits leaves an event of a pruning that comes again at the next look.
        """
        now_ns = self._house.clock.monotonic_ns()
        if self._looked_ns is not None and now_ns - self._looked_ns < _EVERY_NS:
            return 0
        self._looked_ns = now_ns
        control, before_ns = self._house.control, self._house.clock.now_ns() - KEPT_DAYS * _DAY_NS
        return control.tokens.prune(before_ns, record=self._noting("tokens", before_ns)) + (
            control.certificates.prune(before_ns, record=self._noting("certificates", before_ns))
        )

    def _noting(self, what: str, before_ns: int) -> Callable[[int], None]:
        def note(count: int) -> None:
            self._house.note(
                "token.pruned", outcome=Outcome(status="success"),
                attrs={"what": what, "count": count, "ended_before": str(before_ns)},
            )  # fmt: skip

        return note
