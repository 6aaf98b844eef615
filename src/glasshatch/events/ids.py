"""Identifiers, made from time and randomness that are handed in."""

from __future__ import annotations


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
