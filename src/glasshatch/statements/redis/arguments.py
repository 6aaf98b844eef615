"""Takes a text apart into commands and arguments: RESP arrays, or lines in redis-cli's quoting."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..registry import Unreadable


class Word(NamedTuple):
    """One argument as the server gets it, and where it stands in the text."""

    value: str
    start: int
    end: int


Command = list[Word]

_MAX_LINES = 10_000
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}
# An argument is a run of plain characters and of quoted pieces; a quote closes at white space only.
_WORD = re.compile(
    r"""(?P<double>"(?P<escaped>(?:[^"\\]++|\\.)*+)"(?=\s|$))
    |(?P<single>'(?P<literal>(?:[^'\\]++|\\.)*+)'(?=\s|$))
    |(?P<plain>[^\s"']++)""",
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s++")


def read_commands(text: str) -> list[Command]:
    """The commands of a text in order; raises `Unreadable` where the server would see something else."""
    if text.lstrip().startswith("*") and re.match(r"\s*\*\d+\r?\n", text):
        return _arrays(text)
    commands, start = [], 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        commands += _several(_line(text, start, start + len(line)))
        start += len(line)
        if len(commands) > _MAX_LINES:
            raise Unreadable("too_complex")
    return commands


def _several(words: Command) -> list[Command]:
    """A server knows no semicolons, but whoever types one means two commands."""
    found: list[Command] = [[]]
    for word in words:
        ends = word.value.endswith(";") and word.end - word.start == len(word.value)
        if word.value.strip(";") or not ends:
            found[-1].append(word._replace(value=word.value.rstrip(";")) if ends else word)
        if ends:
            found.append([])
    return [command for command in found if command]


def _line(text: str, start: int, end: int) -> Command:
    """One line of redis-cli; a leading number, which repeats the command, is left out."""
    words: Command = []
    position = start
    while position < end:
        space = _SPACE.match(text, position, end)
        if space is not None:
            position = space.end()
            continue
        word, position = _argument(text, position, end)
        words.append(word)
    if len(words) > 1 and words[0].value.isdigit():
        return words[1:]
    return words


def _argument(text: str, start: int, end: int) -> tuple[Word, int]:
    parts, position = [], start
    while position < end and not _SPACE.match(text, position, end):
        found = _WORD.match(text, position, end)
        if found is None:
            raise Unreadable("unknown_syntax")
        if found["double"] is not None:
            parts.append(_ESCAPE.sub(_unescaped, found["escaped"]))
        elif found["single"] is not None:
            parts.append(found["literal"].replace("\\'", "'"))
        else:
            parts.append(found["plain"])
        position = found.end()
    return Word("".join(parts), start, position), position


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _CONTROL.get(found[2], found[2])


def _arrays(text: str) -> list[Command]:
    """RESP: `*2`, then for each argument `$length` and its bytes; several arrays are a pipeline."""
    data = text.encode()
    offsets = None if len(data) == len(text) else _characters(text)
    commands: list[Command] = []
    position = 0
    while position < len(data):
        if data[position] in b"\r\n ":
            position += 1
            continue
        count, position = _header(data, position, b"*")
        command: Command = []
        for _ in range(count):
            length, position = _header(data, position, b"$")
            end = position + length
            if end > len(data):
                raise Unreadable("unknown_syntax")
            at = (position, end) if offsets is None else (offsets[position], offsets[end])
            command.append(Word(data[position:end].decode(errors="replace"), *at))
            position = _line_end(data, end)
        if command:
            commands.append(command)
    return commands


def _header(data: bytes, position: int, mark: bytes) -> tuple[int, int]:
    """The number after a mark, and where the line after it begins."""
    found = re.compile(re.escape(mark) + rb"(\d{1,9})\r?\n").match(data, position)
    if found is None:
        raise Unreadable("unknown_syntax")
    return int(found[1]), found.end()


def _line_end(data: bytes, position: int) -> int:
    if data[position : position + 2] == b"\r\n":
        return position + 2
    if data[position : position + 1] == b"\n" or position == len(data):
        return position + 1
    raise Unreadable("unknown_syntax")


def _characters(text: str) -> list[int]:
    """For each byte offset, the character it belongs to."""
    offsets = []
    for index, character in enumerate(text):
        offsets += [index] * len(character.encode())
    return [*offsets, len(text)]
