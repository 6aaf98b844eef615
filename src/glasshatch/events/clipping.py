"""Times within bounds: a source's clock may claim any time, and an event keeps what was claimed."""

from __future__ import annotations

TIME_MIN_NS, TIME_MAX_NS = 0, 4_102_444_800_000_000_000
"""1970 to 2100: what whoever compares times needs."""


def clipped(time: str) -> int:
    """A time of an event as it is compared: nanoseconds within the bounds; 0 for none."""
    try:
        return min(max(int(time or 0), TIME_MIN_NS), TIME_MAX_NS)
    except ValueError:
        return 0
