"""The words that a statement's meaning can hold, so that a rule about another word is seen as a mistake."""

from __future__ import annotations

from typing import Final

from glasshatch.statements import KINDS

RISKS: Final = frozenset(
    {
        *("audit_change", "bulk_read", "copies_rows", "credential_read", "destructive", "dynamic_sql"),
        *(
            "multi_statement",
            "network",
            "side_effect",
            "privilege_change",
            "redefines",
            "row_lock",
            "sampled_values",
        ),
        *(
            "server_control",
            "server_file",
            "server_setting",
            "session_setting",
            "too_complex",
            "unbounded_write",
        ),
        *(
            "unknown_code",
            "unknown_command",
            "unknown_function",
            "unknown_setting",
            "unknown_syntax",
            "untrusted_code",
        ),
        *("cluster_control", "derived_row", "long_lock", "many_sessions", "temporary_copy", "whole_row"),
    }
)
"""Every risk that `statements` finds."""

REVIEW: Final = "request.review"
DEEDS: Final = (
    "record.export", "policy.load", "policy.replay", "policy.explain", "request.list", "request.review",
    "grant.list", "grant.revoke", "actor.list", "actor.change", "token.issue", "token.revoke", "key.list",
    "key.change", "ledger.create", "ledger.prune", "index.rebuild", "backup.make", "alert.list",
    "alert.handle", "subject.erase", "hold.list", "hold.change", "exposure.subject", "change.undo",
    "access.review", "credential.change", "certificate.list", "certificate.change",
    "break-glass.print", "break-glass.list", "break-glass.review",
    "directory.change", "value.reveal", "alias.list", "alias.change", "incident.list", "incident.change",
    "export.list", "export.change",
)  # fmt: skip
"""What is done at the desk, as the schema has it; `REVIEW` is asked for each request."""

ACTIONS: Final = ("session.open", "statement.run", "record.read", "record.field", *DEEDS)

DOMAINS: Final[dict[str, frozenset[str]]] = {
    "action": frozenset(ACTIONS),
    "principal.kind": frozenset({"human", "service", "agent"}),
    "context.kind": frozenset(KINDS),
}
"""What an attribute with one value can be; of the others anything is possible."""

MEMBERS: Final[dict[str, frozenset[str]]] = {"context.risks": RISKS}
"""What a set can hold; of the others anything is possible."""
