"""`glasshatch policy`: what a policy says of a statement, what is wrong with it, and its tests."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ..api.policy_values import AskForm, Explained, ExplainForm
from ..errors import ConfigError, Denied, PeerError
from .asklines import AskLine, is_text, read_asks
from .connection import DataOption, ServerOption, TokenOption, open_desk
from .output import Format, FormatOption, console, emit_json, emit_rows, escape, say
from .policychanges import load, policy_text, replay

if TYPE_CHECKING:
    from ..policy import Problem, Result

policy_app = typer.Typer(help="Policies: explain, check, test, show, replay, load.", no_args_is_help=True)
PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy", metavar="POLICY", help="A shipped set by its name, a .cedar file, or a folder of them."
    ),
]
_BATCH = 200
_SENT_CHARS = (1 << 20) + 1


def _typed(text: str | None) -> str | None:
    return text[1:] if text and text.startswith(" -") else text


StatementArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[STATEMENT]",
        help='The statement; - for JSON lines {"kind", "statement"} on standard input; if left out, all of '
        "standard input is the statement.",
        callback=_typed,
    ),
]
KindOption = Annotated[
    str, typer.Option(help="sql (postgres), mysql, redis, shell (sh), kubectl (k8s) or mcp.")
]
ActorOption = Annotated[
    str, typer.Option(metavar="NAME", help="Who asks; with --data or --server a real one.")
]
ResourceOption = Annotated[
    str,
    typer.Option(
        metavar="TYPE/NAME", help="Where, as in postgres/orders; with --data or --server a real one."
    ),
]
RoleOption = Annotated[
    list[str] | None,
    typer.Option(metavar="ROLE", help="Suppose these roles instead of engineer and dba."),
]
GrantOption = Annotated[
    list[str] | None,
    typer.Option(metavar="VERB", help="Suppose a grant of this verb, as in update or write."),
]


class ActorType(StrEnum):
    """What an actor can be."""

    human = "human"
    service = "service"
    agent = "agent"


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    policy_app.command("explain", cls=Stating)(explain)
    policy_app.command("check")(check)
    policy_app.command("test")(run_tests)
    policy_app.command("show")(show)
    policy_app.command("replay")(replay)
    policy_app.command("load")(load)
    app.add_typer(policy_app, name="policy")


class Stating(TyperCommand):
    """A command whose statement may begin with a minus, as an SQL comment does, and is no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {text}" if _is_statement(text) else text for text in args])


def _is_statement(text: str) -> bool:
    return text.startswith("-") and re.search(r"\s", text) is not None and not re.match(r"--[a-z-]+=", text)


def explain(
    statement: StatementArgument = None,
    policy: PolicyOption = "",
    kind: KindOption = "sql",
    actor: ActorOption = "",
    resource: ResourceOption = "",
    role: RoleOption = None,
    type: Annotated[ActorType, typer.Option(help="Suppose this kind of actor.")] = ActorType.human,
    grant: GrantOption = None,
    env: Annotated[str, typer.Option(help="Suppose this environment of the resource.")] = "production",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line instead of text.")] = False,
    fail: Annotated[
        bool, typer.Option("--fail", help="Exit with code 3 unless everything is allowed.")
    ] = False,
    data: DataOption = None,
    server: ServerOption = "",
    token_file: TokenOption = None,
) -> None:
    """Say what policy decides about a statement: allow, deny or review, the rule, and why.

    Nothing runs and nothing is recorded. Without --data and --server nobody real is needed: the actor is
    supposed to be a person with the roles engineer and dba and no grant, the policy is the set production.
    With them, actor (you, unless --actor names another), grants and resource are the real ones of now, and
    the policy is the one in force unless --policy names another. Command lines are seen by others on the
    machine: give a statement that holds something secret on standard input.
    Exit codes: 0 decided, whatever the answer; 2 wrong options or a broken policy; 3 with --fail; 7 a line
    of JSON lines could not be read, its answer is deny and the others are given.
    Example: glasshatch policy explain --policy production --kind sql "DELETE FROM customers"
    """
    real = _wants_desk(data, server, policy, actor, resource)
    if real and (role or grant or type is not ActorType.human or env != "production"):
        raise ConfigError(
            "are for a supposed actor, and --data and --server have real ones",
            key="--role, --type, --grant and --env", hint="leave out one or the other",
        )  # fmt: skip
    judge = (
        _Remote(data, server, token_file, policy, actor, resource)
        if real
        else _Local(policy or "production", actor, resource, role, type, grant, env)
    )
    with judge:
        effects = (
            _explain_lines(judge, kind) if statement == "-" else _explain_one(judge, kind, statement, as_json)
        )
    if fail and effects - {"allow"}:
        raise typer.Exit(3)


