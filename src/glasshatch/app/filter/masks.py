"""What the filter writes for each line: the line redacted, or what was found in it and where.

Nothing of a line that could not be scanned or read is ever written; `[UNSCANNED]` stands for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ...masking import UNSCANNED, Finding, Redactor
from .choices import Choices
from .keylines import KeyLines

_PRIVATE_KEY = "private-key"
_TOO_LONG = "longer than 16 MiB"


class Problem(msgspec.Struct, frozen=True):
    """A line, counted from 0, that was replaced because it could not be read, and why."""

    line: int
    reason: str


class _Found(msgspec.Struct, frozen=True):
    """A finding as `--findings` prints it: character offsets in the line or its `text`."""

    start: int
    end: int
    type: str
    confidence: float
    detector: str


class _Line(msgspec.Struct, frozen=True):
    line: int
    findings: list[_Found]


class _Read(msgspec.Struct, frozen=True):
    """A line as read: the text to scan, and the members around it if the line was JSON."""

    text: str
    members: dict[str, Any] | None = None


class LineFilter:
    """Filters batches of lines, in the order they come. For one thread."""

    def __init__(
        self,
        redactor: Redactor,
        choices: Choices,
        *,
        json: bool = False,
        findings: bool = False,
    ) -> None:
        self._redactor = redactor
        self._stand_ins = {
            detector.name: choices.stand_in(detector, redactor.tokens)
            for detector in redactor.engine.detectors
        }
        self._json = json
        self._findings = findings
        self._encoder = msgspec.json.Encoder()
        keys = [one for one in redactor.engine.detectors if one.name == _PRIVATE_KEY]
        self._keys = KeyLines(keys[0]) if keys and not json else None
        self.lines = 0
        self.problems: list[Problem] = []

    def feed(self, lines: Sequence[bytes | None]) -> bytes:
        """What is to be written for whole lines, with a line feed between each two."""
        first = self.lines
        self.lines += len(lines)
        read = [self._read(first + place, line) for place, line in enumerate(lines)]
        found = self._redactor.findings(["" if one is None else one.text for one in read])
        if self._keys is not None:
            found = [self._of_key(one, hits) for one, hits in zip(read, found, strict=True)]
        write = self._report if self._findings else self._redact
        return b"\n".join(
            write(first + place, one, None if one is None else hits)
            for place, (one, hits) in enumerate(zip(read, found, strict=True))
        )

    def _of_key(self, read: _Read | None, found: list[Finding] | None) -> list[Finding] | None:
        line = None if read is None or self._keys is None else self._keys.finding(read.text)
        return found if line is None else [line]

    def _read(self, number: int, line: bytes | None) -> _Read | None:
        if line is None:
            self.problems.append(Problem(number, _TOO_LONG))
            return None
        if not self._json:
            # Bytes that are no UTF-8 come out as they went in, and count as one character each.
            return _Read(line.decode("utf-8", "surrogateescape"))
        members = _members(line)
        if isinstance(members, str):
            self.problems.append(Problem(number, members))
            return None
        return _Read(members["text"], members)

    def _report(self, number: int, read: _Read | None, found: list[Finding] | None) -> bytes:
        if found is None:
            length = 0 if read is None else len(read.text)
            shown = [_Found(0, length, "UNSCANNED", 1.0, "unscanned")]
        else:
            shown = [
                _Found(one.start, one.end, one.type, one.confidence, one.detector)
                for one in found
                if self._stand_ins[one.detector] is not None
            ]
        return self._encoder.encode(_Line(number, shown))

    def _redact(self, _number: int, read: _Read | None, found: list[Finding] | None) -> bytes:
        text = UNSCANNED if read is None or found is None else self._splice(read.text, found)
        if not self._json:
            return text.encode("utf-8", "surrogateescape")
        return self._with_text({} if read is None else read.members or {}, text)

    def _splice(self, text: str, found: Sequence[Finding]) -> str:
        if not found:
            return text
        return "".join(self._pieces(text, found))

    def _pieces(self, text: str, found: Sequence[Finding]) -> Iterator[str]:
        done = 0
        for one in found:
            stand_in = self._stand_ins[one.detector]
            if stand_in is not None:
                yield text[done : one.start]
                yield stand_in(one.value)
                done = one.end
        yield text[done:]

    def _with_text(self, members: dict[str, Any], text: str) -> bytes:
        try:
            return self._encoder.encode({**members, "text": text})
        except UnicodeEncodeError:
            return json.dumps({**members, "text": text}).encode()


def _members(line: bytes) -> dict[str, Any] | str:
    """The members of a JSON line, all but `text` as they are written; or what is wrong with it."""
    try:
        members = _decoded(line)
    except (ValueError, RecursionError):
        return "not a JSON object"
    return members if isinstance(members.get("text"), str) else "has no member `text` that is a string"


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        raw = _RAW.decode(line)
        return {**raw, "text": _ANY.decode(raw["text"])} if "text" in raw else raw
    except msgspec.DecodeError:
        # Half a surrogate pair, which only escapes can write; the standard library takes it.
        found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANY = msgspec.json.Decoder()
