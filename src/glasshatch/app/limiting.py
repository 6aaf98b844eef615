"""Limits of a configuration: who may use how much, as the file says it."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..policy import Usage
    from .config import LoadedConfig

_Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=366 * 86_400)]


class LimitSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much people may use; 0 sets no bound. Of several that match, each holds.

    resource: a pattern of `type/name`. actor: a pattern of actors' names. role: only those who have it; empty
    for all. per: actor, each counts alone at each resource; or resource, all together at each resource.
    sessions: open at once. statements_per_minute, rows_per_statement, rows_per_session, rows_per_hour: what
    is run and shown. idle_seconds: how long a session may wait for its client. session_seconds: how long it
    may last at all.
    """

    resource: str = "*"
    actor: str = "*"
    role: str = ""
    per: Literal["actor", "resource"] = "actor"
    sessions: _Count = 0
    statements_per_minute: _Count = 0
    rows_per_statement: _Count = 0
    rows_per_session: _Count = 0
    rows_per_hour: _Count = 0
    idle_seconds: _Seconds = 0
    session_seconds: _Seconds = 0


def make_usage(loaded: LoadedConfig) -> Usage:
    """The limits in force, nothing of them used yet.

    Raises:
        ConfigError: One is for a resource that is not there, and would bound nothing.
    """
    from ..policy import Limit, Usage  # the policy engine is loaded where something is decided

    sections = loaded.config.limits
    resources = [f"{section.type}/{name}" for name, section in loaded.config.resources.items()]
    for one in sections:
        if not any(fnmatch.fnmatchcase(name, one.resource) for name in resources):
            raise ConfigError(
                f"{one.resource} is no resource", file=str(loaded.file), key="limits.resource",
                hint=f"there are: {', '.join(resources) or 'none'}",
            )  # fmt: skip
    return Usage(
        tuple(
            Limit(
                resource=one.resource,
                actor=one.actor,
                role=one.role,
                per=one.per,
                sessions=one.sessions,
                statements_per_minute=one.statements_per_minute,
                rows_per_statement=one.rows_per_statement,
                rows_per_session=one.rows_per_session,
                rows_per_hour=one.rows_per_hour,
                idle_ns=one.idle_seconds * 10**9,
                session_ns=one.session_seconds * 10**9,
            )
            for one in sections
        )
    )
