"""What the API takes and gives about aliases: under which names actors appear in other systems."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Form, Reason

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")]
Nanoseconds = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,19}$")]
Asserted = Literal["oidc", "scim", "admin"]
"""By what: the identity provider, the directory, or an administrator; an earlier one goes before."""


class AliasForm(Form, frozen=True):
    """Who a principal is, and why that is known.

    namespace: as `actor.raw.namespace` has it, as in `kubernetes`. feed: only in this feed, by its name.
    since, until: nanoseconds; empty for from ever and for good.
    """

    namespace: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._:/-]{0,252}$")]
    principal: Named
    actor: str
    reason: Reason
    feed: Annotated[str, msgspec.Meta(max_length=200)] = ""
    since: Nanoseconds = ""
    until: Nanoseconds = ""


class AliasEnd(Form, frozen=True):
    """Why an alias holds no more. at: nanoseconds; empty for now. mistake: it never held."""

    reason: Reason
    at: Nanoseconds = ""
    mistake: bool = False


class AliasView(msgspec.Struct, frozen=True, kw_only=True):
    """One alias. since, until: nanoseconds, `until` exclusive; empty for from ever and for good.

    One that the provider or the directory asserts has the actor's id as its own and cannot be ended here.
    """

    id: str
    namespace: str
    principal: str
    actor: str
    actor_id: str
    asserted: Asserted
    feed: str = ""
    reason: str = ""
    since: str = ""
    until: str = ""
    created_by: str = ""
    created: str = ""
    ended_by: str = ""
    ended_why: str = ""


class AliasSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A principal that looks like an actor. It means nothing until somebody declares it."""

    namespace: str
    principal: str
    actor: str
    evidence: tuple[str, ...]
    events: int
    first: str
    last: str
