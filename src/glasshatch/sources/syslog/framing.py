"""Where messages begin and end in a connection (RFC 6587): by their length before them, or by line ends.

Which of the two a sender does is told by its first bytes and holds for the connection. Pure: bytes in,
messages out.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

MAX_MESSAGE_BYTES: Final = 64 * 1024
"""How long a message may be; RFC 5425 §4.3.1 asks for 2,048 and recommends 8,192."""

_KEPT_BYTES = 16 * 1024
_DIGITS = 8
_COUNTED = re.compile(rb"([1-9]\d{0,7}) ")
_COUNTED_BEGIN = re.compile(rb"([1-9]\d{0,7}) <")
_COUNTED_SO_FAR = re.compile(rb"[1-9]\d{0,7}(?: )?")


class Frame(msgspec.Struct, frozen=True):
    """One message, or what there is of it and what is wrong with it."""

    data: bytes
    problem: str = ""


class Framer:
    """One connection's bytes, in order. Holds at most one message and what came with it."""

    def __init__(self, most: int = MAX_MESSAGE_BYTES) -> None:
        self._most = most
        self._held = b""
        self._counted: bool | None = None
        self._skip = 0
        self._skipping_line = False
        self.broken = False
        """Whether nobody can say any more where a message begins: then the connection must end."""

    @property
    def pending(self) -> bool:
        """Whether a message has begun that has not ended."""
        return bool(self._held) or self._skip > 0 or self._skipping_line

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that end in these bytes."""
        if self.broken:
            return []
        self._held = self._held + data if self._held else data
        if self._counted is None and not self._tell():
            return []
        return self._by_length() if self._counted else self._by_lines()

    def end(self, why: str = "") -> list[Frame]:
        """What is left where the connection ends. A last line needs no line end (RFC 6587 §3.4.2), unless
        the connection was cut: `why` says by what."""
        held, self._held = self._held, b""
        if self.broken or self._skipping_line or self._skip or not held.strip(b"\r\n\0 "):
            return []
        if self._counted:
            return [Frame(held[:_KEPT_BYTES], why or "ended before the length that it said")]
        return [Frame(held[:_KEPT_BYTES] if why else held, why)]

    def _tell(self) -> bool:
        """Whether the first bytes say how messages end."""
        if _COUNTED_BEGIN.match(self._held):
            self._counted = True
        elif len(self._held) > _DIGITS + 1 or not _COUNTED_SO_FAR.fullmatch(self._held):
            self._counted = False
        return self._counted is not None

    def _by_lines(self) -> list[Frame]:
        *lines, rest = self._held.split(b"\n")
        if self._skipping_line and lines:
            lines, self._skipping_line = lines[1:], False
        self._held = b"" if self._skipping_line else rest
        frames = [self._line(line) for line in lines if line.strip(b"\r\0 ")]
        if len(self._held) > self._most:
            frames.append(self._too_long(self._held))
            self._held, self._skipping_line = b"", True
        return frames

    def _line(self, line: bytes) -> Frame:
        return Frame(line) if len(line) <= self._most else self._too_long(line)

    def _too_long(self, data: bytes) -> Frame:
        return Frame(data[:_KEPT_BYTES], f"has more than {self._most} bytes")

    def _by_length(self) -> list[Frame]:
        frames: list[Frame] = []
        data, at = self._held, 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip, at = self._skip - step, at + step
                continue
            found = _COUNTED.match(data, at)
            if found is None:
                if len(data) - at > _DIGITS or not _COUNTED_SO_FAR.fullmatch(data, at):
                    self._break(frames, data[at:])
                    return frames
                break
            length, begin = int(found[1]), found.end()
            if length > self._most:
                frames.append(self._too_long(data[begin : begin + length]))
                self._skip, at = length, begin
                continue
            if begin + length > len(data):
                break
            frames.append(Frame(data[begin : begin + length]))
            at = begin + length
        self._held = data[at:]
        return frames

    def _break(self, frames: list[Frame], rest: bytes) -> None:
        frames.append(Frame(rest[:_KEPT_BYTES], "does not begin with its length, as those before it did"))
        self._held, self.broken = b"", True
