"""Requests as the API server gets them: a method, and a path that names kind, object and a part of it."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from ..findings import Findings
from .kinds import is_identity, is_known, is_secret, name_of

_PATH = re.compile(
    r"^/(?:api/v\w+|apis/[\w.-]+/v\w+)(?:/watch)?(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
    r"/(?P<kind>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?(?P<rest>/.*)?$"
)
_PROBES = re.compile(
    r"^/(?:healthz|livez|readyz|version|openapi|metrics|\.well-known)(?:/|$)|^/(?:api|apis)(?:/[\w.-]+){0,2}/?$"
)
_READS = frozenset({"GET", "HEAD", "OPTIONS", "WATCH", "LIST"})
_METERS = re.compile(r"^/(?:metrics(?:/\w+)?|stats/summary|healthz)$")
_RUNNING = frozenset({"exec", "attach", "portforward", "proxy", "ephemeralcontainers"})
_CHANGES = {
    "POST": "create",
    "CREATE": "create",
    "PUT": "update",
    "PATCH": "update",
    "UPDATE": "update",
    "DELETE": "delete",
    "DELETECOLLECTION": "delete",
}


def read_request(method: str, target: str, body: str, findings: Findings) -> str:
    """Note what a request does; its shape, without names of objects."""
    address = urlsplit(target)
    path = unquote(address.path)
    if "//" in path or "/../" in path or "%" in path:
        findings.unknown("unknown_syntax")
        return f"{method} ?"
    found = _PATH.match(path)
    if found is None:
        findings.note("read") if method in _READS and _PROBES.match(path) else findings.unknown()
        return f"{method} ?"
    kind, part = name_of(found["kind"]), found["part"] or ""
    shown = kind if is_known(kind) else "?"
    if is_known(kind):
        findings.resources.add(kind)
    shape = f"{method} {shown}" + ("/?" if found["name"] else "") + (f"/{part}" if part.isalpha() else "")
    if part == "proxy" and kind == "nodes" and method in _READS and _METERS.match(found["rest"] or ""):
        findings.note("read")
    elif kind == "proxy":
        findings.note("run", "network")
    elif part in _RUNNING:
        _running(part, address.query, findings)
    else:
        _plain(method, kind, part, body, findings)
    return shape


def _plain(method: str, kind: str, part: str, body: str, findings: Findings) -> None:
    if method in _READS:
        findings.note("read", "credential_read" if is_secret(kind) else "")
        return
    verb = _CHANGES.get(method)
    if verb is None:
        findings.unknown()
        return
    findings.note(verb)
    if kind.endswith(("accessreviews", "rulesreviews", "tokenreviews", "subjectreviews")):
        findings.verbs.discard(verb)
        findings.note("read")
    elif verb == "delete" or part == "eviction":
        findings.note("delete", "destructive")
    elif part == "token":
        findings.note(verb, "credential_read privilege_change")
    elif is_identity(kind) or is_secret(kind) or part == "approval":
        findings.note(verb, "privilege_change")
    elif part == "scale":
        findings.note(
            "control",
            "server_control" + ("" if re.search(r'"replicas"\s*:\s*[1-9]', body) else " destructive"),
        )
    elif kind != "events":
        # What the body makes is not read here.
        findings.unknown("unknown_code")
    if re.search(r"privileged|hostPath|cluster-admin", body):
        findings.note(verb, "privilege_change")


def _running(part: str, query: str, findings: Findings) -> None:
    """exec carries its command in the query, one word to a `command=`."""
    if part in ("portforward", "proxy"):
        findings.note("run", "network")
        return
    from ..shell.expand import Argument
    from ..shell.walker import Walker

    given = [unquote(value.replace("+", " ")) for value in re.findall(r"(?:^|&)command=([^&]*)", query)]
    if part == "exec" and given:
        findings.note("run")
        Walker(findings, 1).start([Argument(word) for word in given], piped=False, feed=None)
    else:
        findings.unknown("unknown_code")
