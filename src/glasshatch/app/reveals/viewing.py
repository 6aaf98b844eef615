"""What a request for masked values asks to be shown, and of whom; never a value."""

from __future__ import annotations

import msgspec

from ...api.reveal_values import RevealColumn, RevealView
from ...control import KeptReveal


def reveal_view(kept: KeptReveal, *, redeemable: bool) -> RevealView:
    """What may be seen of it by whoever may see its request."""
    return RevealView(
        text=kept.shown, tables=kept.tables, subjects=kept.subjects, rule=kept.rule, origin=kept.origin,
        columns=tuple(msgspec.convert(one, RevealColumn, from_attributes=True) for one in kept.columns),
        state=kept.state, event=kept.event if kept.state == "shown" else "", why=kept.why,
        redeemable=redeemable and kept.state == "waiting" and bool(kept.sealed),
    )  # fmt: skip
