"""Errors on the wire: how each kind of error travels as JSON, and becomes that kind again.

Shared by server and client, so standard library and msgspec only.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ..errors import (
    ConfigError,
    Conflict,
    Denied,
    GlasshatchError,
    NotAuthenticated,
    PeerError,
    TooLarge,
    Unavailable,
    VerificationError,
)

REASON_HEADER: Final = "Glasshatch-Reason"
"""Says why something is asked, percent-encoded UTF-8; it is recorded, redacted."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as the API sends it: a stable code, a message for people, and how to mend it.

    position: where in a query the mistake stands, counted from 1.
    """

    code: str
    message: str
    hint: str = ""
    decision_id: str = ""
    position: int = 0
    authenticated: bool = True
    holder: str = ""


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who the token says you are, and the tenant that stands in every other path."""

    id: str
    tenant: str
    type: str
    name: str
    roles: tuple[str, ...]
    on_behalf_of: str = ""


STATUS: Final[dict[str, int]] = {
    Denied.code: 403,
    PeerError.code: 400,
    Unavailable.code: 503,
    ConfigError.code: 400,
    VerificationError.code: 500,
    Conflict.code: 409,
    TooLarge.code: 413,
}
"""The HTTP status of each kind of error; a token that is not accepted is 401."""

_CLASSES: Final[tuple[type[GlasshatchError], ...]] = (
    PeerError, Unavailable, VerificationError, Conflict, TooLarge,
)  # fmt: skip


def problem(error: GlasshatchError) -> Problem:
    """The error as it travels."""
    decision_id = error.decision_id if isinstance(error, Denied) else ""
    return Problem(
        code=error.code, message=error.message, hint=error.hint, decision_id=decision_id,
        position=error.position if isinstance(error, ConfigError) else 0,
        authenticated=not isinstance(error, NotAuthenticated),
        holder=error.holder if isinstance(error, NotAuthenticated) else "",
    )  # fmt: skip


def raised(problem: Problem) -> GlasshatchError:
    """The error a problem stands for; one this version does not know is a plain `GlasshatchError`."""
    if problem.code == Denied.code and not problem.authenticated:
        refused = NotAuthenticated(problem.message, decision_id=problem.decision_id, hint=problem.hint)
        refused.holder = problem.holder
        return refused
    if problem.code == Denied.code:
        return Denied(problem.message, decision_id=problem.decision_id, hint=problem.hint)
    if problem.code == ConfigError.code:
        return ConfigError(problem.message, hint=problem.hint, position=problem.position)
    found = next((known for known in _CLASSES if known.code == problem.code), GlasshatchError)
    return found(problem.message, hint=problem.hint)
