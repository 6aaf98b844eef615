"""Walks the tree of a shell text and notes what each command in it would do."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ..findings import Findings
from ..registry import Unreadable, analyze_inner
from . import files, paths
from .call import Call
from .expand import UNKNOWN, Argument, Fields, Variables
from .programs import CREDENTIALS_UNREAD, KNOWN, meaning_of
from .simple import DECLARING
from .tree import (
    Assignment,
    Command,
    Function,
    Group,
    Output,
    Parameter,
    Pipeline,
    Redirect,
    Simple,
    Text,
    Word,
)

_MAX_STARTED = 3_000
_MAX_WRAPPED = 25
_PROGRAM_FOLDERS = frozenset(
    f"{root}{folder}" for root in ("", "/usr", "/usr/local", "/opt/homebrew") for folder in ("/bin", "/sbin")
)
# What is loaded into, or run by, programs that are started later.
_CODE_VARIABLES = frozenset(
    """
        LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES BASH_ENV ENV PROMPT_COMMAND PS4
        PYTHONSTARTUP PERL5OPT PERL5DB RUBYOPT NODE_OPTIONS JAVA_TOOL_OPTIONS GIT_SSH_COMMAND GIT_SSH
        GIT_EXTERNAL_DIFF GIT_PAGER PAGER MANPAGER EDITOR VISUAL GIT_EDITOR LESSOPEN LESSCLOSE BROWSER
        SHELLOPTS BASH_FUNC PYTHONPATH GIT_PROXY_COMMAND PSQL_PAGER PSQL_EDITOR KUBE_EDITOR
    """.split()
)
_TOOL_FOLDERS = re.compile(r"(?:\./)?(?:\.?venv/bin|node_modules/\.bin|vendor/bin)")
_HARMLESS_PAGERS = frozenset({"cat", "less", "more", "", "vim", "vi", "nano"})


class Walker:
    """Reads one text; `depth` counts the texts around it."""

    def __init__(self, findings: Findings, depth: int) -> None:
        self.findings = findings
        self.depth = depth
        self.variables = Variables()
        self.functions: set[str] = set()
        self._started = 0
        self._wrapped = 0
        self._within: list[str] = []
        # Whether relative paths lie where somebody works, as far as the text says: not after `cd /srv`.
        self.here = True

    def script(self, body: list[Pipeline]) -> None:
        """Read everything; first what variables may hold, since functions and loops run out of order."""
        for command in all_commands(body):
            self._bind(command)
        self.pipelines(body)

    def prepend(self, body: list[Pipeline], program: str) -> None:
        """Put the program that the text leaves out before its first command."""
        first = body[0].commands[0] if body else None
        if isinstance(first, Simple) and first.words:
            at = first.words[0].start
            first.words.insert(0, Word([Text(program, False)], at, at))

    def pipelines(self, body: list[Pipeline]) -> None:
        for pipeline in body:
            feed: str | None = None
            for index, command in enumerate(pipeline.commands):
                feed = self.command(command, piped=index > 0, feed=feed)

    def command(self, command: Command, *, piped: bool, feed: str | None) -> str | None:
        """Read a command; gives what it prints where the text says so."""
        if isinstance(command, Simple):
            return self._simple(command, piped, feed)
        if isinstance(command, Group):
            self._group(command)
        else:
            self._function(command)
        return None

    def inner(self, kind: str, text: str) -> None:
        """A text within the text. Where a part of it is not known, it could be anything."""
        if UNKNOWN in text:
            self.findings.unknown("unknown_code")
            text = text.replace(UNKNOWN, "$_" if kind == "shell" else "x")
        self.findings.absorb(analyze_inner(kind, text, self.depth + 1))

    # Variables

    def _bind(self, command: Command) -> None:
        if isinstance(command, Function):
            self.functions.add(command.name)
            return
        bound = command.assignments if isinstance(command, Simple) else command.bindings
        for assignment in bound:
            self.variables.assign(assignment)
        if isinstance(command, Simple) and command.words:
            for name in _read_names(command.words):
                self.variables.forget(name)

    def _assigned(self, assignment: Assignment, values: set[str]) -> None:
        """Variables that change what later programs run, or what is remembered of it."""
        name = assignment.name
        if name in _CODE_VARIABLES and not values <= _HARMLESS_PAGERS:
            self.findings.unknown("unknown_code")
        if name == "PATH" and not all(_is_plain_path(value) for value in values):
            self.findings.unknown("unknown_code")
        if name.startswith("HIST") and values & {"", "0", "/dev/null", "ignorespace", "ignoreboth"}:
            self.findings.note("set", "audit_change")
        if any("[$(" in value or "[`" in value for value in values):
            # Arithmetic would run it.
            self.findings.unknown("unknown_code")

    # Commands

    def _function(self, command: Function) -> None:
        self.findings.note("set")
        self._within.append(command.name)
        self.command(command.body, piped=False, feed=None)
        self._within.pop()

    def _group(self, group: Group) -> None:
        for word in group.words:
            self._outputs([word])
        self.pipelines(group.body)
        self._redirects(group.redirects, empty=False)

    def _simple(self, command: Simple, piped: bool, feed: str | None) -> str | None:
        self._outputs(command.words)
        for assignment in command.assignments:
            self._outputs(assignment.values)
            self._assigned(assignment, self.variables.values(assignment.name))
        fed = self._redirects(command.redirects, empty=_prints_nothing(command))
        feed, piped = (fed, True) if fed is not None else (feed, piped)
        if self._sends_file(command):
            self.findings.note("run", "network")
        if not command.words:
            if command.assignments:
                self.findings.note("set")
            return None
        printed: set[str | None] = set()
        named = [Argument(assignment.name) for assignment in command.assignments]
        for fields in self.variables.expand_all(command.words):
            declared = named if fields and fields[0].text in DECLARING else []
            self.start([*fields, *declared], piped=piped, feed=feed)
            printed.add(_printed(fields, feed))
        return printed.pop() if len(printed) == 1 else None

    def _sends_file(self, command: Simple) -> bool:
        """`openssl s_client … < file`: what is read there goes to the other machine."""
        texts = [getattr(word.parts[0], "text", "") for word in command.words[:2] if word.parts]
        inputs = [redirect.target.parts for redirect in command.redirects if redirect.operator == "<"]
        files = [part for parts in inputs for part in parts if getattr(part, "text", UNKNOWN) != "/dev/null"]
        return texts == ["openssl", "s_client"] and bool(files)

    def _outputs(self, words: list[Word]) -> None:
        """Commands substituted into words run whatever becomes of the words."""
        for word in words:
            for part in word.parts:
                if isinstance(part, Output):
                    self.pipelines(part.body)
                elif isinstance(part, Parameter) and part.default is not None:
                    self._outputs([part.default])

    def start(self, fields: Fields, *, piped: bool, feed: str | None) -> None:
        """Read a program with its arguments."""
        self._started += 1
        self._wrapped += 1
        if self._started > _MAX_STARTED or self._wrapped > _MAX_WRAPPED:
            raise Unreadable("too_complex")
        if fields:
            self._start(fields[0], fields[1:], piped, feed)
        self._wrapped -= 1

    def _start(self, program: Argument, args: Fields, piped: bool, feed: str | None) -> None:
        name = self._name(program)
        if name is None:
            return
        if name in self.functions:
            if name in self._within:
                # A function that calls itself: a bomb, unless somebody looks.
                self.findings.note("run unknown", "destructive unknown_code")
            return
        if name not in KNOWN:
            self.findings.unknown()
        if name in ("cd", "pushd") and any(UNKNOWN in arg.text or paths.is_system(arg.text) for arg in args):
            self.here = False
        self.findings.resources.update(found for arg in args if (found := paths.resource(arg.text)))
        if name not in CREDENTIALS_UNREAD and any(paths.holds_credentials(arg) for arg in args):
            self.findings.note("read", "credential_read")
        meaning_of(Call(name, args, self, piped, feed))

    def _name(self, program: Argument) -> str | None:
        """A program's own name; None, and noted, if it is not known which one runs or what is in it."""
        if not program.known and program.text != "[":
            self.findings.unknown()
            return None
        folder, name = posixpath.split(program.text)
        if not folder or paths.normal(folder) in _PROGRAM_FOLDERS:
            return name
        if folder in ("/etc/init.d", "/etc/rc.d/init.d"):
            return "service"
        if folder == "." and name in ("gradlew", "mvnw"):
            return name
        if name in KNOWN and _TOOL_FOLDERS.fullmatch(folder):
            # The project's own copy of a tool.
            return name
        self.findings.unknown("unknown_code")
        return None

    # Redirections

    def _redirects(self, redirects: list[Redirect], *, empty: bool) -> str | None:
        """Note what is read and written; gives the text of a here-document."""
        feed: str | None = None
        for redirect in redirects:
            self._outputs([redirect.target])
            for fields in self.variables.expand(redirect.target):
                text = "".join(field.text for field in fields)
                if redirect.operator in ("<<", "<<-", "<<<"):
                    feed = "".join(
                        part.text if not isinstance(part, Parameter | Output) else UNKNOWN
                        for part in redirect.target.parts
                    )
                else:
                    self._redirect(
                        redirect.operator, Argument(text, any(f.glob for f in fields)), empty=empty
                    )
        return feed

    def _redirect(self, operator: str, target: Argument, *, empty: bool) -> None:
        if paths.is_network(target.text) and operator == "<" and empty:
            # Nothing is sent, and nobody reads: whether a port is open.
            self.findings.note("read")
        elif paths.is_network(target.text):
            self.findings.note("run", "network untrusted_code")
        elif operator in ("<", "<&"):
            if paths.holds_credentials(target):
                self.findings.note("read", "credential_read")
        else:
            appends = operator in (">>", "&>>")
            files.written(self.findings, target, truncated=not appends, emptied=empty and not appends)


