"""Commands that define, alter or drop things: their verb and their risks, by kind and by what they change."""

from __future__ import annotations

from ..words import words
from .native import Node

_KINDS = {
    "AlterDatabaseSetStmt": ("alter", "server_setting"),
    "AlterTableMoveAllStmt": ("alter", "long_lock"),
    "CreateAmStmt": ("create", "untrusted_code"),
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
    "ClusterStmt": ("cluster", "long_lock"),
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
# What makes a known name or column mean something else, or brings code that others will run: a column of
# another name, a function in the place of another, a trigger. Masking goes by names, so a policy must know.
_REDEFINES = words(
    """AlterCollationStmt AlterDomainStmt AlterObjectDependsStmt AlterObjectSchemaStmt AlterOperatorStmt
    AlterOpFamilyStmt
    AlterTypeStmt CreateCastStmt CreateConversionStmt CreateFunctionStmt CreateOpClassStmt CreateOpFamilyStmt
    CreateTrigStmt DefineStmt RenameStmt"""
)
_PLAIN_ALTERATIONS = words(
    """AT_AddConstraint AT_AttachPartition AT_AddIndex AT_AddIndexConstraint AT_ClusterOn
    AT_ColumnDefault AT_DropCluster
    AT_DropNotNull AT_EnableTrig AT_EnableTrigAll AT_EnableTrigUser AT_ReplaceRelOptions AT_ResetRelOptions
    AT_SetCompression AT_SetNotNull AT_SetOptions AT_SetRelOptions AT_SetStatistics AT_SetStorage
    AT_ValidateConstraint"""
)


_SHUTS_OUT = 8


def meaning_of(kind: str, body: Node) -> tuple[str, frozenset[str]]:
    """The verb and risks of a command that is no query; the verb is `unknown` for a kind never seen."""
    if kind in ("GrantStmt", "GrantRoleStmt") and not body.get("is_grant"):
        return "revoke", frozenset({"privilege_change"})
    if kind == "AlterTableStmt":
        return "alter", _alterations(body)
    if kind == "VacuumStmt":
        return ("vacuum" if body.get("is_vacuumcmd") else "analyze"), _vacuum_risks(body)
    if kind == "ReindexStmt" and body.get("kind") in (
        "REINDEX_OBJECT_SCHEMA",
        "REINDEX_OBJECT_SYSTEM",
        "REINDEX_OBJECT_DATABASE",
    ):
        return "reindex", frozenset({"long_lock"})
    if kind == "LockStmt":
        # ACCESS EXCLUSIVE, which is what LOCK TABLE takes if nothing is said, keeps readers out too.
        return "lock", frozenset({"long_lock"} if body.get("mode", _SHUTS_OUT) == _SHUTS_OUT else ())
    if kind == "CreatedbStmt":
        return "create", _database_risks(body)
    if kind == "AlterSeqStmt" and any(
        item.get("DefElem", {}).get("defname") == "restart" for item in body.get("options", ())
    ):
        return "alter", frozenset({"side_effect"})
    redefines = frozenset({"redefines"}) if kind in _REDEFINES else frozenset()
    if kind in _KINDS:
        verb, risks = _KINDS[kind]
        return verb, redefines | frozenset(risks.split())
    if kind.startswith("Drop"):
        return "drop", _drop_risks(kind)
    for prefix, verb in (("Create", "create"), ("Alter", "alter")):
        if kind.startswith(prefix):
            return verb, redefines
    return "unknown", frozenset({"unknown_syntax"})


def _database_risks(body: Node) -> frozenset[str]:
    """A database made of another one is a copy of all its rows."""
    options = {item["DefElem"]["defname"]: item["DefElem"].get("arg", {}) for item in body.get("options", ())}
    template = options.get("template", {}).get("String", {}).get("sval", "template1")
    return frozenset({"copies_rows"} if template not in ("template0", "template1") else ())


def _vacuum_risks(body: Node) -> frozenset[str]:
    """VACUUM FULL writes a table anew, and nobody can use it until it is done; `FULL off` counts too."""
    options = [item.get("DefElem", {}).get("defname") for item in body.get("options", ())]
    return frozenset({"long_lock"} if "full" in options else ())


def _drop_risks(kind: str) -> frozenset[str]:
    privileged = kind in ("DropRoleStmt", "DropOwnedStmt", "DropUserMappingStmt")
    return frozenset({"destructive", "privilege_change"} if privileged else {"destructive"})


def _alterations(body: Node) -> frozenset[str]:
    commands = [item["AlterTableCmd"] for item in body.get("cmds", ()) if "AlterTableCmd" in item]
    return frozenset(risk for command in commands for risk in _risks_of(command))


def _risks_of(command: Node) -> set[str]:
    kind = str(command.get("subtype"))
    if kind in _ALTERATIONS:
        return {_ALTERATIONS[kind]}
    if kind == "AT_AddColumn":
        constraints = command.get("def", {}).get("ColumnDef", {}).get("constraints", ())
        made = any(one.get("Constraint", {}).get("contype") == "CONSTR_GENERATED" for one in constraints)
        return {"redefines"} if made else set()
    return set() if kind in _PLAIN_ALTERATIONS else {"redefines"}
