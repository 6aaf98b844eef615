"""Reads commands: lists, pipelines, compounds, functions and here-documents (POSIX XCU 2.7 to 2.10)."""

from __future__ import annotations

import re

from ..words import words
from .quoting import arithmetic_end
from .simple import FUNCTION, SimpleCommands
from .tree import (
    Assignment,
    Command,
    Function,
    Group,
    Pipeline,
    Script,
    Text,
    Word,
)

_RESERVED = re.compile(r"(?:[A-Za-z]+|\[\[|[{}!])(?=[\s;&|()<>]|$)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_CLOSING = words("then else elif fi do done esac }")


def parse(text: str, depth: int = 0) -> Script:
    """The tree of a text; raises `Unreadable` where a shell would see an error, or beyond the caps."""
    parser = Parser(text, depth=depth)
    body = parser.commands_until("")
    return Script(body, parser.words, parser.hidden, parser.comments)


class Parser(SimpleCommands):
    """A reader of one text, without going back except over a few characters."""

    def nested(self, text: str) -> list[Pipeline]:
        return parse(text, self.depth).body

    # Lists

    def commands_until(self, close: str) -> list[Pipeline]:
        body = self._list()
        if close:
            if not self.looking_at(close):
                raise self.fail()
            self.at += len(close)
        elif self.at < self.end:
            raise self.fail()
        return body

    def _list(self) -> list[Pipeline]:
        """Pipelines up to a closing bracket, `;;` or a closing reserved word, which are left standing."""
        body: list[Pipeline] = []
        while True:
            self.gap()
            if self.at >= self.end or self.peek() == ")" or self.peek(2) in (";;", ";&"):
                return body
            if self._reserved() in _CLOSING:
                return body
            body.append(self._pipeline())
            self.blank()
            if not self._separator():
                return body

    def _separator(self) -> bool:
        """Take what divides pipelines; False at the end of the list."""
        if self.peek(2) in (";;", ";&"):
            return False
        if self.peek(2) in ("&&", "||"):
            self.at += 2
            return True
        if self.peek() in (";", "&"):
            self.at += 1
            return True
        return self.peek() == "\n"

    def _pipeline(self) -> Pipeline:
        while (found := self._reserved()) in ("!", "time", "coproc"):
            self.at += len(found)
            self.blank()
            if found == "time" and self.looking_at("-p"):
                self.at += 2
                self.blank()
        commands = [self._command()]
        self.blank()
        while self.peek() == "|" and self.peek(2) != "||":
            self.at += 2 if self.peek(2) == "|&" else 1
            self.gap()
            commands.append(self._command())
            self.blank()
        return Pipeline(commands)

    def _reserved(self) -> str:
        found = _RESERVED.match(self.text, self.at, self.end)
        return found.group() if found is not None else ""

    # Commands

    def _command(self) -> Command:
        self.deeper()
        command = self._compound() or self.simple()
        self.depth -= 1
        return command

    def _compound(self) -> Command | None:
        word = self._reserved()
        if self.looking_at("(("):
            close = arithmetic_end(self.text, self.at + 2, self.end)
            if close >= 0:
                return self._arithmetic_command(close)
        if self.peek() == "(":
            self.at += 1
            return self._redirected(Group(self.commands_until(")")))
        reader = {
            "{": self._braces,
            "if": self._if,
            "while": self._loop,
            "until": self._loop,
            "for": self._for,
            "select": self._for,
            "case": self._case,
            "[[": self._test,
            "function": self._function,
        }.get(word)
        if reader is None:
            return None
        self.at += len(word)
        command = reader()
        return self._redirected(command) if isinstance(command, Group) else command

    def _arithmetic_command(self, close: int) -> Command:
        self.hidden.append((self.at, close + 2))
        group = Group(self.outputs_between(self.at + 2, close))
        self.at = close + 2
        return self._redirected(group)

    def _redirected(self, group: Group) -> Group:
        self.blank()
        while (redirect := self.redirect()) is not None:
            group.redirects.append(redirect)
            self.blank()
        return group

    def _expect(self, word: str) -> None:
        self.gap()
        if self._reserved() != word:
            raise self.fail()
        self.at += len(word)

    def _braces(self) -> Group:
        body = self._list()
        self._expect("}")
        return Group(body)

    def _if(self) -> Group:
        body = self._list()
        self._expect("then")
        body += self._list()
        while (word := self._reserved()) in ("elif", "else"):
            self.at += len(word)
            body += self._list()
            if word == "elif":
                self._expect("then")
                body += self._list()
        self._expect("fi")
        return Group(body)

    def _loop(self) -> Group:
        body = self._list()
        return Group(body + self._do())

    def _do(self) -> list[Pipeline]:
        self._expect("do")
        body = self._list()
        self._expect("done")
        return body

    def _for(self) -> Group:
        self.blank()
        if self.looking_at("(("):
            close = arithmetic_end(self.text, self.at + 2, self.end)
            if close < 0:
                raise self.fail()
            body = self._arithmetic_command(close)
            self._skip_semicolon()
            return Group([*(body.body if isinstance(body, Group) else []), *self._do()])
        name = _NAME.match(self.text, self.at, self.end)
        if name is None:
            raise self.fail()
        self.at = name.end()
        self.gap()
        values: list[Word] = []
        if self._reserved() == "in":
            self.at += 2
            values = self._words()
        self._skip_semicolon()
        return Group(self._do(), words=values, bindings=[Assignment(name.group(), values)])

    def _skip_semicolon(self) -> None:
        self.blank()
        if self.peek() == ";":
            self.at += 1

    def _words(self) -> list[Word]:
        found: list[Word] = []
        self.blank()
        while self.at < self.end and self.peek() not in ("\n", ";", "&", "|", ")"):
            found.append(self.word())
            self.blank()
        return found

    def _case(self) -> Group:
        self.blank()
        group = Group(words=[self.word()])
        self._expect("in")
        while True:
            self.gap()
            if self._reserved() == "esac":
                self.at += 4
                return group
            self._case_patterns(group)
            group.body += self._list()
            self.gap()
            if self.peek(2) in (";;", ";&"):
                self.at += 3 if self.looking_at(";;&") else 2

    def _case_patterns(self, group: Group) -> None:
        if self.peek() == "(":
            self.at += 1
        while True:
            self.blank()
            group.words.append(self.word())
            self.blank()
            sign = self.peek()
            self.at += 1
            if sign == ")":
                return
            if sign != "|":
                raise self.fail()

    def _test(self) -> Group:
        """`[[ … ]]`: only what is expanded within can do anything."""
        start, group = self.at, Group()
        while True:
            self.gap()
            if self.at >= self.end:
                raise self.fail()
            if self._reserved_end_of_test():
                self.at += 2
                self.hidden.append((start, self.at - 2))
                return group
            if self.peek() in ("<", ">", "&", "|", "(", ")", ";"):
                self.at += 1
            else:
                group.words.append(self.word())

    def _reserved_end_of_test(self) -> bool:
        return self.looking_at("]]") and (self.peek(3)[2:] in ("", " ", "\t", "\n", ";", "&", "|", ")"))

    def _function(self) -> Command:
        self.blank()
        word = self.word()
        found = FUNCTION.match(self.text, self.at, self.end)
        if found is not None:
            self.at = found.end()
        return self.function_body(word)

    def function_body(self, word: Word) -> Command:
        self.gap()
        name = "".join(part.text for part in word.parts if isinstance(part, Text))
        return Function(name, self._command())
