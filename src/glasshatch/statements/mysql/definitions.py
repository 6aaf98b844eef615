"""Commands that define, grant, show or steer: by their first words."""

from __future__ import annotations

from .nodes import Group, Nodes, flat, is_sign, word_at
from .tables import qualified

# By the first two words, then by the first alone.
_MEANINGS: dict[str, str] = {
    "START TRANSACTION": "begin",
    "START GROUP_REPLICATION": "control server_control cluster_control",
    "START REPLICA": "control server_control cluster_control",
    "START SLAVE": "control server_control cluster_control",
    "START": "control server_control",
    "COMMIT": "commit",
    "ROLLBACK": "rollback",
    "SAVEPOINT": "savepoint",
    "RELEASE": "savepoint",
    "XA": "begin",
    "USE": "set",
    "SHOW": "show",
    "HELP": "show",
    "CHECK": "show",
    "CHECKSUM": "show",
    "GET": "show",
    "STATUS": "show",
    "SIGNAL": "show",
    "TRUNCATE": "truncate destructive",
    "GRANT": "grant privilege_change",
    "REVOKE": "revoke privilege_change",
    "FLUSH": "control server_control",
    "KILL QUERY": "control server_control",
    "KILL SOFT": "control server_control",
    "KILL": "control server_control",
    "INSTALL": "create untrusted_code",
    "UNINSTALL": "drop destructive audit_change",
    "PURGE": "drop destructive audit_change",
    "RESET": "drop destructive audit_change",
    "CHANGE": "alter network server_setting",
    "STOP": "control destructive",
    "SHUTDOWN": "control destructive",
    "RESTART": "control destructive",
    "CLONE": "control network destructive",
    "IMPORT": "create server_file",
    "BINLOG": "unknown unknown_code untrusted_code",
    "DEALLOCATE": "deallocate",
    "DROP PREPARE": "deallocate",
    "LOCK INSTANCE": "lock server_control",
    "LOCK": "lock",
    "UNLOCK": "lock",
    "OPTIMIZE": "vacuum",
    "REPAIR": "reindex",
    "CACHE": "control server_control",
    "LOAD INDEX": "control server_control",
    "LOAD": "insert server_file",
    "RENAME USER": "alter privilege_change",
    "RENAME": "alter redefines",
    "ALTER USER": "alter privilege_change",
    "ALTER ROLE": "alter privilege_change",
    "ALTER DATABASE": "alter redefines",
    "ALTER SCHEMA": "alter redefines",
    "ALTER INSTANCE": "alter server_setting",
    "ALTER SERVER": "alter network",
    "ALTER EVENT": "unknown unknown_code",
    "ALTER VIEW": "alter redefines copies_rows",
    "DROP USER": "drop destructive privilege_change",
    "DROP ROLE": "drop destructive privilege_change",
    # Such a table is seen by this session alone.
    "DROP TEMPORARY": "set",
    "BACKUP": "control server_control",
}
_FLUSHED = {
    "PRIVILEGES": "privilege_change",
    "LOGS": "audit_change",
    "STATUS": "audit_change",
    "BINARY": "audit_change",
    "GENERAL": "audit_change",
    "SLOW": "audit_change",
    "ERROR": "audit_change",
    "ENGINE": "audit_change",
    "RELAY": "audit_change",
    "READ": "destructive",
    "EXPORT": "long_lock",
    "USER_RESOURCES": "privilege_change",
}
_LOSES = ("COLUMN", "PARTITION", "PARTITIONING", "TABLESPACE")
_KEEPS = ("DEFAULT", "INDEX", "KEY", "NOT", "VISIBLE")


def meaning_of(word: str, nodes: Nodes) -> str | None:
    """Verb and risks of a command; None for one that there is not."""
    if word == "ALTER" and f"ALTER {word_at(nodes, 1)}" not in _MEANINGS:
        return _altered(nodes)
    meaning = _MEANINGS.get(f"{word} {word_at(nodes, 1)}") or _MEANINGS.get(word)
    if word == "DROP":
        return meaning or "drop destructive"
    if word == "FLUSH":
        words = [word_at(nodes, at) for at in range(1, len(nodes))]
        return " ".join([str(meaning), *(_FLUSHED[one] for one in words if one in _FLUSHED)])
    if word == "SHOW":
        return _shown(nodes)
    if word == "LOCK" and any(word_at(nodes, at) in ("WRITE", "INSTANCE") for at in range(len(nodes))):
        # Nobody else can even read it.
        return "lock long_lock"
    if word == "KILL" and any(isinstance(node, Group) for node in nodes):
        return None
    return meaning


