"""The reason that a caller gave, as it stands in the event of what they did."""

from __future__ import annotations

from ...events import Access
from ...identity import Identity, reason_of


def why(caller: Identity) -> dict[str, Access]:
    """The member of an event that says so; none without a reason. It is redacted like the rest."""
    reason = reason_of(caller)
    return {"access": Access(reason=reason)} if reason else {}