def all_commands(body: list[Pipeline]) -> Iterator[Command]:
    """Every command of a tree, outermost first and in order of the text."""
    stack: list[Command] = [command for pipeline in reversed(body) for command in reversed(pipeline.commands)]
    while stack:
        command = stack.pop()
        yield command
        inner: list[Pipeline] = []
        if isinstance(command, Function):
            stack.append(command.body)
            continue
        for word in _words_of(command):
            inner += [pipeline for part in word.parts if isinstance(part, Output) for pipeline in part.body]
        if isinstance(command, Group):
            inner += command.body
        stack += [one for pipeline in reversed(inner) for one in reversed(pipeline.commands)]


def _words_of(command: Simple | Group) -> list[Word]:
    bound = command.assignments if isinstance(command, Simple) else command.bindings
    values = [value for assignment in bound for value in assignment.values]
    return [*command.words, *values, *(redirect.target for redirect in command.redirects)]


def _read_names(words: list[Word]) -> list[str]:
    """Variables that `read`, `printf -v` and the like set to what is not in the text."""
    texts = ["".join(getattr(part, "text", UNKNOWN) for part in word.parts) for word in words]
    if texts[0] in ("read", "mapfile", "readarray", "getopts", "printf", "select", "let", "unset"):
        return [text for text in texts[1:] if text.isidentifier()]
    return []


