"""What each Redis command does: the table of the commands of Redis 7 and 8, and the rules beyond it."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from itertools import pairwise

from ..findings import Findings
from ..words import words
from .amounts import MAX_TAKEN, note_amount
from .scripts import read_script

MAX_KEYS = 10
"""More keys than this in one DEL or UNLINK is a mass deletion."""

_READ = words(
    """
    GET MGET GETRANGE SUBSTR STRLEN EXISTS TYPE TTL PTTL EXPIRETIME PEXPIRETIME HGET HMGET HGETALL HKEYS
    HVALS HLEN HEXISTS HSTRLEN HRANDFIELD HSCAN HTTL HPTTL HEXPIRETIME HPEXPIRETIME LRANGE LLEN LINDEX LPOS
    SCARD SISMEMBER SMISMEMBER SMEMBERS SRANDMEMBER SSCAN SINTER SINTERCARD SUNION SDIFF ZCARD ZCOUNT
    ZLEXCOUNT ZRANGE ZRANGEBYSCORE ZRANGEBYLEX ZREVRANGE ZREVRANGEBYSCORE ZREVRANGEBYLEX ZRANK ZREVRANK
    ZSCORE ZMSCORE ZRANDMEMBER ZSCAN ZINTER ZINTERCARD ZUNION ZDIFF XLEN XRANGE XREVRANGE XREAD XPENDING
    GEODIST GEOHASH GEOPOS GEORADIUS_RO GEORADIUSBYMEMBER_RO GEOSEARCH BITCOUNT BITPOS GETBIT BITFIELD_RO
    PFCOUNT SCAN RANDOMKEY DUMP SORT_RO LCS TOUCH JSON.GET JSON.MGET JSON.TYPE JSON.STRLEN JSON.ARRLEN
    JSON.OBJLEN JSON.OBJKEYS JSON.ARRINDEX JSON.RESP FT.SEARCH FT.AGGREGATE FT.INFO FT._LIST FT.EXPLAIN
    FT.EXPLAINCLI FT.PROFILE FT.TAGVALS TS.GET TS.MGET TS.RANGE TS.REVRANGE TS.MRANGE TS.MREVRANGE TS.INFO
    TS.QUERYINDEX BF.EXISTS BF.MEXISTS BF.INFO BF.CARD CF.EXISTS CF.MEXISTS CF.COUNT CF.INFO CMS.QUERY
    CMS.INFO TOPK.QUERY TOPK.LIST TOPK.COUNT TOPK.INFO VCARD VDIM VEMB VINFO VSIM VLINKS VRANDMEMBER
    VGETATTR VISMEMBER
"""
)
_SHOW = words("PING ECHO TIME INFO DBSIZE LASTSAVE ROLE COMMAND LOLWUT WAIT WAITAOF")
_SESSION = words(
    """
    SELECT AUTH HELLO QUIT READONLY READWRITE ASKING WATCH UNWATCH SUBSCRIBE PSUBSCRIBE SSUBSCRIBE
    UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE RESET
