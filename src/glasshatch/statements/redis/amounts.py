"""How much one command of Redis reads or takes away: its ranges and counts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from ..findings import Findings
from ..words import words
from .keys import gives_rights, holds_people, holds_secret, records

MAX_READ = 10_000
"""So many elements may one command read."""

MAX_TAKEN = 1_000
"""So many elements may one command take away."""

MAX_KEYS_READ = 100
"""So many keys may one command read."""

_SOON = 60
_MAX_KM = 5_000
_MAX_DIGITS = 20
_KILOMETRES = {"m": 0.001, "km": 1.0, "mi": 1.609, "ft": 0.0003048}
_WHOLE = words(
    """
    SMEMBERS HGETALL HVALS HKEYS SINTER SUNION SDIFF DUMP JSON.GET JSON.RESP SORT SORT_RO
"""
)
_KEYED = words(
    "GET GETEX GETDEL MGET HMGET HGET HGETALL HVALS JSON.GET JSON.MGET GETRANGE SUBSTR DUMP COPY LRANGE"
)
_FIELDED = words("HGET HMGET HGETDEL HGETEX")
_RANGES = words(
    "LRANGE ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZREVRANGEBYLEX XRANGE XREVRANGE"
)
_COUNTED = words(
    "SCAN HSCAN SSCAN ZSCAN XRANGE XREVRANGE XREAD XREADGROUP LMPOP ZMPOP BLMPOP BZMPOP XAUTOCLAIM"
)
_POPS = words("LPOP RPOP SPOP ZPOPMIN ZPOPMAX")
_GONE = words("DEL UNLINK JSON.DEL JSON.FORGET")
_TAKES_OUT = words(
    "DEL UNLINK XDEL XTRIM LTRIM LREM LSET LPOP RPOP ZREM ZREMRANGEBYRANK ZREMRANGEBYSCORE HDEL SREM SPOP SET"
)
_EXPIRES = words("EXPIRE PEXPIRE EXPIREAT PEXPIREAT")
_ENDLESS = {"-inf", "+inf", "inf", "-", "+", "0", "-1"}
_STORED = words(
    "SINTERSTORE SUNIONSTORE SDIFFSTORE ZINTERSTORE ZUNIONSTORE ZDIFFSTORE ZRANGESTORE GEOSEARCHSTORE"
)
_WRITES = words(
    """
    SET SETEX PSETEX SETNX GETSET SADD MSET HSET HMSET HSETNX LPUSH RPUSH JSON.SET APPEND SETRANGE
