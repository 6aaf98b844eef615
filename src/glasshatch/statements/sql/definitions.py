"""Commands that define, alter or drop things: their verb and their risks, by kind and by what they change."""

from __future__ import annotations

from .native import Node

_KINDS = {
    "AlterDatabaseSetStmt": ("alter", "server_setting"),
    "AlterDefaultPrivilegesStmt": ("grant", "privilege_change"),
    "AlterEventTrigStmt": ("alter", "audit_change"),
    "AlterExtensionContentsStmt": ("alter", "privilege_change"),
    "AlterExtensionStmt": ("alter", "privilege_change"),
    "AlterFdwStmt": ("alter", "network"),
    "AlterForeignServerStmt": ("alter", "network"),
    "AlterFunctionStmt": ("alter", "privilege_change"),
    "AlterOwnerStmt": ("alter", "privilege_change"),
    "AlterPolicyStmt": ("alter", "privilege_change"),
    "AlterRoleSetStmt": ("alter", "privilege_change"),
    "AlterRoleStmt": ("alter", "privilege_change"),
    "AlterSubscriptionStmt": ("alter", "network"),
    "AlterPublicationStmt": ("alter", "network"),
    "AlterSystemStmt": ("alter", "server_setting audit_change"),
    "AlterUserMappingStmt": ("alter", "network privilege_change"),
    "CheckPointStmt": ("checkpoint", "server_control"),
    "ClosePortalStmt": ("close", ""),
    "ClusterStmt": ("cluster", ""),
    "CommentStmt": ("alter", ""),
    "CompositeTypeStmt": ("create", ""),
    "ConstraintsSetStmt": ("set", ""),
    "CreateEventTrigStmt": ("create", "privilege_change audit_change"),
    "CreateExtensionStmt": ("create", "privilege_change"),
    "CreateFdwStmt": ("create", "network privilege_change"),
    "CreateForeignServerStmt": ("create", "network"),
    "CreateForeignTableStmt": ("create", "network"),
    "CreatePLangStmt": ("create", "privilege_change"),
    "CreatePolicyStmt": ("create", "privilege_change"),
    "CreatePublicationStmt": ("create", "network"),
    "CreateRoleStmt": ("create", "privilege_change"),
    "CreateSubscriptionStmt": ("create", "network"),
    "CreateTableSpaceStmt": ("create", "server_file"),
    "CreateTransformStmt": ("create", "privilege_change"),
    "CreateUserMappingStmt": ("create", "network privilege_change"),
    "DeallocateStmt": ("deallocate", ""),
    "DefineStmt": ("create", ""),
    "DiscardStmt": ("discard", ""),
    "GrantRoleStmt": ("grant", "privilege_change"),
    "GrantStmt": ("grant", "privilege_change"),
    "ImportForeignSchemaStmt": ("create", "network"),
    "IndexStmt": ("create", ""),
    "ListenStmt": ("listen", ""),
    "LoadStmt": ("load", "server_file privilege_change"),
    "LockStmt": ("lock", ""),
    "NotifyStmt": ("notify", ""),
    "ReassignOwnedStmt": ("alter", "destructive privilege_change"),
    "RefreshMatViewStmt": ("refresh", ""),
    "ReindexStmt": ("reindex", ""),
    "RenameStmt": ("alter", ""),
    "RuleStmt": ("create", "privilege_change"),
    "SecLabelStmt": ("alter", "privilege_change"),
    "TruncateStmt": ("truncate", "destructive"),
    "UnlistenStmt": ("unlisten", ""),
    "VacuumStmt": ("vacuum", ""),
}
_ALTERATIONS = {
    "AT_ChangeOwner": "privilege_change",
    "AT_DetachPartition": "destructive",
    "AT_DisableRowSecurity": "privilege_change",
    "AT_DisableRule": "audit_change",
    "AT_DisableTrig": "audit_change",
    "AT_DisableTrigAll": "audit_change",
    "AT_DisableTrigUser": "audit_change",
    "AT_DropColumn": "destructive",
    "AT_DropConstraint": "destructive",
    "AT_EnableReplicaRule": "audit_change",
    "AT_EnableReplicaTrig": "audit_change",
    "AT_EnableRowSecurity": "privilege_change",
    "AT_ForceRowSecurity": "privilege_change",
    "AT_NoForceRowSecurity": "privilege_change",
}


def meaning_of(kind: str, body: Node) -> tuple[str, frozenset[str]]:
    """The verb and risks of a command that is no query; the verb is `unknown` for a kind never seen."""
    if kind in ("GrantStmt", "GrantRoleStmt") and not body.get("is_grant"):
        return "revoke", frozenset({"privilege_change"})
    if kind == "AlterTableStmt":
        return "alter", _alterations(body)
    if kind == "VacuumStmt":
        return ("vacuum" if body.get("is_vacuumcmd") else "analyze"), frozenset()
    if kind in _KINDS:
        verb, risks = _KINDS[kind]
        return verb, frozenset(risks.split())
    if kind.startswith("Drop"):
        return "drop", _drop_risks(kind)
    for prefix, verb in (("Create", "create"), ("Alter", "alter")):
        if kind.startswith(prefix):
            return verb, frozenset()
    return "unknown", frozenset({"unknown_syntax"})


def _drop_risks(kind: str) -> frozenset[str]:
    privileged = kind in ("DropRoleStmt", "DropOwnedStmt", "DropUserMappingStmt")
    return frozenset({"destructive", "privilege_change"} if privileged else {"destructive"})


def _alterations(body: Node) -> frozenset[str]:
    commands = [item["AlterTableCmd"] for item in body.get("cmds", ()) if "AlterTableCmd" in item]
    return frozenset(
        _ALTERATIONS[command["subtype"]] for command in commands if command.get("subtype") in _ALTERATIONS
    )