def _wants_desk(data: Path | None, server: str, policy: str, actor: str, resource: str) -> bool:
    """Whether a server is asked. One that is only exported for other commands is not in the way of a
    question that names its policy and nobody real."""
    if data is None and not server:
        return False
    exported = os.environ.get("GLASSHATCH_DATA", "") == str(data or "")
    exported &= os.environ.get("GLASSHATCH_SERVER", "") == server
    return not (exported and policy and not actor and not resource)


class _Local:
    """A policy and somebody supposed, in this process."""

    def __init__(
        self, policy: str, actor: str, resource: str, roles: list[str] | None, type: ActorType,
        grant: list[str] | None, env: str,
    ) -> None:  # fmt: skip
        from ..app.policies import local_judge
        from ..policy import USUAL_ROLES, suppose_actor

        who = suppose_actor(actor or "somebody", roles or USUAL_ROLES, type.value)
        self._judge = local_judge(policy, who, resource, grant or (), env)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None

    def explain(self, asks: list[AskForm]) -> list[Explained]:
        return [self._judge.explain(ask.kind, ask.statement) for ask in asks]


class _Remote:
    """The desk of a server or a data directory."""

    def __init__(
        self, data: Path | None, server: str, token_file: Path | None, policy: str, actor: str, resource: str
    ) -> None:
        self._opening = open_desk(data, server, token_file)
        self._actor, self._resource = actor, resource
        self._policy = policy_text(policy) if policy else None

    def __enter__(self) -> None:
        self._desk = self._opening.__enter__()

    def __exit__(self, *how: Any) -> None:
        self._opening.__exit__(*how)

    def explain(self, asks: list[AskForm]) -> list[Explained]:
        # What is over the cap is denied for its size alone; there is no need to send all of it.
        sent = tuple(AskForm(kind=ask.kind, statement=ask.statement[:_SENT_CHARS]) for ask in asks)
        form = ExplainForm(asks=sent, actor=self._actor, resource=self._resource, policy=self._policy)
        found: list[Explained] = self._desk.explain_policy(form)
        return found


def _explain_one(judge: _Local | _Remote, kind: str, statement: str | None, as_json: bool) -> set[str]:
    if statement is None:
        if sys.stdin.isatty():
            say("[dim]type the statement; end with Ctrl-D[/]")
        statement = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").rstrip("\n")
    if not is_text(statement):
        raise ConfigError("is no UTF-8 text", key="STATEMENT", hint="give it in UTF-8")
    (found,) = judge.explain([AskForm(kind=kind, statement=statement)])
    if as_json:
        emit_json(found)
    else:
        _print(found)
    return {found.effect}


def _print(found: Explained) -> None:
    colour = {"allow": "green", "deny": "red", "review": "yellow"}[found.effect]
    out = console().print
    out(f"[bold {colour}]{found.effect}[/]  {escape(found.rule)}", soft_wrap=True)
    out(f"  {escape(found.reason)}", soft_wrap=True)
    seen = [("verbs", found.verbs), ("risks", found.risks), ("on", found.tables), ("masked", found.masked)]
    parts = [f"{name} {', '.join(words)}" for name, words in seen if words]
    out(f"[dim]  understood as {escape(f'{found.kind}: ' + '; '.join(parts))}[/]", soft_wrap=True)
    grant = f" under grant {found.grant_id}" if found.grant_id else ""
    where = f"  for {found.actor} on {found.resource}{grant}; policy {found.policy} {found.policy_hash[:12]}"
    out(f"[dim]{escape(where)}[/]", soft_wrap=True)


def _explain_lines(judge: _Local | _Remote, kind: str) -> set[str]:
    effects: set[str] = set()
    bad: list[AskLine] = []
    for batch in _batches(read_asks(sys.stdin.buffer, kind)):
        good = [line for line in batch if not line.problem]
        answers = dict(zip((line.number for line in good), _answers(judge, good), strict=True))
        for line in batch:
            found = answers.get(line.number)
            if found is None or isinstance(found, ConfigError):
                problem = line.problem or f"line {line.number}: {found}"
                bad.append(line)
                emit_json({"effect": "deny", "rule": "input.unreadable", "reason": problem})
                say(f"[yellow]{escape(problem)}[/]")
                effects.add("deny")
            else:
                emit_json({"effect": found.effect, "rule": found.rule, "reason": found.reason})
                effects.add(found.effect)
    if bad:
        raise PeerError(
            f"{len(bad)} of the lines could not be read and were answered with deny, the first is line "
            f"{bad[0].number}, counted from 1",
            hint='one object a line, as in {"kind": "sql", "statement": "SELECT 1"}',
        )
    return effects


