"""What one message asks for: its method, the tool's name, and the texts within the arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..findings import Findings
from ..registry import analyze_inner
from ..shell import paths
from ..shell.expand import Argument
from ..shell.programs.wire import is_near
from ..words import words

_METHODS = {
    **dict.fromkeys(
        words(
            """tools/list resources/list resources/templates/list prompts/list prompts/get ping initialize
            completion/complete roots/list"""
        ),
        "show",
    ),
    "resources/read": "read",
    "resources/subscribe": "set",
    "resources/unsubscribe": "set",
    "logging/setLevel": "set",
    "tools/call": "call",
}
_RESPONSES = ("result", "error")
_LANGUAGES = (
    ("kubectl", re.compile(r"kubectl|kubernetes|k8s")),
    ("redis", re.compile(r"redis|valkey|keydb")),
    ("mysql", re.compile(r"mysql|mariadb")),
    ("sql", re.compile(r"sql|postgres|pg_|query|database|db")),
)
_SQL_MEMBERS = words("sql query statement statements queries sql_query")
_SHELL_MEMBERS = words("command cmd commands shell script bash sh command_line commandline cli")
_CODE_MEMBERS = words("code python javascript js source_code lua expression function eval")
_PATH_MEMBERS = words("""
        path file filename file_path filepath directory dir source destination uri target paths
    """)
_URL_MEMBERS = words("url uri href endpoint address webhook webhook_url base_url")
# By the words of the tool's name, the worst first.
_RUNS = words("""
        execute exec eval shell bash terminal sh ssh powershell python javascript script
        interpreter repl sandbox spawn cmd command
    """)
_TAKES = words(
    """
        delete drop remove destroy truncate purge wipe erase kill terminate stop shutdown uninstall revoke
        reset flush clear cancel close merge force disable deprovision rollback decommission detach archive
        unpublish evict drain
    """
)
_PRIVILEGE = words("""
        grant permission permissions role roles user users password passwords token iam policy acl
        invite sudo member members
    """)
_SECRETS = words("""
        secret secrets credential credentials env environment key keys vault keychain password
        passwords
    """)
_NETWORK = words("""
        fetch http request curl wget download upload webhook send email mail post publish slack
        notify browse navigate scrape crawl message tweet sms push share export
    """)
_SERVICES = words("slack email mail sms webhook message")
"""Nouns in front of a verb, as in `slack_list_channels`."""
_CHANGES = words(
    """write create update edit set add put insert patch modify append move rename copy save
    scale restart start import upsert replace enable assign comment label tag commit install build
    increment schedule register"""
)
_LOOKS = words(
    """think thinking sequential calculator calculate echo
        get list read search find show describe status info view lookup count query select stat stats tree
        diff log logs history inspect check ping explain summarize tail head grep glob top health version
        whoami validate preview schema tables columns metrics trace traces spans alerts events ls cat
    """
)
# A `query` of these is words or another language, not SQL.
_OTHER_QUERIES = re.compile(
    r"search|find|lookup|docs|web|issue|log|metric|ticket|prom|loki|trace|grafana|elastic|kibana|graph"
)
_DATABASES = re.compile(r"sql|postgres|pg_|database|db")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_QUERY_START = re.compile(
    r"^\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:select|insert|update|delete|with|drop|alter|create|truncate|grant|revoke|explain|show|call|do|merge|table|copy)\b",
    re.IGNORECASE | re.DOTALL,
)


def read_message(message: Any, findings: Findings, depth: int) -> str:
    """Note what a message asks for; its shape, which holds the method and the name of the tool."""
    if not isinstance(message, dict):
        findings.unknown("unknown_syntax")
        return "?"
    method = message.get("method")
    if method is None and "name" in message and "arguments" in message:
        return _call(message, findings, depth)
    if method is None and any(name in message for name in _RESPONSES):
        findings.note("show")
        return "response"
    if isinstance(method, str) and method.startswith("notifications/"):
        findings.note("set")
        return "notifications/?"
    verb = _METHODS.get(method) if isinstance(method, str) else None
    if verb is None:
        findings.unknown()
        return "?"
    params = message.get("params")
    params = params if isinstance(params, dict) else {}
    if method == "tools/call":
        return _call(params, findings, depth)
    findings.note(verb)
    if method == "resources/read":
        _place(str(params.get("uri", "")), findings)
    return str(method)


def _call(params: dict[str, Any], findings: Findings, depth: int) -> str:
    """tools/call: what the tool's name says, and what its arguments are."""
    name, arguments = params.get("name"), params.get("arguments", {})
    findings.note("call")
    if not isinstance(name, str) or not isinstance(arguments, dict) or len(name) > 200:
        findings.unknown("unknown_syntax")
        return "tools/call ?"
    parts = [part.lower() for part in _PARTS.findall(name)]
    understood = _arguments(name.lower(), arguments, findings, depth)
    _named(parts, understood, findings)
    findings.resources.update((name,) if re.fullmatch(r"[A-Za-z_./-]{1,64}", name) else ())
    return "tools/call " + (name if re.fullmatch(r"[A-Za-z_./-]{1,64}", name) else "?")


