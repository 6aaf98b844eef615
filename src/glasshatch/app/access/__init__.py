"""The access policy at work: what a caller may do at the desk, and what they see of the record."""

from .entitlements import Access, Entitlements, may, require, require_everything, sight_in
from .facts import sees
from .fields import refuse_hidden, shown
from .reasons import why
from .roles import ADMIN, APPROVER, AUDITOR, PRIVACY, ROLES

__all__ = [
    "ADMIN", "APPROVER", "AUDITOR", "PRIVACY", "ROLES",
    "Access", "Entitlements", "may", "refuse_hidden", "require", "require_everything", "sees", "shown",
    "sight_in", "why",
]  # fmt: skip
