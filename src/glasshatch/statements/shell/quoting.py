"""Reads words: quotes, escapes, expansions, substitutions (POSIX XCU 2.2, 2.6 and bash's additions)."""

from __future__ import annotations

import re

from ..registry import Unreadable
from .tree import Output, Parameter, Part, Pipeline, Text, Word

MAX_DEPTH = 40
MAX_WORDS = 20_000
MAX_PARTS = 500

_PLAIN = re.compile(r"""[^\s;&|()<>\\'"$`@?*+!\[\]{}~,]++""")
_PLAIN_QUOTED = re.compile(r"""[^\\"$`]++""")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]")
_BRACED = re.compile(r"([!#]?)([A-Za-z_]\w*|[0-9]+|[@*#?$!-])(\[[^\]\n]*\])?")
_DEFAULT = re.compile(r":?[-=+?]")
_ANSI = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_ANSI_CONTROL = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}
_ANSI_STRING = re.compile(r"(?:[^'\\]++|\\.)*+'", re.DOTALL)
_ENDS = frozenset(" \t\n\r;&|()<>")


class Quoting:
    """The part of the parser that reads words; `script` is the part that reads commands."""

    def __init__(self, text: str, start: int = 0, end: int | None = None, depth: int = 0) -> None:
        self.text = text
        self.at = start
        self.end = len(text) if end is None else end
        self.depth = depth
        self.words: list[Word] = []
        self.hidden: list[tuple[int, int]] = []

    def commands_until(self, close: str) -> list[Pipeline]:
        """Read commands up to a closing bracket, which is taken."""
        raise NotImplementedError

    def nested(self, text: str) -> list[Pipeline]:
        """Read commands in a text of their own."""
        raise NotImplementedError

    # Where we are

    def peek(self, size: int = 1) -> str:
        return self.text[self.at : min(self.at + size, self.end)]

    def looking_at(self, wanted: str) -> bool:
        return self.peek(len(wanted)) == wanted

    def fail(self) -> Unreadable:
        return Unreadable("unknown_syntax")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("too_complex")

    # Words

    def word(self) -> Word:
        """The word that begins here; it is never empty."""
        start, parts = self.at, list[Part]()
        while self.at < self.end:
            if self.text[self.at] in _ENDS and not self._is_inside_word():
                break
            self._part(parts)
        if self.at == start:
            raise self.fail()
        word = Word(merged(parts), start, self.at)
        self.words.append(word)
        if len(self.words) > MAX_WORDS:
            raise Unreadable("too_complex")
        return word

    def _is_inside_word(self) -> bool:
        """`<(` and `>(` are words."""
        return self.text[self.at] in "<>" and self.peek(2) in ("<(", ">(")

    def _part(self, parts: list[Part]) -> None:
        plain = _PLAIN.match(self.text, self.at, self.end)
        if plain is not None:
            self.at = plain.end()
            parts.append(Text(plain.group(), False))
            return
        sign = self.text[self.at]
        if sign == "\\":
            self._escape(parts)
        elif sign == "'":
            self._single(parts)
        elif sign == '"':
            self.at += 1
            parts += self.quoted_parts('"')
        elif sign in "$`":
            self.dollar(parts, quoted=False)
        elif sign in "<>":
            self.at += 2
            parts.append(Output(self._within(")"), True))
        elif sign in "@?*+!" and self.peek(2)[1:] == "(":
            self._pattern(parts)
        else:
            self.at += 1
            parts.append(Text(sign, False))

    def _escape(self, parts: list[Part]) -> None:
        follow = self.peek(2)[1:]
        self.at += 1 + len(follow)
        if follow == "\n":
            return
        if not follow:
            raise self.fail()
        parts.append(Text(follow, True))

    def _single(self, parts: list[Part]) -> None:
        close = self.text.find("'", self.at + 1, self.end)
        if close < 0:
            raise self.fail()
        parts.append(Text(self.text[self.at + 1 : close], True))
        self.at = close + 1

    def _pattern(self, parts: list[Part]) -> None:
        """An extended pattern, `@(a|b)`: which names it means is not known here."""
        level, start = 0, self.at
        while self.at < self.end:
            level += {"(": 1, ")": -1}.get(self.text[self.at], 0)
            if self.text[self.at] in "$`'\"\\":
                raise self.fail()
            self.at += 1
            if level == 0 and self.at > start + 1:
                parts.append(Text("*", False))
                return
        raise self.fail()

    def quoted_parts(self, close: str) -> list[Part]:
        """What stands in double quotes, or up to the end of the range if `close` is empty."""
        parts: list[Part] = []
        while self.at < self.end:
            plain = _PLAIN_QUOTED.match(self.text, self.at, self.end)
            if plain is not None:
                self.at = plain.end()
                parts.append(Text(plain.group(), True))
                continue
            sign = self.text[self.at]
            if sign == '"':
                self.at += 1
                if close:
                    return [*parts, Text("", True)]
                parts.append(Text(sign, True))
            elif sign == "\\":
                self._quoted_escape(parts)
            else:
                self.dollar(parts, quoted=True)
        if close:
            raise self.fail()
        return parts

    def _quoted_escape(self, parts: list[Part]) -> None:
        follow = self.peek(2)[1:]
        self.at += 1 + len(follow)
        if follow == "\n":
            return
        kept = follow if follow in ('"', "\\", "$", "`") and follow else "\\" + follow
        parts.append(Text(kept, True))

    # Expansions

    def dollar(self, parts: list[Part], *, quoted: bool) -> None:
        """What begins with a dollar sign or a backtick."""
        if self.text[self.at] == "`":
            parts.append(self._backticks(quoted))
        elif self.looking_at("$'") and not quoted:
            self.at += 2
            parts.append(Text(self._ansi(), True))
        elif self.looking_at('$"') and not quoted:
            self.at += 2
            parts += self.quoted_parts('"')
        elif self.looking_at("$((") and (close := arithmetic_end(self.text, self.at + 3, self.end)) >= 0:
            parts.append(self._arithmetic(self.at + 3, close, quoted))
        elif self.looking_at("$("):
            self.at += 2
            parts.append(Output(self._within(")"), quoted))
        elif self.looking_at("${"):
            self.at += 2
            parts.append(self._braced(quoted))
        else:
            self._named(parts, quoted)

    def _named(self, parts: list[Part], quoted: bool) -> None:
        name = _NAME.match(self.text, self.at + 1, self.end)
        if name is None:
            self.at += 1
            parts.append(Text("$", quoted))
            return
        self.at = name.end()
        parts.append(Parameter(name.group(), quoted))

    def _within(self, close: str) -> list[Pipeline]:
        self.deeper()
        body = self.commands_until(close)
        self.depth -= 1
        return body

    def _backticks(self, quoted: bool) -> Output:
        """Within backticks a backslash escapes `$`, a backtick and itself (2.6.3)."""
        self.at += 1
        inner: list[str] = []
        while self.at < self.end and self.text[self.at] != "`":
            if self.text[self.at] == "\\" and self.peek(2)[1:] in ("$", "`", "\\"):
                self.at += 1
            inner.append(self.text[self.at : self.at + 1])
            self.at += 1
        if self.at >= self.end:
            raise self.fail()
        self.at += 1
        self.deeper()
        body = self.nested("".join(inner))
        self.depth -= 1
        return Output(body, quoted)

    def _arithmetic(self, start: int, close: int, quoted: bool) -> Output:
        """Arithmetic, of which only the commands within matter."""
        body = self.outputs_between(start, close)
        self.at = close + 2
        return Output(body, quoted)

    def outputs_between(self, start: int, close: int) -> list[Pipeline]:
        """The commands substituted anywhere in a range that is otherwise data."""
        end, self.end, self.at = self.end, close, start
        self.deeper()
        parts = self.quoted_parts("")
        self.depth -= 1
        self.end = end
        return [pipeline for part in parts if isinstance(part, Output) for pipeline in part.body]

    def _braced(self, quoted: bool) -> Part:
        """`${name}` with or without an operation; what an operation gives is not known."""
        found = _BRACED.match(self.text, self.at, self.end)
        if found is None:
            raise self.fail()
        self.at = found.end()
        plain = not found[1] and not found[3]
        if self.looking_at("}"):
            self.at += 1
            return Parameter(found[2], quoted, plain)
        operation = _DEFAULT.match(self.text, self.at, self.end)
        if operation is not None:
            self.at = operation.end()
        self.deeper()
        rest = self._braced_rest()
        self.depth -= 1
        return Parameter(found[2], quoted, plain and operation is not None, rest)

    def _braced_rest(self) -> Word:
        start, parts = self.at, list[Part]()
        while self.at < self.end and self.text[self.at] != "}":
            sign = self.text[self.at]
            if sign == "\\":
                self._escape(parts)
            elif sign == '"':
                self.at += 1
                parts += self.quoted_parts('"')
            elif sign == "'":
                self._single(parts)
            elif sign in "$`":
                self.dollar(parts, quoted=False)
            else:
                self.at += 1
                parts.append(Text(sign, False))
        if self.at >= self.end:
            raise self.fail()
        self.at += 1
        return Word(parts, start, self.at - 1)

    def _ansi(self) -> str:
        found = _ANSI_STRING.match(self.text, self.at, self.end)
        if found is None:
            raise self.fail()
        self.at = found.end()
        return _ANSI.sub(_ansi_character, found.group()[:-1]).split("\0")[0]