def _named(parts: list[str], understood: bool, findings: Findings) -> None:
    """The name's words; a text that was read says more than the name of the tool that runs it."""
    found = frozenset(parts)
    acts = _TAKES | _CHANGES | _RUNS | (_NETWORK - _SERVICES)
    looks = bool(parts) and (
        parts[0] in _LOOKS or (len(parts) > 1 and parts[0] not in acts and parts[1] in _LOOKS)
    )
    if found & _SECRETS and found & (_LOOKS | {"dump", "print"}):
        findings.note("read", "credential_read")
    if found & _TAKES and not looks:
        findings.note("delete", "destructive")
    elif found & _NETWORK and not looks and not understood:
        findings.note("run", "network")
    elif found & _PRIVILEGE and found & _CHANGES:
        findings.note("update", "privilege_change")
    elif found & _RUNS and not understood and not looks:
        findings.unknown("unknown_code")
    elif understood:
        return
    elif looks:
        findings.note("read")
    elif found & _CHANGES:
        findings.note("create" if found & {"create", "add", "insert", "comment", "save"} else "update")
    else:
        findings.unknown()


def _arguments(name: str, arguments: dict[str, Any], findings: Findings, depth: int) -> bool:
    """Read every text in the arguments in its language; whether one was that says what is done."""
    understood = False
    if any(arguments.get(member) == 0 for member in ("replicas", "count", "desired_count", "size")):
        # To scale to nothing is to stop.
        findings.note("control", "destructive" if re.search(r"scale|resize|set|update", name) else "")
    for member, value in _texts(arguments):
        kind = _language(name, member, value)
        if kind == "code":
            findings.unknown("unknown_code")
            understood = True
        elif kind:
            findings.absorb(analyze_inner(kind, value, depth + 1))
            understood = True
        if member in _URL_MEMBERS or re.match(r"^[a-z][a-z0-9+.-]*://", value):
            understood = _address(value, name, findings) or understood
        if member in _PATH_MEMBERS:
            _path(name, value, findings)
    return understood


def _texts(arguments: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text with the name of the member it stands under; a list of words is a command line."""
    stack: list[tuple[str, Any]] = list(reversed(arguments.items()))
    while stack:
        member, value = stack.pop()
        if isinstance(value, str):
            yield member.lower(), value
        elif isinstance(value, dict):
            stack += reversed(value.items())
        elif isinstance(value, list):
            if (
                member.lower() in _SHELL_MEMBERS | {"args", "argv"}
                and value
                and all(isinstance(word, str) for word in value)
            ):
                yield member.lower(), " ".join(_quoted(word) for word in value)
            else:
                stack += [(member, one) for one in reversed(value)]


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\\''") + "'"


def _language(name: str, member: str, value: str) -> str:
    """In which language the text under a member is; nothing if it is data."""
    if member in _CODE_MEMBERS and "calc" not in name:
        return "code"
    by_name = next((kind for kind, pattern in _LANGUAGES if pattern.search(name)), "")
    if member in _SQL_MEMBERS:
        if by_name in ("mysql", "redis"):
            return by_name
        if _OTHER_QUERIES.search(name) and not _DATABASES.search(name):
            return ""
        return "sql" if _QUERY_START.match(value) or (by_name == "sql" and "search" not in name) else ""
    if member in _SHELL_MEMBERS or (
        member in ("args", "argv", "input") and re.search(r"shell|bash|terminal|exec|kubectl", name)
    ):
        if by_name in ("kubectl", "redis"):
            return by_name
        return "sql" if by_name in ("sql", "mysql") and _QUERY_START.match(value) else "shell"
    return ""


def _address(value: str, name: str, findings: Findings) -> bool:
    """An address outside is the network; one near by is a look, if the tool only looks."""
    if value.startswith(("file:", "/")) or not re.match(
        r"^(?:https?|wss?|ftp|ssh|git|s3|gs)://|^[\w.-]+\.[a-z]{2,}(?:[:/]|$)", value
    ):
        _place(value, findings)
        return False
    if is_near(value):
        findings.note("read")
        return bool(re.search(r"fetch|get|read|http|request|navigate", name)) and "post" not in name
    findings.note("run", "network")
    return True


def _place(uri: str, findings: Findings) -> None:
    path = re.sub(r"^file://(?:localhost)?", "", uri)
    if paths.holds_credentials(Argument(path)):
        findings.note("read", "credential_read")
    elif re.match(r"^(?:https?|ftp)://", uri) and not is_near(uri):
        findings.note("read", "network")


def _path(name: str, value: str, findings: Findings) -> None:
    """A file that is read or written by the tool."""
    _place(value, findings)
    changes = re.search(r"write|create|edit|append|save|put|move|copy|delete|remove|upload|modify|set", name)
    if changes and (paths.is_system(value) or ".." in value.split("/") or paths.grants_privilege(value)):
        findings.note("update", "server_file")
