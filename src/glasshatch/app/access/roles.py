"""The roles that come with Glasshatch. What they may do stands in policies, of which `roles` is shipped."""

from __future__ import annotations

ADMIN = "admin"
APPROVER = "approver"
AUDITOR = "auditor"
PRIVACY = "privacy"
PROVISIONER = "provisioner"

ROLES = {
    "engineer": "reads production through the gateway, masked; writes under a grant",
    "dba": "an engineer whom policy sets may allow more",
    APPROVER: "judges other people's requests and sees them all",
    AUDITOR: "reads the whole record and changes nothing",
    PRIVACY: "answers for data subjects: erases what is sealed about them, places legal holds",
    PROVISIONER: "brings people and groups in and takes them out, as a directory does (SCIM)",
    ADMIN: "keeps actors and tokens, revokes grants; sees the record's administration, and its content for a"
    " reason",
}
"""A policy set may use others."""
