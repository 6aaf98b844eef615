"""What a request for masked values asks to be shown, and of whom; never a value."""

from __future__ import annotations

import msgspec

from ...api.reveal_values import RevealColumn, RevealView
from ...control import KeptReveal


def reveal_view(kept: KeptReveal, *, judging: bool, redeemable: bool) -> RevealView:
    """What somebody may see of it.

    Args:
        judging: Whether they judge or audit it. Who asks meets masks that may hide more than a token does:
            of two ages a token tells that they are equal.
    """
    columns = (msgspec.convert(one, RevealColumn, from_attributes=True) for one in kept.columns)
    return RevealView(
        text=kept.shown, tables=kept.tables, rule=kept.rule, origin=kept.origin,
        subjects=kept.subjects if judging else (),
        columns=tuple(
            one if judging else msgspec.structs.replace(one, token=f"<{one.type}>") for one in columns
        ),
        state=kept.state, event=kept.event if kept.state == "shown" else "", why=kept.why,
        redeemable=redeemable and kept.state == "waiting" and bool(kept.sealed),
    )  # fmt: skip