def _answers(judge: _Local | _Remote, lines: list[AskLine]) -> list[Explained | ConfigError]:
    """An answer for each line; a kind that there is not spoils its own line only."""
    asks = [AskForm(kind=line.kind, statement=line.statement) for line in lines]
    try:
        return list(judge.explain(asks)) if asks else []
    except ConfigError as error:
        if not error.message.startswith("kind: "):
            raise
        if len(lines) == 1:
            return [error]
    return [answer for line in lines for answer in _answers(judge, [line])]


def _batches(lines: Iterator[AskLine]) -> Iterator[list[AskLine]]:
    """Line by line at a terminal or behind a slow program; many at once from a file."""
    size = _BATCH if _is_file(sys.stdin.fileno()) else 1
    batch: list[AskLine] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= size or sum(len(one.statement) for one in batch) > _SENT_CHARS // 4:
            yield batch
            batch = []
    if batch:
        yield batch


def _is_file(descriptor: int) -> bool:
    import stat

    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def show(
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="A shipped set by its name, a .cedar file, or a folder.")
    ] = "production",
) -> None:
    """Print the text of a policy, a shipped one above all: a beginning for one of your own.

    Example: glasshatch policy show production > policies/own.cedar
    """
    from ..policy import find_sources

    for source in find_sources(policy)[1]:
        sys.stdout.write(source.text)


def check(
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="A .cedar file, a folder, or a set's name.")
    ],
    access: Annotated[
        bool,
        typer.Option("--access", help="It is an access policy: about desk and record."),
    ] = False,
    format: FormatOption = Format.table,
) -> None:
    """Check a policy: syntax, what it asks for, names and reasons, and rules that can never decide anything.

    Everything that is wrong is named at once with file, line and cure. An error keeps the policy from being
    loaded, a warning does not. Exit codes: 0 nothing is wrong, 2 something is.
    Example: glasshatch policy check policies/
    """
    from ..policy import STATEMENTS
    from ..policy import check as check_policy
    from ..policy.access import ACCESS, AccessRules

    checked = check_policy(policy, ACCESS if access else STATEMENTS)
    if access and not checked.problems:
        AccessRules.load(policy)  # it also tries the rules on everybody they could mean
    if format is Format.jsonl:
        for problem in checked.problems:
            emit_json(problem)
    else:
        for problem in checked.problems:
            _print_problem(problem)
    if checked.problems:
        raise typer.Exit(2)
    say(f"{escape(checked.name)} is good: {len(checked.rules)} rules")


def _print_problem(problem: Problem) -> None:
    out = console().print
    colour = "red" if problem.level == "error" else "yellow"
    said = escape(f"{problem.rule}: {problem.message}" if problem.rule else problem.message)
    where = escape(f"{problem.file}:{problem.line}")
    out(f"{where}: [{colour}]{problem.level}[/] {said}", soft_wrap=True)
    if problem.hint:
        out(f"[dim]  cure:[/] {escape(problem.hint)}", soft_wrap=True)


def run_tests(
    cases: Annotated[Path, typer.Argument(metavar="FILE", help="A file of cases: .toml, or .jsonl.")],
    policy: PolicyOption = "",
    format: FormatOption = Format.table,
) -> None:
    """Run the cases of a file against a policy: each statement must come out as the file expects.

    The policy is the one that the file names, unless --policy names another; without either it is the set
    production. Exit codes: 0 every case passed, 2 the file or the policy is wrong, 3 a case failed.
    Example: glasshatch policy test policies/cases.toml --policy policies/
    """
    from ..policy import PolicySet, read_cases, run_cases

    found = read_cases(cases)
    loaded = PolicySet.load(policy or found.policy or "production")
    results = list(run_cases(found, loaded))
    failed = [result for result in results if not result.passed]
    if format is Format.jsonl:
        for result in results:
            emit_json(result)
    else:
        rows = [_row(cases, result) for result in failed]
        if rows:
            emit_rows(("CASE", "EXPECTED", "DECIDED", "BY", "STATEMENT*", "REASON*"), rows, empty="")
    if not results:
        raise ConfigError("has no case in it", file=str(cases), hint="add a [[case]]")
    say(f"{len(results) - len(failed)} of {len(results)} cases pass under {escape(loaded.name)}")
    if failed:
        raise Denied(f"{len(failed)} cases came out otherwise", hint="mend the policy, or what is expected")


def _row(file: Path, result: Result) -> tuple[str, ...]:
    return (
        f"{file.name}:{result.line}", result.expect, result.effect, result.rule, result.name, result.reason
    )  # fmt: skip
