"""A program about to run: its name, its arguments, and what it would read; how its options are looked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..findings import Findings
from .expand import UNKNOWN, Argument, Fields

if TYPE_CHECKING:
    from .walker import Walker

_CLUSTER = re.compile(r"-[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Call:
    """One program with the words it gets.

    Attributes:
        name: The program's name, without its folder.
        args: Its arguments.
        walker: Reads what runs within: a command after a wrapper, a text after `-c`.
        piped: Whether it reads what another program prints.
        feed: What it reads, where the text says so; None if that is not known.
    """

    name: str
    args: Fields
    walker: Walker
    piped: bool = False
    feed: str | None = None

    @property
    def findings(self) -> Findings:
        return self.walker.findings

    @property
    def texts(self) -> list[str]:
        return [arg.text for arg in self.args]

    def note(self, verbs: str, risks: str = "") -> None:
        self.findings.note(verbs, risks)

    def unknown(self, risk: str = "unknown_command") -> None:
        self.findings.unknown(risk)

    def has(self, *flags: str) -> bool:
        """Whether an option is given: `-x`, also within `-axb`, or `--name`, also shortened."""
        return any(_is_flag(text, flag) for text in self.options() for flag in flags)

    def options(self) -> list[str]:
        """The words before `--` that begin with a dash."""
        texts = self.texts
        until = texts.index("--") if "--" in texts else len(texts)
        return [text for text in texts[:until] if text.startswith("-") and text != "-"]

    def operands(self, valued: Iterable[str] = ()) -> Fields:
        """The words that are no options, nor the values of the options named."""
        return operands(self.args, frozenset(valued))

    def value(self, *flags: str) -> Argument | None:
        """The value of an option, attached or following; None if it is not given."""
        return next(iter(self.values(*flags)), None)

    def values(self, *flags: str) -> list[Argument]:
        """The values of an option that may be given several times."""
        found = []
        for index, arg in enumerate(self.args):
            for flag in flags:
                if arg.text == flag and index + 1 < len(self.args):
                    found.append(self.args[index + 1])
                elif flag.startswith("--") and arg.text.startswith(flag + "="):
                    found.append(replace_text(arg, arg.text[len(flag) + 1 :]))
                elif len(flag) == 2 and flag != "--" and arg.text.startswith(flag) and len(arg.text) > 2:
                    found.append(replace_text(arg, arg.text[2:].removeprefix("=")))
        return found

    def run(self, args: Fields, *, piped: bool | None = None) -> None:
        """Read a command that this one starts."""
        inner = self if piped is None else replace(self, piped=piped)
        self.walker.start(args, piped=inner.piped, feed=inner.feed)

    def first(self) -> str:
        """The first argument, or nothing."""
        return self.args[0].text if self.args else ""


Handler = Callable[[Call], None]


def operands(args: Fields, valued: frozenset[str]) -> Fields:
    """Arguments without options; after `--` all are operands."""
    found: Fields = []
    skip = False
    for index, arg in enumerate(args):
        if skip:
            skip = False
        elif arg.text == "--":
            return found + args[index + 1 :]
        elif arg.text in valued:
            skip = True
        elif not arg.text.startswith("-") or arg.text == "-":
            found.append(arg)
    return found


def command_after(args: Fields, valued: str, *, skip: int = 0) -> Fields:
    """What a wrapper runs: the words from its first operand on, `skip` operands left out."""
    takes = frozenset(valued.split())
    at = 0
    while at < len(args):
        text = args[at].text
        if text == "--":
            at += 1
            break
        if text in takes:
            at += 2
            continue
        if not text.startswith("-") or text == "-":
            break
        at += 1
    return args[at + skip :]


def replace_text(argument: Argument, text: str) -> Argument:
    return argument._replace(text=text)


def apart(args: Fields, bare: str) -> Fields:
    """Options written together, apart: `-sSo` is `-s -S -o`, where the letters `bare` take no value."""
    found: Fields = []
    for arg in args:
        if re.fullmatch(f"-[{bare}]+[A-Za-z]", arg.text):
            found += [replace_text(arg, f"-{letter}") for letter in arg.text[1:]]
        else:
            found.append(arg)
    return found


def unknown_argument() -> Argument:
    return Argument(UNKNOWN)


def _is_flag(text: str, flag: str) -> bool:
    if flag.startswith("--"):
        name = text.split("=", 1)[0]
        return name == flag or (len(name) > 4 and flag.startswith(name) and name.startswith("--"))
    if len(flag) == 2:
        return (
            text == flag or (_CLUSTER.fullmatch(text) is not None and flag[1] in text[1:])
        ) and not text.startswith("--")
    return text == flag or text.startswith(flag + "=")