"""
)
_CREATE = words(
    "SETNX MSETNX HSETNX BF.RESERVE CF.RESERVE CMS.INITBYDIM CMS.INITBYPROB TOPK.RESERVE TS.CREATE"
)
_UPDATE = words(
    """
    SET SETEX PSETEX MSET GETSET GETEX APPEND SETRANGE INCR INCRBY INCRBYFLOAT DECR DECRBY SETBIT BITFIELD
    BITOP EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST HSET HMSET HINCRBY HINCRBYFLOAT HEXPIRE HPEXPIRE
    HEXPIREAT HPEXPIREAT HPERSIST HSETEX HGETEX LPUSH RPUSH LPUSHX RPUSHX LSET LINSERT LMOVE BLMOVE
    RPOPLPUSH BRPOPLPUSH SADD SMOVE ZADD ZINCRBY XADD XACK XCLAIM XAUTOCLAIM XREADGROUP GEOADD
    GEORADIUS GEORADIUSBYMEMBER PFADD PFMERGE PUBLISH SPUBLISH JSON.SET JSON.MSET JSON.MERGE JSON.NUMINCRBY
    JSON.NUMMULTBY JSON.STRAPPEND JSON.ARRAPPEND JSON.ARRINSERT JSON.TOGGLE TS.ADD TS.MADD TS.INCRBY
    TS.DECRBY TS.ALTER TS.CREATERULE BF.ADD BF.MADD BF.INSERT CF.ADD CF.ADDNX CF.INSERT CF.INSERTNX
    CMS.INCRBY CMS.MERGE TOPK.ADD TOPK.INCRBY VADD VSETATTR FT.SUGADD FT.CURSOR FT.ALTER FT.ALIASADD
    FT.ALIASUPDATE FT.SYNUPDATE FT.DICTADD FT.CREATE PFSELFTEST
"""
)
_STORE = words(
    """
    SINTERSTORE SUNIONSTORE SDIFFSTORE ZINTERSTORE ZUNIONSTORE ZDIFFSTORE ZRANGESTORE GEOSEARCHSTORE COPY
"""
)
_DELETE = words(
    """
    DEL UNLINK GETDEL HDEL HGETDEL LPOP RPOP LMPOP BLPOP BRPOP BLMPOP LREM LTRIM SPOP SREM ZPOPMIN ZPOPMAX
    BZPOPMIN BZPOPMAX ZMPOP BZMPOP ZREM ZREMRANGEBYSCORE ZREMRANGEBYRANK ZREMRANGEBYLEX XDEL XDELEX XACKDEL
    XTRIM JSON.DEL JSON.FORGET JSON.CLEAR JSON.ARRPOP JSON.ARRTRIM TS.DEL TS.DELETERULE CF.DEL VREM
    FT.SUGDEL FT.DICTDEL FT.ALIASDEL DELEX
