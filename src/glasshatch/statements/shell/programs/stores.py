"""Clients of databases: what they send is read in the database's own language."""

from __future__ import annotations

import re
from dataclasses import replace

from .. import files
from ..call import Call, Handler, apart, operands
from ..expand import UNKNOWN, Fields

_PSQL_VALUED = frozenset(
    """
        -c -d -f -h -p -U -v -o -L -F -P -R -T --command --dbname --file --host --port --username --set
        --output --log-file --field-separator --pset --record-separator --table-attr --variable
    """.split()
)
_META = re.compile(
    r"^\s*\\(!|copy|o|w|g|i|ir|include|lo_\w+|s|e|ef|ev|gexec|password|out|write|setenv|c|connect)\b\s*(.*)",
    re.DOTALL,
)
_QUIET_META = re.compile(
    r"^\s*\\(?:d\w*\+?|l\+?|z|conninfo|timing|x|echo|q|h|\?|encoding|a|t|pset|sf|sv|set|unset)(?:\s|$)"
)


def _psql(call: Call) -> None:
    call = replace(call, args=apart(call.args, "AatqxXEwW1enzbHS"))
    texts = [arg.text for arg in call.values("-c", "--command")]
    if call.has("-l", "--list") and not texts:
        call.note("read")
        return
    if call.value("-f", "--file") is not None:
        call.unknown("unknown_code")
    for value in call.values("-o", "--output", "-L", "--log-file"):
        if value.text.startswith("|"):
            call.walker.inner("shell", value.text[1:])
        else:
            files.written(call.findings, value)
    _sent(call, texts, _psql_text)


def _psql_text(call: Call, text: str) -> None:
    """One `-c`: SQL, or a command of psql's own."""
    meta = _META.match(text)
    if meta is not None and meta[1] == "!":
        call.walker.inner("shell", meta[2])
    elif meta is not None:
        call.note("run", "server_file" if meta[1].startswith(("copy", "lo", "o", "w", "i")) else "")
        call.unknown("unknown_code")
    elif _QUIET_META.match(text):
        call.note("show")
    else:
        call.walker.inner("sql", text)


def _sent(call: Call, texts: list[str], read: object) -> None:
    """Read every text, or what comes through the pipe; without either a session opens, unseen."""
    reader = read if callable(read) else None
    found = texts or ([call.feed] if call.feed is not None else [])
    for text in found:
        if reader is not None:
            reader(call, text)
    if not found and call.value("-f", "--file") is None:
        call.unknown("unknown_code")


def _mysql(call: Call) -> None:
    call = replace(call, args=apart(call.args, "NBsvtnrfACb"))
    texts = [arg.text for arg in call.values("-e", "--execute")]
    if call.has("--init-command", "--pager", "--tee", "--plugin-dir", "--system-command"):
        call.unknown("unknown_code")
    _sent(call, texts, _mysql_text)


def _mysql_text(call: Call, text: str) -> None:
    client = re.match(
        r"^\s*(?:\\!|system\b|source\b|\\\.|tee\b|pager\b|\\T|\\P)\s*(.*)", text, re.DOTALL | re.IGNORECASE
    )
    if client is None:
        call.walker.inner("mysql", text)
    elif text.lstrip().lower().startswith(("\\!", "system")):
        call.walker.inner("shell", client[1])
    else:
        call.unknown("unknown_code")


_REDIS_VALUED = frozenset(
    """
        -h -p -t -s -a -u -r -i -n -D -d --user --pass --pattern --eval --cert --key --cacert
        --sni --intrinsic-latency
    """.split()
)


def _redis(call: Call) -> None:
    if call.has(
        "--eval", "--pipe", "--rdb", "--functions-rdb", "--replica", "--slave", "-x", "-X", "--cluster"
    ):
        call.unknown("unknown_code")
        call.note("run", "bulk_read" if call.has("--rdb", "--replica", "--slave") else "")
        return
    if call.has(
        "--latency",
        "--stat",
        "--bigkeys",
        "--memkeys",
        "--hotkeys",
        "--latency-history",
        "--scan",
        "--intrinsic-latency",
    ):
        call.note("read")
        return
    at = _first_operand(call.args, _REDIS_VALUED)
    words = call.args[at:]
    if words:
        call.walker.inner("redis", " ".join(_redis_quoted(arg.text) for arg in words))
    elif call.feed is not None:
        call.walker.inner("redis", call.feed)
    else:
        call.unknown("unknown_code")


def _first_operand(args: Fields, valued: frozenset[str]) -> int:
    at = 0
    while at < len(args) and args[at].text.startswith("-"):
        at += 2 if args[at].text in valued else 1
    return at


