"""Tests of a policy as a file of cases: who asks what, where, and what the answer must be.

A `.toml` file for people:

    policy = "production"                 # a shipped set, or a path relative to this file

    [actors.erin]                         # one that is not named has the usual roles
    roles = ["engineer"]

    [resources."postgres/payroll"]
    labels = { roles = "dba" }

    [[case]]
    statement = "DELETE FROM customers"
    expect = "deny"                       # allow, deny, review, or stop for either of the last two
    rule = "production.no-unbounded-write"

or a `.jsonl` file with one case a line, where `"danger": true` stands for `"expect": "stop"`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from glasshatch.errors import ConfigError
from glasshatch.identity import IdentityType
from glasshatch.statements import analyze

from .engine import PolicySet
from .model import Decision
from .supposing import USUAL_RESOURCES, USUAL_ROLES, suppose_actor, suppose_ask, suppose_resource

Expect = Literal["allow", "deny", "review", "stop"]
_CURE = "docs/guides/test-a-policy.md shows the format"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; an unknown key in it is refused."""


class CaseActor(_Part, frozen=True, kw_only=True):
    """Who asks."""

    roles: tuple[str, ...] = USUAL_ROLES
    type: IdentityType = "human"
    on_behalf_of: str = ""


class CaseResource(_Part, frozen=True, kw_only=True):
    """Where; `masked` names its masked columns in full, as in `public.customers.email`."""

    env: str = "production"
    labels: dict[str, str] = {}
    masked: tuple[str, ...] = ()


class Case(_Part, frozen=True, kw_only=True):
    """One statement and what must come of it; `grant` has the verbs of a grant in force, `rule` may be left
    out. An empty statement asks whether a session may be opened. `from` says where a case comes from."""

    statement: str
    expect: Expect
    kind: str = "sql"
    actor: str = ""
    resource: str = ""
    grant: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    rule: str = ""
    name: str = ""
    origin: str = msgspec.field(default="", name="from")


class CaseFile(msgspec.Struct, frozen=True):
    """The cases of a file, each with the line that it begins on."""

    file: str
    policy: str
    actors: dict[str, CaseActor]
    resources: dict[str, CaseResource]
    cases: tuple[tuple[int, Case], ...]


class Result(msgspec.Struct, frozen=True):
    """How a case went: it passed, or what was decided instead."""

    line: int
    name: str
    passed: bool
    expect: str
    effect: str
    rule: str
    reason: str


class _Written(_Part, frozen=True, kw_only=True):
    policy: str = ""
    actors: dict[str, CaseActor] = {}
    resources: dict[str, CaseResource] = {}
    case: tuple[Case, ...]


def read_cases(file: Path) -> CaseFile:
    """The cases of a file.

    Raises:
        ConfigError: It cannot be read, or a case is not one; names the line and the cure.
    """
    try:
        text = file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ConfigError(f"cannot be read: {reason}", file=str(file), hint=_CURE) from None
    if file.suffix == ".jsonl":
        return CaseFile(str(file), "", {}, {}, tuple(_json_lines(file, text)))
    return _toml(file, text)


def run_cases(found: CaseFile, policy: PolicySet) -> Iterator[Result]:
    """Decide every case, in order."""
    for line, case in found.cases:
        decision = _decide(found, case, policy)
        met = decision.effect != "allow" if case.expect == "stop" else decision.effect == case.expect
        yield Result(
            line, case.name or _shown(case.statement), met and case.rule in ("", decision.rule),
            f"{case.expect} by {case.rule}" if case.rule else case.expect,
            decision.effect, decision.rule, decision.reason,
        )  # fmt: skip


def _decide(found: CaseFile, case: Case, policy: PolicySet) -> Decision:
    who = found.actors.get(case.actor, CaseActor())
    actor = suppose_actor(case.actor or "somebody", who.roles, who.type, who.on_behalf_of)
    id = case.resource or USUAL_RESOURCES.get(case.kind, USUAL_RESOURCES["sql"])
    where = found.resources.get(id, CaseResource())
    resource = suppose_resource(id, where.env, where.labels)
    if not case.statement:
        return policy.authorise(actor, resource)
    statement = analyze(case.kind, case.statement)
    return policy.decide(suppose_ask(statement, actor, resource, case.grant, (*where.masked, *case.masked)))


def _toml(file: Path, text: str) -> CaseFile:
    try:
        read = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"is no TOML: {error}", file=str(file), hint=_CURE) from None
    starts = [text.count("\n", 0, one.start()) + 1 for one in re.finditer(r"(?m)^[ \t]*\[\[case\]\]", text)]
    try:
        written = msgspec.convert(read, _Written)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), file=_where(file, error, starts), hint=_CURE) from None
    if len(starts) != len(written.case):
        starts = [1] * len(written.case)  # written inline: the file is all that can be named
    for line, case in zip(starts, written.case, strict=True):
        _require_known(file, line, case, written)
    policy = str(file.parent / written.policy) if "/" in written.policy or written.policy.endswith(".cedar") \
        else written.policy  # fmt: skip
    return CaseFile(
        str(file), policy, written.actors, written.resources, tuple(zip(starts, written.case, strict=True))
    )


def _where(file: Path, error: Exception, starts: list[int]) -> str:
    """The file, with the line of the case that the message names."""
    named = re.search(r"\$\.case\[(\d+)\]", str(error))
    number = int(named.group(1)) if named else len(starts)
    return f"{file}:{starts[number]}" if number < len(starts) else str(file)


def _require_known(file: Path, line: int, case: Case, written: _Written) -> None:
    # A name that is misspelt would be somebody with the usual roles, and the test would test nothing.
    if written.actors and case.actor and case.actor not in written.actors:
        raise ConfigError(
            f"there is no actor {case.actor!r} in the file", file=f"{file}:{line}",
            hint=f"add [actors.{case.actor}], or use one of: {', '.join(sorted(written.actors))}",
        )  # fmt: skip
    _require_kind(f"{file}:{line}", case)


def _require_kind(where: str, case: Case) -> None:
    try:
        analyze(case.kind, "")
    except ConfigError as error:
        raise ConfigError(f"there is no kind {case.kind!r}", file=where, hint=error.hint) from None


def _json_lines(file: Path, text: str) -> Iterator[tuple[int, Case]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            case = msgspec.convert(_expected(json.loads(line)), Case)
        except (ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, msgspec.ValidationError) else "is no JSON object"
            raise ConfigError(said, file=f"{file}:{number}", hint=_CURE) from None
        _require_kind(f"{file}:{number}", case)
        yield number, case


def _expected(case: Any) -> Any:
    if isinstance(case, dict) and isinstance(case.get("danger"), bool):
        case = {**case, "expect": "stop" if case["danger"] else "allow"}
        del case["danger"]
    return case


def _shown(statement: str) -> str:
    first = " ".join(statement.split())
    return first if len(first) <= 60 else first[:59] + "…"
