"""The tree of a shell text: words made of parts, commands made of words, pipelines of commands."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Text:
    """Characters as they are; unquoted ones may be patterns and braces."""

    text: str
    quoted: bool


@dataclass(slots=True)
class Parameter:
    """`$name` or `${name…}`: `default` is the word after `:-` and the like; `plain` if nothing alters it."""

    name: str
    quoted: bool
    plain: bool = True
    default: Word | None = None


@dataclass(slots=True)
class Output:
    """What commands print: `$(…)`, backticks, `<(…)`; arithmetic too, with the commands inside it."""

    body: list[Pipeline]
    quoted: bool


Part = Text | Parameter | Output


@dataclass(slots=True)
class Word:
    """One word and where it stands."""

    parts: list[Part]
    start: int
    end: int


@dataclass(slots=True)
class Redirect:
    """`>` and its kin. For a here-document the word is its body."""

    operator: str
    target: Word


@dataclass(slots=True)
class Assignment:
    """`name=value`, `name+=value`, `name=(values)`."""

    name: str
    values: list[Word]
    append: bool = False
    array: bool = False


@dataclass(slots=True)
class Simple:
    """A command with its words."""

    assignments: list[Assignment] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """Any compound command: all that may run within it, in order of the text, whatever the conditions say."""

    body: list[Pipeline] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    bindings: list[Assignment] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """A definition; its body counts as if it ran."""

    name: str
    body: Command


Command = Simple | Group | Function


@dataclass(slots=True)
class Pipeline:
    """Commands of which each reads what the one before prints."""

    commands: list[Command]


@dataclass(slots=True)
class Script:
    """A whole text: its pipelines, and the places of all words, values and comments in it."""

    body: list[Pipeline]
    words: list[Word]
    hidden: list[tuple[int, int]]
    comments: list[tuple[int, int]]
