"""What the configuration says of incidents."""

from __future__ import annotations

from typing import Annotated

import msgspec


class QuestionSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """name: what `incidents answer` calls it. text: what is asked."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
    text: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class RunbookSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """questions: those that an incident with this runbook has, in this order; each with a `name` and a
    `text`."""

    questions: Annotated[tuple[QuestionSection, ...], msgspec.Meta(min_length=1, max_length=50)]
