"""Identifiers, made from time and randomness that are handed in."""

from __future__ import annotations

import uuid


def uuid7(now_ns: int, random_bytes: bytes) -> str:
    """A UUIDv7 (RFC 9562 §5.7) in its usual text form: sorts by its millisecond.

    Args:
        now_ns: Nanoseconds since the epoch.
        random_bytes: At least 10 bytes of randomness.
    """
    milliseconds = now_ns // 1_000_000
    tail = int.from_bytes(random_bytes[:10], "big")
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (tail >> 68 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    return str(uuid.UUID(int=value))
