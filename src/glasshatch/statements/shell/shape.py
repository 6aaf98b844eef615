"""The text without its values: programs, options and subcommands that are known stay, all else is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Span, SpanKind
from ..words import words
from .programs import KNOWN
from .tree import Script, Simple, Text, Word
from .walker import all_commands

_LONG = re.compile(r"--[a-z][a-z0-9-]{0,40}")
_CLUSTERING = words(
    """
    ls ll rm cp mv tar ps grep egrep fgrep du df sort ss netstat chmod chown head tail xargs bash sh find
    ping wc uniq cat mkdir free uptime top kubectl k docker systemctl journalctl dmesg
"""
)
_WRAPPERS = words(
    "sudo doas env nohup timeout time nice ionice exec command builtin watch xargs setsid stdbuf busybox"
)
_SUBCOMMANDS = words(
    """
    get describe logs log exec apply delete edit patch scale rollout drain cordon uncordon top explain
    events create status restart stop start reload enable disable is-active show list ps images inspect run
    rm rmi kill prune pull push commit checkout diff branch fetch reset clean stash plan destroy init
    validate state s3 ec2 iam install remove update upgrade pods pod nodes node deploy deployment
    deployments svc services service secret secrets namespace namespaces ns configmap configmaps events
    ingress undo history pause resume addr route link compose volume network system port-forward cp attach
    taint label annotate replace version cluster-info auth can-i
"""
)
_SUBCOMMANDED = words(
    """
    git docker podman kubectl k systemctl service helm terraform tofu aws gcloud az apt apt-get dnf yum ip
    npm pip docker-compose oc
"""
)
_SPACE = re.compile(r"\s+")
_SECRET_BEFORE = re.compile(
    r"pass|secret|token|key|authorization|bearer|cookie|pwd|credential|user", re.IGNORECASE
)


def shape_of(text: str, script: Script, starts_with: str = "") -> tuple[str, tuple[Span, ...]]:
    """The shape, and the place of all that it leaves out.

    Args:
        starts_with: The program that the text leaves out in front, as `kubectl` in `get pods`.
    """
    kept = dict[int, int]()
    for command in all_commands(script.body):
        if isinstance(command, Simple):
            kept.update(_kept(text, command.words, starts_with))
    pieces: list[str] = []
    spans: list[Span] = []
    at = 0
    for start, end, kind in _hidden(script):
        if start < at:
            continue
        keep = min(kept.get(start, start), end) if kind == "string" else start
        pieces.append(text[at:keep])
        if keep < end:
            pieces.append(" " if kind == "comment" else "?")
            spans.append(Span(keep, end, _kind(kind, text, start, keep)))
        at = end
    pieces.append(text[at:])
    return _SPACE.sub(" ", "".join(pieces)).strip(), tuple(spans)


def _hidden(script: Script) -> Iterator[tuple[int, int, SpanKind]]:
    """Words, bodies and comments in order of the text, the longest first where several begin."""
    found: list[tuple[int, int, SpanKind]] = [(word.start, word.end, "string") for word in script.words]
    found += [(start, end, "other") for start, end in script.hidden if start < end]
    found += [(start, end, "comment") for start, end in script.comments]
    yield from sorted(found, key=lambda piece: (piece[0], -piece[1]))


def _kept(text: str, found: list[Word], starts_with: str) -> Iterator[tuple[int, int]]:
    """For each word that may stay, the place up to which it may."""
    program, expects_program = starts_with, not starts_with
    for word in found:
        if word.start == word.end:
            continue
        raw = text[word.start : word.end]
        if not all(isinstance(part, Text) and not part.quoted for part in word.parts):
            expects_program = expects_program and raw.startswith("-")
            continue
        if raw.startswith("-"):
            yield word.start, word.start + _flag(raw, program)
        elif expects_program and raw in KNOWN:
            program, expects_program = raw, raw in _WRAPPERS
            yield word.start, word.end
        elif raw in _SUBCOMMANDS and program in _SUBCOMMANDED:
            yield word.start, word.end
        else:
            expects_program = expects_program and program in _WRAPPERS


def _flag(raw: str, program: str) -> int:
    """How much of an option is its name."""
    if raw.startswith("--"):
        found = _LONG.match(raw)
        if found is None:
            return 2 if raw == "--" else 0
        return found.end() if raw[found.end() : found.end() + 1] in ("", "=") else 0
    if program in _CLUSTERING and re.fullmatch(r"-[A-Za-z]{1,8}", raw):
        return len(raw)
    return 2 if re.match(r"-[A-Za-z0-9]", raw) else 0


def _kind(kind: SpanKind, text: str, start: int, keep: int) -> SpanKind:
    """Whether what is hidden follows an option, or a name, that says secret."""
    if kind != "string":
        return kind
    before = text[max(0, start - 40) : keep].rsplit("\n", maxsplit=1)[-1]
    last = re.split(r"[\s;&|]+", before.rstrip())[-1] if before.strip() else ""
    return "password" if _SECRET_BEFORE.search(last) or last == "-p" else "string"
