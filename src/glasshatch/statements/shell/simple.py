"""Reads simple commands, assignments, redirections and here-documents (POSIX XCU 2.7, 2.9.1)."""

from __future__ import annotations

import re

from ..registry import Unreadable
from .quoting import Quoting
from .tree import Assignment, Command, Redirect, Simple, Text, Word

MAX_ARGUMENTS = 2_000

BLANK = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
COMMENT = re.compile(r"#[^\n]*")
FUNCTION = re.compile(r"[ \t]*\([ \t]*\)")
_REDIRECT = re.compile(r"(?:[0-9]+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<>|<&|>&|>>|>\||&>>|&>|<(?!\()|>(?!\())")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[[^\]\n]*\])?(\+?)=")
DECLARING = frozenset(("export", "declare", "typeset", "local", "readonly"))


class SimpleCommands(Quoting):
    """The part of the parser for what is not compound."""

    def __init__(self, text: str, start: int = 0, end: int | None = None, depth: int = 0) -> None:
        super().__init__(text, start, end, depth)
        self.comments: list[tuple[int, int]] = []
        self._bodies: list[tuple[Redirect, str, bool, bool]] = []

    def function_body(self, word: Word) -> Command:
        """Read the command that is the body of a function of that name."""
        raise NotImplementedError

    # White space

    def blank(self) -> None:
        blank = BLANK.match(self.text, self.at, self.end)
        if blank is not None:
            self.at = blank.end()
        comment = COMMENT.match(self.text, self.at, self.end)
        if comment is not None:
            self.comments.append(comment.span())
            self.at = comment.end()

    def gap(self) -> None:
        """White space, comments and line ends, with the here-documents that begin after a line."""
        while True:
            self.blank()
            if self.peek() != "\n":
                return
            self.at += 1
            self._here_documents()

    # Simple commands

    def simple(self) -> Command:
        command = Simple()
        while True:
            self.blank()
            if self.at >= self.end or self.peek() in ("\n", ";", "|", ")"):
                break
            if (redirect := self.redirect()) is not None:
                command.redirects.append(redirect)
            elif self.peek() == "&":
                break
            elif self.peek() == "(":
                if len(command.words) != 1 or not (found := FUNCTION.match(self.text, self.at, self.end)):
                    raise self.fail()
                self.at = found.end()
                return self.function_body(command.words[0])
            elif self._takes_assignment(command) and (assignment := self._assignment()) is not None:
                command.assignments.append(assignment)
            else:
                command.words.append(self.word())
        if len(command.words) > MAX_ARGUMENTS:
            raise Unreadable("too_complex")
        if not (command.words or command.assignments or command.redirects):
            raise self.fail()
        return command

    def _takes_assignment(self, command: Simple) -> bool:
        """Before the command's name, or as an argument of `export` and its kin."""
        if not command.words:
            return True
        first = command.words[0].parts
        return len(first) == 1 and isinstance(first[0], Text) and first[0].text in DECLARING

    def _assignment(self) -> Assignment | None:
        found = _ASSIGNMENT.match(self.text, self.at, self.end)
        if found is None:
            return None
        if found[2] and ("$(" in found[2] or "`" in found[2]):
            # A subscript is arithmetic, and runs what is substituted in it.
            raise self.fail()
        self.at = found.end()
        append = bool(found[3])
        if self.peek() == "(":
            self.at += 1
            return Assignment(found[1], self._array(), append, array=True)
        if self.at >= self.end or self.text[self.at] in " \t\r\n;&|)<>":
            return Assignment(found[1], [Word([Text("", True)], self.at, self.at)], append)
        return Assignment(found[1], [self.word()], append, array=bool(found[2]))

    def _array(self) -> list[Word]:
        values: list[Word] = []
        while True:
            self.gap()
            if self.peek() == ")":
                self.at += 1
                return values
            values.append(self.word())

    # Redirections

    def redirect(self) -> Redirect | None:
        found = _REDIRECT.match(self.text, self.at, self.end)
        if found is None:
            return None
        self.at = found.end()
        blank = BLANK.match(self.text, self.at, self.end)
        self.at = blank.end() if blank is not None else self.at
        target = self.word()
        redirect = Redirect(found[1], target)
        if found[1] in ("<<", "<<-"):
            delimiter = "".join(part.text for part in target.parts if isinstance(part, Text))
            quoted = any(part.quoted for part in target.parts)
            self._bodies.append((redirect, delimiter, quoted, found[1] == "<<-"))
        return redirect

    def _here_documents(self) -> None:
        """Read the bodies that begin on this line; one that does not end goes to the end of the text."""
        bodies, self._bodies = self._bodies, []
        for redirect, delimiter, quoted, stripped in bodies:
            start = self.at
            close, self.at = self._end_of_body(start, delimiter, stripped)
            self.hidden.append((start, close))
            after = self.at
            if quoted:
                redirect.target = Word([Text(self.text[start:close], True)], start, close)
            else:
                redirect.target = self._body(start, close)
            self.at = after

    def _body(self, start: int, close: int) -> Word:
        end, self.end, self.at = self.end, close, start
        self.deeper()
        parts = self.quoted_parts("")
        self.depth -= 1
        self.end = end
        return Word(parts, start, close)

    def _end_of_body(self, start: int, delimiter: str, stripped: bool) -> tuple[int, int]:
        """Where the body ends, and where the line after its delimiter begins."""
        at = start
        while at < self.end:
            line_end = self.text.find("\n", at, self.end)
            line_end = self.end if line_end < 0 else line_end
            line = self.text[at:line_end].rstrip("\r")
            if (line.lstrip("\t") if stripped else line) == delimiter:
                return at, line_end
            at = line_end + 1
        return self.end, self.end
