"""What client and server exchange about who may do and see what."""

from __future__ import annotations

from typing import Any

import msgspec


class DeedView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is done at the desk: whether the caller may, by which rule, and what roles it takes."""

    deed: str
    allowed: bool
    rule: str
    reason: str
    roles: tuple[str, ...] = ()


class AccessView(msgspec.Struct, frozen=True, kw_only=True):
    """What an actor may do at the desk and see of the record at this moment.

    Attributes:
        sees: Which events, written like a query, for people.
        sight: The same, for programs.
        kept: What a rule forbids them to see, whatever else lets them.
        hidden: The classes of fields that are left out of events.
        asks: Whether a reason, which was not given, would show them more.
        policy_hash: Of the access policy that says so.
    """

    actor: str
    roles: tuple[str, ...]
    policy: str
    policy_hash: str
    deeds: tuple[DeedView, ...]
    sees: str
    sight: Any
    kept: Any
    hidden: tuple[str, ...] = ()
    asks: bool = False


NOTICE = (
    "what is about keeping the house is shown, and not the rest: say why you read (--reason, or the header"
    " Glasshatch-Reason), and it is recorded"
)


def notice_in(view: AccessView) -> str:
    """What a reader should know of an answer that leaves out what a reason would show; mostly nothing."""
    return NOTICE if view.asks else ""


class GrantUse(msgspec.Struct, frozen=True, kw_only=True):
    """A grant in force, and how often something rested on it; times in nanoseconds, or empty."""

    id: str
    resource: str
    verbs: tuple[str, ...]
    expires: str
    uses: int = 0
    last_used: str = ""


class ReachView(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that an actor could open a session to now, and the rule that says so."""

    resource: str
    rule: str


class ActorStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What one actor could do now.

    Attributes:
        on_behalf_of: The human's name behind an agent.
        tokens: How many tokens work now.
        sees: What they see of the record, written like a query.
        last_seen: The time of the newest event that they are the actor of; empty if there is none.
        left: When they were shut out last, if they are.
        since_left: How many events they are the actor of since then: there should be none.
    """

    id: str
    name: str
    type: str
    roles: tuple[str, ...]
    disabled: bool
    on_behalf_of: str
    tokens: int
    reaches: tuple[ReachView, ...]
    deeds: tuple[str, ...]
    sees: str
    grants: tuple[GrantUse, ...]
    last_seen: str = ""
    left: str = ""
    since_left: int = 0


class AccessReview(msgspec.Struct, frozen=True, kw_only=True):
    """Who can reach what, at this moment, under these policies."""

    policy: str
    policy_hash: str
    access: str
    access_hash: str
    actors: tuple[ActorStanding, ...]