def _shown(nodes: Nodes) -> str:
    words = [word_at(nodes, at) for at in range(1, len(nodes))]
    if words[:2] == ["CREATE", "USER"]:
        return "show credential_read"
    if words[:1] in (["BINLOG"], ["RELAYLOG"]):
        return "show bulk_read"
    return "show"


def _altered(nodes: Nodes) -> str:
    """ALTER TABLE: a column or a partition that is dropped takes its data along."""
    risks = {"redefines"} if word_at(nodes, 1) in ("PROCEDURE", "FUNCTION") else set()
    for at in range(len(nodes)):
        word, follows = word_at(nodes, at), word_at(nodes, at + 1)
        if word == "DROP" and follows not in _KEEPS:
            risks.add("destructive")
        if word == "ENGINE" and "BLACKHOLE" in (follows, word_at(nodes, at + 2)):
            risks.add("destructive")
        if word == "AS" or (word == "GENERATED" and follows == "ALWAYS"):
            risks.add("redefines")
        if word == "SECURITY":
            risks.add("privilege_change")
        if word == "CONVERT":
            risks.add("redefines")
        if word in ("TRUNCATE", "DISCARD", "EXCHANGE") or (word == "IMPORT" and follows in _LOSES):
            risks.add("destructive")
        if word in ("MODIFY", "CHANGE") or (word == "RENAME" and follows not in ("INDEX", "KEY")):
            risks.add("redefines")
        if word in ("DIRECTORY", "CONNECTION", "DEFINER"):
            risks.add({"DIRECTORY": "server_file", "CONNECTION": "network"}.get(word, "privilege_change"))
    return " ".join(["alter", *sorted(risks)])


def created(nodes: Nodes) -> str:
    """CREATE of anything."""
    words = [word_at(nodes, at) for at in range(1, min(len(nodes), 14))]
    every = {token.value for token in flat(nodes) if token.kind == "word"}
    risks = set()
    if "USER" in words[:1] or "ROLE" in words[:3]:
        risks.add("privilege_change")
    if "SONAME" in every:
        risks.add("untrusted_code")
    elif _is_routine(words):
        # A body is not read: it runs with the rights of whoever made it.
        risks |= {"unknown_code", "privilege_change"} if "DEFINER" in every else {"unknown_code"}
        if every & {"DROP", "TRUNCATE", "GRANT", "OUTFILE"}:
            risks.add("destructive")
    if "VIEW" in words[:8]:
        risks |= {"copies_rows", "redefines"} if "REPLACE" in words[:2] else {"copies_rows"}
    elif words[:2] == ["OR", "REPLACE"]:
        risks.add("destructive")
    if "SERVER" in words[:4] or every & {"FEDERATED", "CONNECT"}:
        risks.add("network")
    if "DIRECTORY" in every or "TABLESPACE" in words[:2] or "LOGFILE" in words[:1]:
        risks.add("server_file")
    return " ".join(["create", *sorted(risks)])


def _is_routine(words: list[str]) -> bool:
    return any(word in words for word in ("PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"))


_OBJECTS = (
    "TABLE",
    "TABLES",
    "DATABASE",
    "SCHEMA",
    "VIEW",
    "INTO",
    "EXISTS",
    "ON",
    "PROCEDURE",
    "FUNCTION",
    "TRIGGER",
    "TO",
)


def objects(nodes: Nodes) -> set[str]:
    """Names that follow TABLE, DATABASE and the like."""
    found = set()
    for at in range(len(nodes)):
        if word_at(nodes, at) not in _OBJECTS or word_at(nodes, at + 1) in (
            "IF",
            "NOT",
            "EXISTS",
            "STATUS",
            "PRIVILEGES",
        ):
            continue
        name, after = qualified(nodes, at + 1)
        while name and len(name) < 200:
            found.add(name)
            if after >= len(nodes) or not is_sign(nodes[after], ","):
                break
            name, after = qualified(nodes, after + 1)
    return found