def _is_plain_path(value: str) -> bool:
    """Whether a search path leads to folders of the system only."""
    return all(
        part in (UNKNOWN, "/usr/games", "/usr/local/games")
        or part in _PROGRAM_FOLDERS
        or part.startswith("/usr/lib/")
        for part in value.split(":")
    )


def _prints_nothing(command: Simple) -> bool:
    """Whether a redirection of the command's output only empties the file."""
    if not command.words:
        return True
    texts = ["".join(getattr(part, "text", UNKNOWN) for part in word.parts) for word in command.words]
    return texts in (
        [":"],
        ["true"],
        ["cat", "/dev/null"],
        ["echo", "-n"],
        ["printf", ""],
        ["echo", "-n", ""],
    )


def _printed(fields: Fields, feed: str | None) -> str | None:
    """What echo, printf and cat hand on, if that stands in the text."""
    texts = [field.text for field in fields]
    if not texts or not all(field.known for field in fields):
        return None
    if texts[0] == "echo":
        return " ".join(text for text in texts[1:] if text not in ("-n", "-e"))
    if texts[0] == "printf" and len(texts) == 2 and "%" not in texts[1]:
        return texts[1].replace("\\n", "\n")
    if texts[0] == "printf" and len(texts) == 3 and texts[1] in ("%s", "%s\\n"):
        return texts[2]
    return feed if texts == ["cat"] else None