def _ansi_character(found: re.Match[str]) -> str:
    number = found[1] or found[2] or found[3]
    if number:
        code = int(number, 16)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    if found[4]:
        return chr(int(found[4], 8) & 0xFF)
    if found[5]:
        return chr(ord(found[5][0]) & 0x1F)
    return _ANSI_CONTROL.get(found[6], found[6] if found[6] in "\\'\"?" else "\\" + found[6])


def merged(parts: list[Part]) -> list[Part]:
    """The parts with neighbouring characters in one; a word of very many others is too complex."""
    found: list[Part] = []
    texts: list[str] = []
    for index, part in enumerate(parts):
        if not isinstance(part, Text):
            found.append(part)
            continue
        texts.append(part.text)
        follows = parts[index + 1] if index + 1 < len(parts) else None
        if not isinstance(follows, Text) or follows.quoted != part.quoted:
            found.append(Text("".join(texts), part.quoted))
            texts = []
    if len(found) > MAX_PARTS:
        raise Unreadable("too_complex")
    return found


def arithmetic_end(text: str, start: int, end: int) -> int:
    """Where the `))` of arithmetic begins; -1 if the brackets are those of commands after all."""
    level = 0
    for at in range(start, end):
        if text[at] == "(":
            level += 1
        elif text[at] == ")":
            if level == 0:
                return at if text[at : at + 2] == "))" and at + 1 < end else -1
            level -= 1
    return -1
