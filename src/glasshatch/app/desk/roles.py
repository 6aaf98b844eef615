"""Which role may do what at the desk. Roles of the data side (engineer, dba) are policy's own."""

from __future__ import annotations

from ...errors import Denied
from ...events import Event
from ...identity import Identity

ADMIN = "admin"
APPROVER = "approver"
AUDITOR = "auditor"
PRIVACY = "privacy"

ROLES = {
    "engineer": "reads production through the gateway, masked; writes under a grant",
    "dba": "an engineer whom policy sets may allow more",
    APPROVER: "judges other people's requests and sees them all",
    AUDITOR: "reads the whole record and changes nothing",
    PRIVACY: "answers for data subjects: erases what is sealed about them, places legal holds",
    ADMIN: "keeps actors and tokens, revokes grants; sees the record's administration, no statements",
}
"""The roles that come with Glasshatch; a policy set may use others."""

DATA_PROTECTION = ("value.", "subject.", "hold.", "request.", "grant.")
"""How the actions begin that whoever answers for data subjects may see."""

ADMINISTRATION = (
    "actor.",
    "token.",
    "signin.",
    "credential.",
    "certificate.",
    "grant.",
    "request.",
    "server.",
    "policy.",
    "ledger.",
    "control.",
    "recording.",
    "process.",
    "index.",
    "witness.",
    "anchor.",
    "backup.",
    "alert.",
    "key.",
    "master.",
    "value.",
    "subject.",
    "hold.",
)
"""How the actions begin that an administrator may see."""


def require(caller: Identity, *roles: str) -> None:
    """Go on only if the caller has one of the roles.

    Raises:
        Denied: None of them.
    """
    if not caller.has_role(*roles):
        raise Denied(
            f"{caller.name} may not do this",
            hint=f"it takes the role {' or '.join(roles)}; ask an administrator",
        )


def may_see(caller: Identity, event: Event) -> bool:
    """Whether the caller may read an event: auditors all, admins and privacy their part, all their own."""
    if caller.has_role(AUDITOR):
        return True
    if event.actor is not None and caller.id in (event.actor.id, event.actor.on_behalf_of):
        return True
    if caller.has_role(PRIVACY) and event.action.startswith(DATA_PROTECTION):
        return True
    return caller.has_role(ADMIN) and event.action.startswith(ADMINISTRATION)