"""
)
_PLAIN = {
    **dict.fromkeys(_READ, "read"),
    **dict.fromkeys(_SHOW, "show"),
    **dict.fromkeys(_SESSION, "set"),
    **dict.fromkeys(_CREATE, "create"),
    **dict.fromkeys(_UPDATE, "update"),
    **dict.fromkeys(_STORE, "update"),
    **dict.fromkeys(_DELETE, "delete"),
    "MULTI": "begin",
    "EXEC": "commit",
    "DISCARD": "rollback",
}
# Verbs and risks of commands that no argument makes harmless.
_RISKY = {
    "FLUSHALL": "delete destructive",
    "FLUSHDB": "delete destructive",
    "FT.DROPINDEX": "delete destructive",
    "FT.DROP": "delete destructive",
    "SWAPDB": "update destructive",
    "RENAME": "update destructive",
    "RENAMENX": "update",
    "MOVE": "update destructive",
    "XSETID": "update destructive",
    "RESTORE": "update untrusted_code",
    "RESTORE-ASKING": "update untrusted_code",
    "KEYS": "read bulk_read",
    "MONITOR": "read bulk_read",
    "SYNC": "read bulk_read",
    "PSYNC": "read bulk_read",
    "REPLCONF": "read bulk_read",
    "DEBUG": "control destructive",
    "SHUTDOWN": "control destructive",
    "SAVE": "control server_file",
    "BGSAVE": "control server_file",
    "BGREWRITEAOF": "control server_file",
    "MIGRATE": "update network destructive",
    "REPLICAOF": "control network destructive",
    "SLAVEOF": "control network destructive",
    "FAILOVER": "control destructive",
    "FT.CONFIG": "set server_setting",
    "EVALSHA": "unknown unknown_code",
    "EVALSHA_RO": "unknown unknown_code",
    "FCALL": "unknown unknown_code",
    "FCALL_RO": "unknown unknown_code",
    "GRAPH.QUERY": "unknown unknown_code",
    "TFCALL": "unknown unknown_code",
    "TFUNCTION": "create untrusted_code",
    "RG.PYEXECUTE": "run untrusted_code",
}
# By subcommand; an empty name is the command without one, `*` any that is not listed.
SUBCOMMANDS: dict[str, dict[str, str]] = {
    "CONFIG": {
        "SET": "set server_setting",
        "REWRITE": "set server_setting server_file",
        "RESETSTAT": "set audit_change",
        "GET": "show",
        "HELP": "show",
    },
    "SCRIPT": {
        "EXISTS": "show",
        "HELP": "show",
        "LOAD": "create untrusted_code",
        "FLUSH": "delete destructive",
        "KILL": "control server_control",
        "DEBUG": "control server_control unknown_code",
    },
    "FUNCTION": {
        "LIST": "show",
        "STATS": "show",
        "HELP": "show",
        "DUMP": "read",
        "LOAD": "create untrusted_code",
        "RESTORE": "create untrusted_code",
        "DELETE": "delete destructive",
        "FLUSH": "delete destructive",
        "KILL": "control server_control",
    },
    "MODULE": {
        "LIST": "show",
        "HELP": "show",
        "LOAD": "create untrusted_code",
        "LOADEX": "create untrusted_code",
        "UNLOAD": "delete destructive",
    },
    "ACL": {
        "WHOAMI": "show",
        "CAT": "show",
        "USERS": "show",
        "HELP": "show",
        "DRYRUN": "show",
        "LOG": "show",
        "GENPASS": "show",
        "LIST": "read credential_read",
        "GETUSER": "read credential_read",
        "SETUSER": "update privilege_change",
        "DELUSER": "delete privilege_change",
        "LOAD": "update privilege_change",
        "SAVE": "update privilege_change",
    },
    "CLIENT": {
        **dict.fromkeys(("LIST", "INFO", "ID", "GETNAME", "GETREDIR", "TRACKINGINFO", "HELP"), "show"),
        **dict.fromkeys(("SETNAME", "SETINFO", "REPLY", "TRACKING", "CACHING"), "set"),
        **dict.fromkeys(("NO-EVICT", "NO-TOUCH"), "set"),
        "KILL": "control destructive server_control",
        "PAUSE": "control destructive server_control",
        "UNPAUSE": "control server_control",
        "UNBLOCK": "control server_control",
    },
    "CLUSTER": {
        **dict.fromkeys(("INFO", "NODES", "SLOTS", "SHARDS", "LINKS", "MYID", "MYSHARDID", "HELP"), "show"),
        **dict.fromkeys(("KEYSLOT", "COUNTKEYSINSLOT", "REPLICAS", "SLAVES", "SLOT-STATS"), "show"),
        **dict.fromkeys(("GETKEYSINSLOT", "COUNT-FAILURE-REPORTS"), "read"),
        "*": "control destructive",
    },
    "LATENCY": {
        **dict.fromkeys(("LATEST", "HISTORY", "DOCTOR", "GRAPH", "HISTOGRAM", "HELP"), "show"),
        "RESET": "set audit_change",
    },
    "SLOWLOG": {**dict.fromkeys(("GET", "LEN", "HELP"), "show"), "RESET": "set audit_change"},
    "MEMORY": {
        **dict.fromkeys(("USAGE", "STATS", "DOCTOR", "MALLOC-STATS", "HELP"), "show"),
        "PURGE": "control server_control",
    },
    "OBJECT": {**dict.fromkeys(("ENCODING", "FREQ", "IDLETIME", "REFCOUNT", "HELP"), "show")},
    "PUBSUB": {
        **dict.fromkeys(("CHANNELS", "NUMSUB", "NUMPAT", "SHARDCHANNELS", "SHARDNUMSUB", "HELP"), "show")
    },
    "XINFO": {**dict.fromkeys(("STREAM", "GROUPS", "CONSUMERS", "HELP"), "show")},
    "XGROUP": {
        "CREATE": "create",
        "CREATECONSUMER": "create",
        # Entries are passed over, or given out once more.
        "SETID": "update destructive",
        "DELCONSUMER": "delete",
        "DESTROY": "delete destructive",
        "HELP": "show",
    },
    "SENTINEL": {
        **dict.fromkeys(("MASTERS", "MASTER", "REPLICAS", "SLAVES", "SENTINELS", "CKQUORUM", "MYID"), "show"),
        **dict.fromkeys(("GET-MASTER-ADDR-BY-NAME", "INFO-CACHE", "HELP"), "show"),
        "*": "control destructive",
    },
    "JSON.DEBUG": {"MEMORY": "show", "HELP": "show"},
    "HOTKEYS": {"GET": "show"},
}
_SCRIPTS = words("EVAL EVAL_RO")
KNOWN = frozenset({*_PLAIN, *_RISKY, *SUBCOMMANDS, *_SCRIPTS, "SORT"})


def understand(arguments: list[str], findings: Findings) -> None:
    """Note what one command does."""
    name, rest = arguments[0].upper(), arguments[1:]
    if name in _SCRIPTS:
        read_script(rest[0] if rest else "", rest[1:], findings, understand)
    elif name in SUBCOMMANDS:
        _subcommand(name, rest, findings)
    elif name in _RISKY:
        verb, *risks = _RISKY[name].split()
        findings.note(verb, risks)
    elif name in ("SORT", "SORT_RO"):
        _sort(rest, findings)
        note_amount(name, rest, findings)
    elif name in _PLAIN:
        findings.note(_PLAIN[name])
        note_amount(name, rest, findings)
        special = _RULES.get(name)
        if special is not None:
            special(rest, findings)
    else:
        findings.unknown()


def _subcommand(name: str, rest: list[str], findings: Findings) -> None:
    known = SUBCOMMANDS[name]
    wanted = rest[0].upper() if rest else ""
    meaning = known.get(wanted) or known.get("*")
    if meaning is None:
        findings.unknown()
        return
    verb, *risks = meaning.split()
    findings.note(verb, risks)
    if name == "CONFIG":
        _config(wanted, rest[1:], findings)
    if (name, wanted) == ("ACL", "LOG") and len(rest) > 1 and rest[1].upper() == "RESET":
        findings.note("set", "audit_change")


_SECRET_SETTINGS = (
    "requirepass",
    "masterauth",
    "masteruser",
    "tls-key-file-pass",
    "tls-client-key-file-pass",
)
_AUDIT_SETTINGS = words(
    "logfile loglevel slowlog-log-slower-than slowlog-max-len acllog-max-len latency-monitor-threshold "
    "syslog-enabled syslog-ident syslog-facility"
)


def _config(wanted: str, rest: list[str], findings: Findings) -> None:
    """Reading every setting, or one that holds a secret, gives credentials away."""
    names = [name.lower() for name in (rest[::2] if wanted == "SET" else rest)]
    if wanted == "SET":
        if any(name in _AUDIT_SETTINGS for name in names):
            findings.risks.add("audit_change")
        if any(name in _SECRET_SETTINGS for name in names):
            findings.risks.add("privilege_change")
        if any(name in ("dir", "dbfilename", "appendfilename", "appenddirname", "aclfile") for name in names):
            findings.risks.add("server_file")
    elif wanted == "GET" and any(_may_match(name, secret) for name in names for secret in _SECRET_SETTINGS):
        findings.risks.add("credential_read")


def _may_match(pattern: str, name: str) -> bool:
    """Whether a glob means the name; one with classes or escapes counts as if it did."""
    if any(mark in pattern for mark in "[\\"):
        return True
    if len(pattern) > 64 or pattern.count("*") > 8:
        return True
    return fnmatchcase(name, pattern)


def _sort(rest: list[str], findings: Findings) -> None:
    stores = any(word.upper() == "STORE" for word in rest[1:])
    findings.note("read update" if stores else "read")
    if any(word.upper() == "GET" and "*" in pattern for word, pattern in pairwise(rest[1:])):
        # What the elements name is read, and who fills the list chooses the keys.
        findings.risks.add("bulk_read")


def _many_keys(rest: list[str], findings: Findings) -> None:
    if len(rest) > MAX_KEYS:
        findings.risks.add("unbounded_write")


def _stored(rest: list[str], findings: Findings) -> None:
    findings.note("read")


def _trim(rest: list[str], findings: Findings) -> None:
    """A trim that keeps nothing is a deletion of all."""
    both = [int(word) for word in rest[1:] if word.isdecimal() and len(word) < 12]
    if rest[1:] in (["1", "0"], ["-1", "0"], ["0", "-99999"]) or (len(both) == 2 and both[0] >= both[1]):
        findings.risks.add("unbounded_write")
    elif rest[1:2] == ["0"] and rest[2:3] and rest[2].startswith("-") and len(rest[2]) > len(str(MAX_TAKEN)):
        # So many are cut off at the end.
        findings.risks.add("unbounded_write")
    elif both and both[0] >= MAX_TAKEN:
        # So many are cut off at the front.
        findings.risks.add("unbounded_write")


def _stream_trim(rest: list[str], findings: Findings) -> None:
    kept = [word for word in rest[2:] if word not in ("=", "~")]
    if rest[1:2] and rest[1].upper() == "MAXLEN" and kept and kept[0].isdecimal() and len(kept[0]) < 2:
        findings.risks.add("unbounded_write")
    elif (
        len(rest) > 2
        and rest[1].upper() == "MINID"
        and rest[-1].partition("-")[0].rjust(14, "0") > "1" + "0" * 13
    ):
        # An id of the far future: every entry is older.
        findings.risks.add("unbounded_write")


def _range_of_all(rest: list[str], findings: Findings) -> None:
    """ZREMRANGEBY… over the whole of a set."""
    if [word.lower().lstrip("(") for word in rest[1:]] in (
        ["-inf", "+inf"],
        ["-inf", "inf"],
        ["0", "+inf"],
        ["0", "inf"],
        ["0", "-1"],
        ["-", "+"],
    ):
        findings.risks.add("unbounded_write")


def _expire(rest: list[str], findings: Findings) -> None:
    """A time that is over deletes the key."""
    if len(rest) > 1 and (rest[1].startswith("-") or rest[1] == "0"):
        findings.note("delete")


def _subscribe_all(rest: list[str], findings: Findings) -> None:
    if any(pattern.startswith(("*", "__key")) for pattern in rest):
        findings.risks.add("bulk_read")


def _login(rest: list[str], findings: Findings) -> None:
    """AUTH and HELLO as another user change who one is."""
    findings.risks.update(("privilege_change",) if rest and (rest[0].upper() != "HELLO") else ())


def _hello(rest: list[str], findings: Findings) -> None:
    if any(word.upper() == "AUTH" for word in rest):
        findings.risks.add("privilege_change")


_RULES: dict[str, Callable[[list[str], Findings], None]] = {
    "DEL": _many_keys,
    "UNLINK": _many_keys,
    "LTRIM": _trim,
    "XTRIM": _stream_trim,
    "ZREMRANGEBYSCORE": _range_of_all,
    "ZREMRANGEBYRANK": _range_of_all,
    "ZREMRANGEBYLEX": _range_of_all,
    "EXPIRE": _expire,
    "PEXPIRE": _expire,
    "EXPIREAT": _expire,
    "PEXPIREAT": _expire,
    "PSUBSCRIBE": _subscribe_all,
    "TS.DEL": _range_of_all,
    "AUTH": _login,
    "HELLO": _hello,
    **dict.fromkeys(_STORE, _stored),
}
