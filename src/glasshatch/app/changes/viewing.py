"""A statement under review as its asker and its reviewers see it: redacted, and measured."""

from __future__ import annotations

import msgspec

from ...api.change_values import Preview, StatementView
from ...control import KeptStatement


def statement_view(kept: KeptStatement, *, judging: bool) -> StatementView:
    """What somebody may see of it.

    Args:
        judging: Whether they judge or audit; to others, counts over masked columns would give values away.
    """
    shown = judging or not kept.near_masked
    return StatementView(
        text=kept.shown, verbs=kept.verbs, tables=kept.tables, risks=kept.risks, rule=kept.rule,
        preview=msgspec.json.decode(kept.preview, type=Preview) if shown else None, undoes=kept.undoes,
        state=kept.state, run_event=kept.run_event, image_event=kept.image_event, image_why=kept.image_why,
    )  # fmt: skip
