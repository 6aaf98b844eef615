"""Files and addresses that a tool is given: how far it reaches."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..findings import Findings
from ..shell import paths
from ..shell.expand import Argument
from ..shell.programs.wire import is_metadata, is_near
from ..words import words
from .names import looks_only, parts_of

_REMOTE = re.compile(r"^(?:https?|wss?|ftp|ssh|git|s3|gs)://|^[\w.-]+\.[a-z]{2,}(?:[:/]|$)", re.IGNORECASE)
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]{2,}):(?!\d|$)")
_SCHEMES = words("http https ws wss file ftp ssh git s3 gs")
_WEB = re.compile(r"^https?://", re.IGNORECASE)
_ACCOUNTS = re.compile(
    r"^/etc/(?:passwd|group|master\.passwd)[-~]?$|/system32/config/(?:sam|security|system)\b", re.IGNORECASE
)
_CARRIERS = words(
    "d data dump payload exfil content body secret token password passwd key apikey api_key auth leak"
)
_MAX_QUERY = 300
# Services without a login of their own, that answer whoever is on the machine: Docker, kubelet, etcd, stores.
_INNER_PORTS = frozenset(
    (
        22,
        25,
        2375,
        2376,
        2379,
        3306,
        4194,
        5432,
        5984,
        6379,
        6443,
        8500,
        9042,
        9200,
        10250,
        10255,
        11211,
        27017,
    )
)
_PATTERNS = ("pattern", "glob", "name", "filename", "query", "include")
_PRIVATE = re.compile(
    r"^/root(?:/|$)|^/etc/(?:ssl/private|letsencrypt|pki/private|kubernetes|sudoers\.d)(?:/|$)|(?:^|/)\.(?:ssh|aws|gnupg|kube)(?:/|$)"
)
_PIPELINES = re.compile(
    r"(?:^|/)(?:\.github/(?:workflows|actions)/|\.circleci/|\.buildkite/|\.gitlab-ci\.ya?ml$|Jenkinsfile$|azure-pipelines\.ya?ml$)"
)
_KEYS_SOUGHT = re.compile(
    r"BEGIN [A-Z ]*KEY|PRIVATE KEY|AKIA|aws_secret|id_rsa|\.pem\b|\.key\b|\.p12\b|\.kdbx\b", re.IGNORECASE
)
_CHANGING = re.compile(r"write|create|edit|append|save|put|move|copy|delete|remove|upload|modify|set")


def note_address(value: str, name: str, method: str, findings: Findings) -> bool:
    """An address that a tool is sent to; whether that says all of what the tool does."""
    scheme = _SCHEME.match(value)
    if scheme is not None and scheme[1].lower() not in _SCHEMES:
        findings.note("run", "network")
        return True
    if value.startswith(("file:", "/")) or not _REMOTE.match(value):
        note_place(value, findings)
        return False
    if is_metadata(value):
        findings.note("read", "network credential_read")
        return True
    only_looks = looks_only(name) or re.search(
        r"fetch|get|read|http|request|navigate|browse|scrape|crawl|url|visit|open|web|page|extract", name
    )
    if method == "DELETE" or (method != "GET" and re.search(r"/(?:quit|drop|delete|shutdown|kill)\b", value)):
        findings.note("delete", "destructive network")
    sends = re.search(r"post|upload|download|send|webhook|export|share|push|notify", name)
    if method != "GET" or sends or not {"put", "patch", "delete"}.isdisjoint(parts_of(name)):
        findings.note("run", "" if is_near(value) and method != "GET" and only_looks else "network")
        return method != "GET" or not is_near(value)
    if _reaches_inside(value):
        findings.note("read", "network")
        return True
    if is_near(value):
        findings.note("read")
        return bool(only_looks)
    findings.note("read", "" if _WEB.match(value) and only_looks and not _carries(value) else "network")
    return True


def _reaches_inside(value: str) -> bool:
    """Whether a service is asked that trusts whoever asks: Docker, a store, the kubelet."""
    try:
        port = urlsplit(value).port
    except ValueError:
        return True
    if "://" in value and not re.match(r"^(?:https?|wss?)://", value, re.IGNORECASE):
        return True
    return (port in _INNER_PORTS and is_near(value)) or re.match(
        r"^https?://kubernetes(?:\.|[:/]|$)", value
    ) is not None


def _carries(value: str) -> bool:
    """Whether the address itself may carry data out."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return True
    names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100)}
    return (
        len(parts.query) > _MAX_QUERY
        or bool(names & _CARRIERS)
        or "@" in parts.netloc
        or len(parts.path) > 600
    )


def note_place(uri: str, findings: Findings) -> None:
    """A file, or an address given as one."""
    path = local_path(uri)
    if is_metadata(uri):
        findings.note("read", "network credential_read")
    elif paths.holds_credentials(Argument(path)) or _ACCOUNTS.search(path):
        findings.note("read", "credential_read")
    elif re.match(r"^(?:https?|ftp)://", uri) and not is_near(uri):
        findings.note("read", "network")
    elif "://" not in path and climbs(path):
        findings.note("read", "server_file")


def local_path(uri: str) -> str:
    """The path that a server would open: decoded, with one kind of slash."""
    path = re.sub(r"^file://(?:localhost)?", "", uri, flags=re.IGNORECASE)
    for _ in range(3):
        path = unquote(path)
    return path.replace("\\", "/")


def climbs(path: str) -> bool:
    """Whether it leads out of the folder that it begins in: `../../x`, `/srv/app/../../etc`, `/../etc`."""
    parts = path.split("/")
    if any(re.fullmatch(r"\.{3,}", part) for part in parts):
        # What is left of `....//` once a server has taken out `../`.
        return True
    if ".." not in parts:
        return False
    return path.startswith("/") or posixpath.normpath(path).startswith("..")


def note_path(name: str, value: str, arguments: dict[str, Any], findings: Findings) -> None:
    """A file that is read or written by the tool, or a folder in which it looks for a name."""
    note_place(value, findings)
    path = local_path(value)
    if _PRIVATE.search(path) and not _CHANGING.search(name):
        findings.note("read", "credential_read")
    if path in ("/", "~", "C:/") and re.search(r"tree|search|find|recursive|grep", name):
        # All of the machine.
        findings.note("read", "server_file")
    if _CHANGING.search(name) and _PIPELINES.search(path):
        # It runs by itself, with what the pipeline may do.
        findings.note("update", "privilege_change")
    for member in _PATTERNS:
        pattern = arguments.get(member)
        if isinstance(pattern, str) and re.search(r"search|find|glob|list|grep", name):
            if _KEYS_SOUGHT.search(pattern):
                findings.note("read", "credential_read")
            if name.endswith("grep"):
                continue
            note_place(f"{path.rstrip('/')}/{pattern.strip('*')}", findings)
    if _CHANGING.search(name) and (
        paths.is_system(path) or ".." in path.split("/") or paths.grants_privilege(path)
    ):
        findings.note("update", "server_file")
