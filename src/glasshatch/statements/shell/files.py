"""What it means to write, move or remove a file, by where it lies."""

from __future__ import annotations

import re

from ..findings import Findings
from . import paths
from .expand import UNKNOWN, Argument


def written(findings: Findings, target: Argument, *, truncated: bool = True, emptied: bool = False) -> None:
    """A file is made or overwritten; `emptied` if nothing but emptiness is put there."""
    path = target.text
    if paths.is_sink(path):
        return
    if target.glob or path == UNKNOWN:
        findings.note("update unknown", "unknown_code")
        return
    name = paths.resource(path)
    findings.resources.update((name,) if name else ())
    if paths.is_device(path):
        findings.note("delete", "destructive")
    elif paths.is_log(path):
        findings.note("update", "audit_change" + (" destructive" if truncated else ""))
    elif paths.grants_privilege(path):
        findings.note("update", "privilege_change server_file" + (" destructive" if truncated else ""))
    elif paths.holds_credentials(target) or paths.is_system(path):
        findings.note("update", "server_file" + (" destructive" if truncated else ""))
    elif emptied and not paths.is_scratch(path):
        findings.note("update", "destructive")
    else:
        findings.note("create")


def removed(findings: Findings, target: Argument, *, recursive: bool, here: bool = True) -> None:
    """A file or a tree is gone; `here` if relative paths lie below the folder where somebody works."""
    path = target.text
    if paths.is_artefact(path) and (here or path.startswith(("/", "~"))):
        findings.note("delete")
        return
    risky = UNKNOWN in path or paths.is_system(path) or (target.glob and not _within_scratch(path))
    if recursive and not _within_scratch(path):
        risky = True
    findings.note("delete", "destructive" if risky else "")
    if paths.is_log(path):
        findings.note("delete", "audit_change destructive")
    name = paths.resource(path)
    findings.resources.update((name,) if name else ())


def changed(findings: Findings, target: Argument, verb: str = "update") -> None:
    """A file is changed in place, or put there without a look at what was there before."""
    path = target.text
    if paths.is_sink(path):
        findings.note(verb, "destructive" if path == "/dev/null" else "")
    elif paths.grants_privilege(path):
        findings.note(verb, "privilege_change server_file")
    elif paths.is_log(path):
        findings.note(verb, "audit_change")
    elif paths.is_system(path):
        findings.note(verb, "server_file")
    else:
        findings.note(verb)


def _within_scratch(path: str) -> bool:
    """Below /tmp, and in a folder or under a name of its own: `/tmp/build/*`, not `/tmp/*`."""
    if not paths.is_scratch(path) or UNKNOWN in path:
        return False
    rest = path.rstrip("/").split("/")[2:]
    return (
        bool(rest) and rest[0] != "*" and not rest[0].startswith("*.") if len(rest) == 1 else rest[0] != "*"
    )


_REMOTE = re.compile(r"(?:[\w.-]+@)?[\w.-]+:(?P<path>[^:].*)")


def is_fetch(places: list[Argument], *, recursive: bool) -> bool:
    """Whether files that may be looked at are copied from other machines to this one."""
    if len(places) < 2 or any(place.opaque for place in places) or _REMOTE.fullmatch(places[-1].text):
        return False
    sources = [_REMOTE.fullmatch(place.text) for place in places[:-1]]
    return all(
        source is not None and paths.may_be_fetched(source["path"], recursive=recursive) for source in sources
    )
