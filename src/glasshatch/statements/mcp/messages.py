"""What one message asks for: its method, the tool's name, and the texts within the arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..findings import Findings
from ..kubectl import kinds
from ..kubectl.manifests import note_object
from ..registry import Unreadable, analyze_inner
from ..words import words
from .amounts import note_amounts, takes_data
from .names import note_name, parts_of
from .places import note_address, note_path, note_place

MAX_INNER_CHARS = 100_000
MAX_PLACES = 1_000
"""Files and addresses that one call may name."""

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
    **dict.fromkeys(("tasks/list", "tasks/get", "tasks/result"), "show"),
    "tasks/cancel": "set",
}
_RESPONSES = ("result", "error")
_LANGUAGES = (
    ("kubectl", re.compile(r"kubectl|kubernetes|k8s")),
    ("redis", re.compile(r"redis|valkey|keydb")),
    ("mysql", re.compile(r"mysql|mariadb")),
    ("sql", re.compile(r"sql|postgres|pg_|query|database|db")),
)
_SQL_MEMBERS = words("sql soql query statement statements queries sql_query q stmt")
_SHELL_MEMBERS = words("command cmd commands shell script bash sh command_line commandline cli cli_command")
_CODE_MEMBERS = words("code python javascript js source_code lua expression function eval")
_PATHS = words(
    """
    path file filename filepath directory dir source destination uri target paths files filepaths filenames
    folder root cwd dest