def _redis_quoted(text: str) -> str:
    if re.fullmatch(r"[\w:.*@/+-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _sqlite(call: Call) -> None:
    texts = [
        arg.text
        for arg in operands(call.args, frozenset(("-cmd", "-init", "-separator", "-newline", "-nullvalue")))
    ][1:]
    texts += [arg.text for arg in call.values("-cmd")]
    if call.has("-init"):
        call.unknown("unknown_code")
    _sent(call, texts, _sqlite_text)


def _sqlite_text(call: Call, text: str) -> None:
    if text.lstrip().startswith("."):
        quiet = re.match(
            r"^\s*\.(?:tables|schema|databases|indexes|indices|mode|headers?|width|show|help|dbinfo|quit)\b",
            text,
        )
        call.note("read") if quiet else call.unknown("unknown_code")
    elif re.match(
        r"\s*pragma\s+(?:table_info|index_list|database_list|integrity_check|quick_check|user_version|foreign_key_list)\b",
        text,
        re.I,
    ):
        call.note("read")
    else:
        call.walker.inner("sql", text)


def _clickhouse(call: Call) -> None:
    texts = [arg.text for arg in call.values("-q", "--query")]
    _sent(call, texts, lambda inner, text: inner.walker.inner("sql", text))


def _dump(call: Call) -> None:
    """A dump is a read of everything."""
    if call.has("-s", "--schema-only", "--no-data", "-d"):
        call.note("read")
    else:
        call.note("read", "bulk_read")
    target = call.value("-f", "--file", "-r", "--result-file")
    if target is not None and not target.text.startswith(UNKNOWN):
        files.written(call.findings, target)


def _restore(call: Call) -> None:
    if call.has("-l", "--list"):
        call.note("read")
    else:
        call.note("update", "destructive")


_MONGO_READ = re.compile(
    r"^\s*(?:show\s+\w+|(?:db(?:\.getSiblingDB\([^()]*\))?)\.(?:stats|version|serverStatus|hello|isMaster|getName|"
    r"getCollectionNames|currentOp|hostInfo)\(\)(?:\.\w+){0,4}|rs\.(?:status|conf|printSecondaryReplicationInfo)\(\)|sh\.status\(\)|"
    r"db\.[A-Za-z_]\w*\.(?:countDocuments|estimatedDocumentCount|stats|getIndexes|findOne|count)\([^()$]*\)|"
    r"db\.[A-Za-z_]\w*\.find\([^()$]+\)(?:\.limit\(\d{1,4}\))?)\s*;?\s*$"
)
_MONGO_RISK = re.compile(r"\b(?:drop\w*|remove|delete\w*|shutdownServer|renameCollection|updateMany)\b")


def _mongo(call: Call) -> None:
    texts = [arg.text for arg in call.values("--eval")]
    for text in texts:
        if _MONGO_READ.match(text):
            call.note("read")
        else:
            call.unknown("unknown_code")
            call.note("run", "destructive" if _MONGO_RISK.search(text) else "")
    if not texts:
        call.unknown("unknown_code")


def _etcd(call: Call) -> None:
    places = [
        arg.text
        for arg in operands(
            call.args, frozenset(("--endpoints", "--cacert", "--cert", "--key", "--user", "-w"))
        )
    ]
    action = " ".join(places[:2])
    if action in ("endpoint health", "endpoint status", "member list", "alarm list") or places[:1] == [
        "version"
    ]:
        call.note("read")
    elif places[:1] in (["get"], ["watch"], ["snapshot"]):
        call.note("read", "credential_read")
    elif places[:1] == ["put"]:
        call.note("update", "server_setting")
    else:
        call.note("delete", "destructive")


def _kafka(call: Call) -> None:
    if call.has("--list", "--describe", "--version"):
        call.note("read")
    elif call.has("--delete", "--reset-offsets", "--delete-offsets", "--alter"):
        call.note("delete", "destructive")
    elif call.name.startswith("kafka-console-consumer"):
        call.note("read", "" if call.has("--max-messages") else "bulk_read")
    elif call.has("--create"):
        call.note("create")
    else:
        call.unknown()


_KAFKA = (
    "topics",
    "consumer-groups",
    "configs",
    "console-consumer",
    "acls",
    "broker-api-versions",
    "get-offsets",
)
HANDLERS: dict[str, Handler] = {
    "psql": _psql,
    "pgcli": _psql,
    "mysql": _mysql,
    "mariadb": _mysql,
    "mycli": _mysql,
    "redis-cli": _redis,
    "valkey-cli": _redis,
    "keydb-cli": _redis,
    "sqlite3": _sqlite,
    "clickhouse-client": _clickhouse,
    **dict.fromkeys(
        ("pg_dump", "pg_dumpall", "mysqldump", "mariadb-dump", "mongodump", "pg_basebackup", "mongoexport"),
        _dump,
    ),
    **dict.fromkeys(
        ("pg_restore", "mongorestore", "mongoimport", "mysqlimport", "pg_resetwal", "pg_rewind"), _restore
    ),
    "mongosh": _mongo,
    "mongo": _mongo,
    "etcdctl": _etcd,
    **{f"kafka-{tool}{end}": _kafka for tool in _KAFKA for end in ("", ".sh")},
    "memcached-tool": lambda call: call.note("read"),
    "vacuumdb": lambda call: call.note("control"),
    "reindexdb": lambda call: call.note("control"),
    "createdb": lambda call: call.note("create"),
}