"""
)


def note_amount(name: str, rest: list[str], findings: Findings) -> None:
    """Note what a command that is known reads or takes in bulk, and what its keys say they hold."""
    for wanted, rule in _RULES:
        if name in wanted:
            rule(name, rest, findings)


def _whole(name: str, rest: list[str], findings: Findings) -> None:
    """All of one collection of people; of a document the path may be to less."""
    path = rest[1:2] if name.startswith("JSON") else []
    if any(holds_people(key) for key in rest[:1]) and path in ([], ["$"], ["."], [""]):
        findings.risks.add("bulk_read")


def _secret(name: str, rest: list[str], findings: Findings) -> None:
    named = rest[1:] if name in _FIELDED else rest if name in ("MGET", "JSON.MGET") else rest[:1]
    if any(map(holds_secret, [*named, *rest[:1]])):
        findings.risks.add("credential_read")


def _many_keys(name: str, rest: list[str], findings: Findings) -> None:
    if len(rest) > MAX_KEYS_READ:
        findings.risks.add("bulk_read")


def _range(name: str, rest: list[str], findings: Findings) -> None:
    """A range of places, of scores or of entries; LIMIT and COUNT make it small."""
    if any(word.upper() in ("LIMIT", "COUNT") for word in rest[3:]):
        return
    low, high = (word.lower().lstrip("([") for word in [*rest[1:3], "", ""][:2])
    if low in _ENDLESS and high in _ENDLESS and rest and holds_people(rest[0]):
        findings.risks.add("bulk_read")
    by_place = name in ("LRANGE", "ZRANGE", "ZREVRANGE") and not {"BYSCORE", "BYLEX"} & {
        word.upper() for word in rest
    }
    first, last = _whole_number(low), _whole_number(high)
    if by_place and first is not None and last is not None and 0 <= first <= last and last - first > MAX_READ:
        findings.risks.add("bulk_read")


def _counted(name: str, rest: list[str], findings: Findings) -> None:
    """COUNT, and the second number of LIMIT."""
    most = MAX_TAKEN if "MPOP" in name else MAX_READ
    for word, value in pairwise(rest):
        if word.upper() == "COUNT" and (_whole_number(value) or 0) > most:
            findings.risks.add("unbounded_write" if "MPOP" in name else "bulk_read")


def _search(name: str, rest: list[str], findings: Findings) -> None:
    upper = [word.upper() for word in rest]
    at = upper.index("LIMIT") if "LIMIT" in upper else -1
    if at >= 0 and len(rest) > at + 2 and (_whole_number(rest[at + 2]) or 0) > MAX_READ:
        findings.risks.add("bulk_read")
    loads = "LOAD" in upper and rest[upper.index("LOAD") + 1 :][:1] == ["*"]
    if name == "FT.AGGREGATE" and loads and at < 0:
        findings.risks.add("bulk_read")


def _random(name: str, rest: list[str], findings: Findings) -> None:
    if len(rest) > 1 and abs(_whole_number(rest[1]) or 0) > MAX_READ:
        findings.risks.add("bulk_read")


def _pop(name: str, rest: list[str], findings: Findings) -> None:
    if len(rest) > 1 and (_whole_number(rest[1]) or 0) > MAX_TAKEN - 1:
        findings.risks.add("unbounded_write")


def _gone(name: str, rest: list[str], findings: Findings) -> None:
    """A key that holds many people is a table, and to delete it is to truncate one."""
    keys = rest if name in ("DEL", "UNLINK") else rest[:1] if rest[1:] in ([], ["$"], ["."]) else []
    if any(map(holds_people, keys)):
        findings.risks.add("unbounded_write")


def _expires(name: str, rest: list[str], findings: Findings) -> None:
    """A time that is over, or close, takes the whole key away."""
    when = _whole_number(rest[1]) if len(rest) > 1 else None
    soon = 1_000_000_000 if name.endswith("AT") else _SOON * (1000 if name.startswith("P") else 1)
    if when is not None and when < soon and holds_people(rest[0]):
        findings.risks.add("unbounded_write")


def _stored(name: str, rest: list[str], findings: Findings) -> None:
    """What is computed takes the place of what was there."""
    if rest and holds_people(rest[0]):
        findings.risks.add("unbounded_write")
    if any(map(holds_people, rest[1:])):
        findings.risks.add("bulk_read")
    if name == "SDIFFSTORE" and rest[1:2] and rest[1] in rest[2:]:
        findings.risks.add("unbounded_write")


def _overwritten(name: str, rest: list[str], findings: Findings) -> None:
    if any(map(holds_people, rest[:1])):
        findings.risks.add("bulk_read")
    if any(word.upper() == "REPLACE" for word in rest[2:]):
        findings.risks.add("destructive")


def _bits(name: str, rest: list[str], findings: Findings) -> None:
    if len(rest) > 1 and holds_people(rest[1]):
        findings.risks.add("unbounded_write")


def _rights(name: str, rest: list[str], findings: Findings) -> None:
    """`SET user:1:role admin`, `HSET user:1 role admin`: what the application will let somebody do."""
    if name in ("HSET", "HMSET", "HSETNX"):
        named = rest[1::2]
    elif name == "JSON.SET":
        named = rest[1:2]
    else:
        named = rest[::2] if name == "MSET" else rest[:1]
    if any(map(gives_rights, named)):
        findings.risks.add("privilege_change")


def _records(name: str, rest: list[str], findings: Findings) -> None:
    """What was done is taken out of the record of it."""
    if any(map(records, rest if name in ("DEL", "UNLINK") else rest[:1])):
        findings.risks.add("audit_change")


def _around(name: str, rest: list[str], findings: Findings) -> None:
    """A circle as wide as a continent."""
    if any(word.upper() == "COUNT" for word in rest):
        return
    for value, unit in pairwise(rest):
        factor = _KILOMETRES.get(unit.lower())
        try:
            wide = factor is not None and float(value) * factor > _MAX_KM
        except ValueError:
            continue
        if wide:
            findings.risks.add("bulk_read")


def _whole_number(word: str) -> int | None:
    text = word.lstrip("-")
    return (
        int(word)
        if text.isdecimal() and text.isascii() and len(text) < 20 and len(word) - len(text) < 2
        else None
    )


_Rule = Callable[[str, list[str], Findings], None]
_RULES: tuple[tuple[frozenset[str], _Rule], ...] = (
    (_WHOLE, _whole),
    (_KEYED | _FIELDED, _secret),
    (words("MGET JSON.MGET"), _many_keys),
    (_RANGES, _range),
    (_COUNTED, _counted),
    (words("FT.SEARCH FT.AGGREGATE"), _search),
    (words("SRANDMEMBER HRANDFIELD ZRANDMEMBER VRANDMEMBER"), _random),
    (_POPS, _pop),
    (_GONE, _gone),
    (_EXPIRES, _expires),
    (_STORED, _stored),
    (words("COPY"), _overwritten),
    (_TAKES_OUT, _records),
    (words("BITOP"), _bits),
    (_WRITES, _rights),
    (words("GEOSEARCH GEORADIUS GEORADIUS_RO GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO"), _around),
)
