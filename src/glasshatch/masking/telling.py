"""What stands where: keys, pairs, flags and objects that tell what a value is before anybody looks at it.

Unlike a column, a member of an event is believed to be a secret where it is a header, a variable of an
environment, or what follows a flag on a command line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .columnnames import guess_by_name

LONGEST_NAME = 64
SECRET_ITEM = "SECRET_ITEM"  # noqa: S105
"""What an item of a list of Secrets is told to be."""

_SECRET_NAMES = frozenset(
    {
        "authorization", "proxy-authorization", "cookie", "set-cookie", "cookies", "set-cookie2",
        "secretstring", "secretbinary", "secret_string", "secret_binary", "userdata", "user_data",
        "samlassertion", "saml_assertion", "samlresponse", "client_assertion", "webidentitytoken",
        "pgpassword", "mysql_pwd", "redisauth", "requirepass", ".dockerconfigjson", ".dockercfg",
        "kubeconfig",
    }
)  # fmt: skip
_SECRET_END = re.compile(
    r"(?:[A-Z0-9_]{1,50}_)?(?:PASS|PW)"
    r"|(?i:(?:.*[_.-])?(?:passcode|auth_?key|account_?key|(?:secret|access|private)_?key))"
    r"|(?i:(?:db|database|user|admin|root|mail|smtp|ldap|redis|proxy|ssh|ftp|login|basic)[_.-]?pass)"
)

PAIRS = (
    ("name", "value"), ("key", "value"), ("Name", "Value"), ("Key", "Value"), ("header", "value"),
    ("field", "value"), ("parameterKey", "parameterValue"), ("ParameterKey", "ParameterValue"),
)  # fmt: skip
"""Members of one object of which the first names what the second holds."""

SECRET_PARTS: dict[Any, str] = {"data": "SECRET", "stringData": "SECRET"}

_FLAG = re.compile(
    r"--?(?:[a-z][a-z0-9]{0,20}-){0,4}(?:password|passwd|passphrase|secret|token|api-?key|access-key|auth-key"
    r"|secret-key|client-secret|storepass|keypass|credentials?|pass|pw)"
)
_FLAGS_OF = {
    "-p": "sshpass docker podman helm mongo mongosh mongodump mongorestore psexec az rabbitmqadmin cqlsh",
    "-P": "sqlcmd bcp zip unzip ipmitool mosquitto_pub mosquitto_sub",
    "-a": "redis-cli",
    "-w": "ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldappasswd",
    "-u": "curl lftp",
    "-U": "curl smbclient rpcclient",
    "-pw": "plink pscp psftp putty",
}
_TOOLS = {flag: frozenset(tools.split()) for flag, tools in _FLAGS_OF.items()}
_JOINED = {"-p": frozenset("mysql mysqldump mysqladmin mariadb mariadb-dump mysqlimport 7z 7za rar".split()),
           "-u": frozenset(("curl",)), "-a": frozenset(("redis-cli",))}  # fmt: skip


@lru_cache(maxsize=16_384)
def told_by(name: str) -> str:
    """The type of what stands under a name, as far as the name says it; empty if it says nothing."""
    if len(name) > LONGEST_NAME:
        return ""
    if name.lower() in _SECRET_NAMES or _SECRET_END.fullmatch(name):
        return "SECRET"
    guess = guess_by_name(name)
    return guess.type if guess is not None else ""


def named_values(value: dict[Any, Any]) -> dict[str, str]:
    """Of the members of an object, those that another one names, and of which type they are then."""
    for name, held in PAIRS:
        if held in value and isinstance(told := value.get(name), str):
            type = told_by(told)
            return {held: type} if type else {}
    return {}


def secret_parts(value: dict[Any, Any]) -> dict[Any, str] | None:
    """Which members of a Kubernetes object hold nothing but secrets; None for another object."""
    kind = value.get("kind")
    if kind == "Secret":
        return SECRET_PARTS
    # The items of a list need not say what they are.
    return {"items": SECRET_ITEM} if kind == "SecretList" else None


def flagged(items: Sequence[Any]) -> frozenset[int]:
    """Which words of a command, or of a pair of a header and its value, are secrets by their place."""
    if len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], str) and items[0][:1] != "-":
        return frozenset((1,)) if told_by(items[0]) == "SECRET" else _NONE
    if not any(isinstance(word, str) and word[:1] == "-" for word in items):
        return _NONE
    found: set[int] = set()
    tool = ""
    for place, word in enumerate(items):
        if not isinstance(word, str):
            return _NONE
        if word[:1] != "-":
            # Behind `sudo` and `env` the tool comes later; the last word that names one counts.
            base = word.rpartition("/")[2]
            tool = base if base in _KNOWN else tool
        elif _FLAG.fullmatch(word) or tool in _TOOLS.get(word, ()):
            found.add(place + 1)
        elif tool in _JOINED.get(word[:2], ()) and len(word) > 2 and word[2] != "-":
            found.add(place)
    return frozenset(found)


_NONE: frozenset[int] = frozenset()
_KNOWN = frozenset().union(*_TOOLS.values(), *_JOINED.values())
