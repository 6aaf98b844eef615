"""Objects that a command brings along: in a file, from an address, in the text itself, as a patch."""

from __future__ import annotations

import re

from ..findings import Findings
from ..shell.call import Call
from ..shell.expand import UNKNOWN
from ..words import words
from .kinds import is_identity, is_known, is_secret, name_of


def note_files(call: Call) -> None:
    """Objects from a file are not seen; from an address, they are somebody else's."""
    for source in [*call.values("-f", "--filename"), *call.values("-k", "--kustomize")]:
        if re.match(r"https?:|git@|github\.com|.*\?ref=", source.text):
            call.note("run", "network untrusted_code")
        elif source.text in ("-", "/dev/stdin") and call.feed is not None:
            _note_manifest(call, call.feed)
        else:
            call.unknown("unknown_code")


_KIND = re.compile(r"""^\s*["']?kind["']?\s*:\s*["']?([A-Za-z]+)""", re.MULTILINE)
_RUNNING = words(
    """
    pods deployments replicasets statefulsets daemonsets jobs cronjobs replicationcontrollers podtemplates
    customresourcedefinitions
"""
)
_RISKY_FIELDS = re.compile(
    r"privileged|hostPath|hostNetwork|hostPID|hostIPC|cluster-admin|capabilities|docker\.sock"
)


def _note_manifest(call: Call, text: str) -> None:
    """What a manifest in the text itself makes."""
    kinds = [name_of(kind) for kind in _KIND.findall(text)]
    call.findings.resources.update(kind for kind in kinds if is_known(kind))
    if not kinds or not all(is_known(kind) for kind in kinds) or UNKNOWN in text:
        call.unknown("unknown_code")
    if any(is_identity(kind) or is_secret(kind) for kind in kinds) or _RISKY_FIELDS.search(text):
        call.note("update", "privilege_change")
    if any(kind in _RUNNING for kind in kinds):
        # Whatever the image holds runs in the cluster.
        call.unknown("unknown_code")
    note_patch(call, text)


def note_object(text: str, findings: Findings, *, made_there: bool = False) -> None:
    """What an object in a text of another language asks for, as far as its words show it.

    `made_there` says that the object is made in a cluster, and not only written down.
    """
    made = [name_of(kind) for kind in _KIND.findall(text)]
    if any(is_identity(kind) or is_secret(kind) for kind in made) or (made and _RISKY_FIELDS.search(text)):
        findings.note("update", "privilege_change")
    if made_there and any(kind in _RUNNING for kind in made):
        findings.unknown("unknown_code")
    if re.search(r'"?replicas"?\s*:\s*0\b', text):
        findings.note("update", "destructive")


def note_patch(call: Call, text: str) -> None:
    if _RISKY_FIELDS.search(text):
        call.note("update", "privilege_change untrusted_code")
    if re.search(r'"?replicas"?\s*:\s*0\b', text) or re.search(
        r'"?finalizers"?\s*:\s*(?:null|\[\s*\])|"op"\s*:\s*"remove"', text
    ):
        call.note("update", "destructive")
    if re.search(
        r'"path"\s*:\s*"/spec/replicas"[^}]*"value"\s*:\s*0\b|NoExecute|ReclaimPolicy"?\s*:\s*"?Delete', text
    ):
        call.note("update", "destructive")
    if re.search(r'"?suspend"?\s*:\s*true', text):
        # A job that no longer comes: a backup, for one.
        call.note("control", "destructive")
    if re.search(r"serviceAccount|runAsUser|allowPrivilegeEscalation|automount", text):
        call.note("update", "privilege_change")
    if re.search(r'"?type"?\s*:\s*"?(?:LoadBalancer|NodePort)|externalIPs|externalName', text):
        call.note("update", "network")
    if re.search(r'"?(?:image|command|args)"?\s*:', text):
        call.note("update", "server_control")
