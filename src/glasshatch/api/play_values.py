"""Sessions by filter, and one session step by step, as values that client and server share."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .forms import Form
from .values import SessionSummary


class SessionFilter(Form, frozen=True):
    """Which sessions. actor: name or id; resource: its id, or what it lies within, as in postgres/orders;
    refused: only those in which something was refused or held; since, until: nanoseconds, of the opening,
    until exclusive. The newest are given."""

    actor: str = ""
    resource: str = ""
    state: Literal["", "open", "closed", "refused", "aborted"] = ""
    refused: bool = False
    since: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,19}$")] = ""
    until: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,19}$")] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100


class PlayForm(Form, frozen=True):
    """Which session to play: its id, or the beginning of it."""

    session: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10_000


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened, with how it ended: a statement and its answer are one step.

    Attributes:
        index: The event's place, as in `12` or `orders/12`.
        at_ms: How long after the session's first event.
        took_ms: How long it ran, if that is known.
        text: The statement, or in a few words what happened.
        effect, rule, reason: What was decided of it.
        status, code, why: How it ended.
        rows, masked, clear: The answer's rows, and how many values were masked and how many personal ones
            were shown in clear; classes: of what kinds they were.
    """

    index: str
    time: str
    at_ms: float
    action: str
    text: str = ""
    effect: str = ""
    rule: str = ""
    reason: str = ""
    status: str = ""
    code: str = ""
    why: str = ""
    took_ms: float = 0.0
    rows: int = 0
    masked: int = 0
    clear: int = 0
    classes: tuple[str, ...] = ()


class Played(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session, step by step; `truncated` if it has more events than were asked for."""

    session: SessionSummary
    steps: list[Step]
    truncated: bool = False
