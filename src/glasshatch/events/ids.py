"""Identifiers, made from time and randomness that are handed in."""

from __future__ import annotations

from collections.abc import Callable

_DRAWN = 64
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def uuid7(now_ns: int, random_bytes: bytes) -> str:
    """A UUIDv7 (RFC 9562 §5.7) in its usual text form: sorts by its millisecond.

    Args:
        now_ns: Nanoseconds since the epoch.
        random_bytes: At least 10 bytes of randomness.
    """
    tail = int.from_bytes(random_bytes[:10], "big")
    value = (now_ns // 1_000_000 & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (tail >> 68 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    # uuid.UUID would take four times as long, and a statement has five of them.
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Ids:
    """UUIDv7s made one after another, as by `uuid7`, but many from one draw of randomness."""

    __slots__ = ("_head", "_millisecond", "_random", "_tails")

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._tails: list[str] = []
        self._millisecond = -1
        self._head = ""

    def at(self, now_ns: int) -> str:
        """A fresh one of this time."""
        millisecond = now_ns // 1_000_000
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            head = f"{millisecond & (1 << 48) - 1:012x}"
            self._head = f"{head[:8]}-{head[8:]}-7"
        try:
            return self._head + self._tails.pop()
        except IndexError:
            self._draw()
            return self._head + self._tails.pop()

    def _draw(self) -> None:
        """Each draw asks the system, so it is for many."""
        drawn = self._random(10 * _DRAWN).hex()
        self._tails = [
            f"{one[:3]}-{_VARIANT[one[3]]}{one[4:7]}-{one[7:19]}"
            for one in (drawn[at : at + 20] for at in range(0, 20 * _DRAWN, 20))
        ]