"""
)
"""Last words of the names of members that hold a file."""

_NAME_MEMBERS = words(
    "table table_name tablename schema schema_name column column_name view index_name database"
)
_GOES_ON = re.compile(
    r"""[;`]|--|/\*|\|\||['"]\s*(?:or|and|union|\))|\b(?:or|and|union|select|drop)\b\s+\S+|\$\(""",
    re.IGNORECASE,
)
_RUNS_INSIDE = re.compile(
    r"\$\(|`|\{\{|;\s*(?:rm|drop|delete|curl|sh|bash|wget|cat|select|update|insert)\b", re.IGNORECASE
)
_CONDITIONED = "UPDATE t SET seen = true WHERE "
# `up{job="web"}`, `rate(http_requests_total[5m])`: a query of metrics or logs, which can only read.
_SELECTOR = re.compile(r"""\{[^{}]*[=~]\s*["'`][^{}]*\}|\[\d+[smhdw]\]""")
_IDENTIFIER = re.compile(r"[\w$. \-/:@\"`\[\]*%]{0,300}")
_OBJECT_MEMBERS = words("resource manifest patch yaml body object spec content")
_CLUSTERS = re.compile(r"kube|k8s|manifest|resources_|pods_|helm")
_SIZES = words(
    "replicas count desired_count desiredcount size scale capacity desired desiredcapacity min_size"
)
_OPTION_MEMBERS = words("options flags extra_args extra_flags extra_options additional_args")
_ACTION_MEMBERS = ("action", "operation", "op", "subcommand", "subCommand")
_KIND_MEMBERS = words("resource resourcetype resource_type kind type resource_kind plural")
_REVEALING = ("with_decryption", "withDecryption", "WithDecryption", "decrypt", "reveal", "show_secrets")
_SENT_MEMBERS = words("body data payload json form files content postdata post_data")
_URLS = words("url urls uri href endpoint address webhook")
# A `query` of these is words or another language, not SQL.
_OTHER_QUERIES = re.compile(
    r"search|find|lookup|docs|web|issue|log|metric|ticket|prom|loki|trace|grafana|elastic|kibana|graph"
)
_DATABASES = re.compile(r"sql|postgres|pg_|database|db")
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
        note_place(str(params.get("uri", "")), findings)
    return str(method)


def _call(params: dict[str, Any], findings: Findings, depth: int) -> str:
    """tools/call: what the tool's name says, and what its arguments are."""
    name, arguments = params.get("name"), params.get("arguments", {})
    findings.note("call")
    if not isinstance(name, str) or not isinstance(arguments, dict) or len(name) > 200:
        findings.unknown("unknown_syntax")
        return "tools/call ?"
    understood = _arguments(name.lower(), arguments, findings, depth)
    note_amounts(name, arguments, findings)
    note_name(_with_action(name, arguments), understood, findings)
    findings.resources.update((name,) if re.fullmatch(r"[A-Za-z_./-]{1,64}", name) else ())
    return "tools/call " + (name if re.fullmatch(r"[A-Za-z_./-]{1,64}", name) else "?")


def _with_action(name: str, arguments: dict[str, Any]) -> str:
    """A tool that is told by an argument what to do: `kubectl_context` with `operation: list`."""
    members = [*_ACTION_MEMBERS, *(("command",) if _is_editor(name.lower()) else ())]
    given = [arguments.get(member) for member in members]
    return "_".join([name, *(one for one in given if isinstance(one, str) and one.isidentifier())])


def _is_editor(name: str) -> bool:
    """Whether its `command` is one of a few words, and no command line."""
    return "editor" in name or "edit_tool" in name


def _arguments(name: str, arguments: dict[str, Any], findings: Findings, depth: int) -> bool:
    """Read every text in the arguments in its language; whether one was that says what is done."""
    understood = False
    if re.search(r"scale|resize|set|update|patch", name) and _is_nothing(arguments):
        # To scale to nothing is to stop.
        findings.note("control", "destructive")
    if any(arguments.get(member) is True for member in _REVEALING):
        findings.note("read", "credential_read")
    sends = _sends(arguments)
    places = 0
    for member, value in _texts(arguments):
        last = member.rpartition("_")[2]
        places += last in _URLS or last in _PATHS
        if places > MAX_PLACES:
            raise Unreadable("too_complex")
        kind = _language(name, member, value)
        if kind == "code":
            findings.unknown("unknown_code")
            understood = True
        elif kind == "metrics":
            findings.note("read")
            understood = True
        elif kind:
            _read_inner(kind, value, findings, depth)
            understood = True
        if last in _URLS or re.match(r"^[a-z][a-z0-9+.-]*://", value):
            understood = note_address(value, name, sends, findings) or understood
        if (last in _PATHS or last in ("key", "object")) and takes_data(name, value):
            findings.note("read", "bulk_read")
        if member == "name" and "file" in name:
            note_path(name, value, arguments, findings)
        if last in _PATHS:
            note_path(name, value, arguments, findings)
        _note_text(name, member, value, findings)
    return understood


def _note_text(name: str, member: str, value: str, findings: Findings) -> None:
    """Note what a text is by the name of its member, if it is in no language."""
    if member in _NAME_MEMBERS and not _IDENTIFIER.fullmatch(value):
        # A name that ends where a command begins: `orders; DROP TABLE …`.
        findings.unknown("unknown_code")
    if _is_injected(member, value):
        findings.unknown("unknown_code")
    if "\0" in value:
        # Where the server ends the text there, another file or command is meant.
        findings.unknown("unknown_syntax")
    if member in _OBJECT_MEMBERS:
        note_object(value, findings, made_there=_CLUSTERS.search(name) is not None)
    if member in _OPTION_MEMBERS and value.lstrip().startswith("-"):
        findings.unknown("unknown_code")
    if member in _KIND_MEMBERS and kinds.is_secret(kinds.name_of(value)):
        findings.note("read", "credential_read")


def _is_injected(member: str, value: str) -> bool:
    """Whether what should be an identifier goes on as code, or a condition is one that leaves out nothing."""
    last = member.rpartition("_")[2]
    if last in ("id", "ids", "uuid", "key", "sku", "code", "number"):
        return _GOES_ON.search(value) is not None
    if member in ("name", "template", "slug", "ref", "branch"):
        return _RUNS_INSIDE.search(value) is not None
    if member in ("where", "condition", "where_clause"):
        asked = analyze_inner("sql", _CONDITIONED + value, 1)
        return not {"unbounded_write", "unknown_syntax", "multi_statement"}.isdisjoint(asked.risks)
    return False


def _read_inner(kind: str, text: str, findings: Findings, depth: int) -> None:
    findings.inner_chars += len(text)
    if findings.inner_chars > MAX_INNER_CHARS:
        raise Unreadable("too_complex")
    findings.absorb(analyze_inner(kind, text, depth + 1))


def _is_nothing(arguments: dict[str, Any]) -> bool:
    """Whether a size is given as none, at any depth."""
    stack: list[Any] = [arguments]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if any(name.lower() in _SIZES and one in (0, "0") for name, one in value.items()):
                return True
            stack += value.values()
        elif isinstance(value, list):
            stack += value
    return False


def _sends(arguments: dict[str, Any]) -> str:
    """How a request goes out: the method, `POST` if something is sent along."""
    given = [arguments, *(value for value in arguments.values() if isinstance(value, dict))]
    named = [value for one in given for name, value in one.items() if name.lower() in ("method", "verb")]
    method = next(iter(named), None)
    if isinstance(method, str) and method.upper() not in ("GET", "HEAD", "OPTIONS"):
        return method.upper()
    sent = any(name.lower() in _SENT_MEMBERS and value for name, value in arguments.items())
    return "POST" if sent or (method is not None and not isinstance(method, str)) else "GET"


def _texts(arguments: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text with the name of the member it stands under; a list of words is a command line."""
    stack: list[tuple[str, Any]] = list(reversed(arguments.items()))
    while stack:
        member, value = stack.pop()
        if isinstance(value, str):
            yield _member(member), value
        elif isinstance(value, dict):
            stack += reversed(value.items())
        elif isinstance(value, list):
            if (
                _member(member) in _SHELL_MEMBERS | {"args", "argv"}
                and value
                and all(isinstance(word, str) for word in value)
            ):
                yield _member(member), " ".join(_quoted(word) for word in value)
            else:
                stack += [(member, one) for one in reversed(value)]


def _member(name: str) -> str:
    """`AbsolutePath` and `absolutePath` as `absolute_path`."""
    return "_".join(parts_of(name)) or name.lower()


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\\''") + "'"


def _language(name: str, member: str, value: str) -> str:
    """In which language the text under a member is; nothing if it is data."""
    if member in _CODE_MEMBERS and "calc" not in name:
        return "code"
    by_name = next((kind for kind, pattern in _LANGUAGES if pattern.search(name)), "")
    if "sql" in member and by_name not in ("mysql", "redis"):
        return "sql"
    if member in _SQL_MEMBERS and value.lstrip().startswith("mutation"):
        return "code"
    if member in ("text", "input") and by_name in ("sql", "mysql") and _QUERY_START.match(value):
        return by_name
    if member in ("query", "expr") and not _DATABASES.search(name) and _SELECTOR.search(value):
        return "" if _QUERY_START.match(value) else "metrics"
    if member in _SQL_MEMBERS:
        if by_name in ("mysql", "redis"):
            return by_name
        if _OTHER_QUERIES.search(name) and not _DATABASES.search(name):
            return ""
        return "sql" if _QUERY_START.match(value) or (by_name == "sql" and "search" not in name) else ""
    if member == "command" and _is_editor(name) and value.isidentifier():
        return ""
    if member in _SHELL_MEMBERS or (
        member in ("args", "argv", "input") and re.search(r"shell|bash|terminal|exec|kubectl", name)
    ):
        if by_name in ("kubectl", "redis"):
            return by_name
        return "sql" if by_name in ("sql", "mysql") and _QUERY_START.match(value) else "shell"
    return ""
