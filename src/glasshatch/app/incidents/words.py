"""The words that the forms of a post-mortem share."""

from __future__ import annotations

import datetime
from typing import Final

from ...api.values import Skew

SEVERITIES: Final = ("none", "informational", "low", "medium", "high", "critical", "fatal")
MARKS: Final = {"exact": "", "inferred": "~", "gap": "!"}
LINKS: Final = {
    "exact": "by a key", "inferred": "only inferred, by what its last column says",
    "gap": "something is missing here",
}  # fmt: skip
TRUST: Final = (
    "What people wrote here is theirs. What is proven is that the ledger recorded the handing out of this"
    " report, and that the pinned events stand in it as the evidence beside this file shows them."
)
PERSONAL: Final = (
    "Personal data was replaced before it was stored. Counts of people are counts of tokens, and nobody can"
    " get a value back from here."
)
PRUNED: Final = (
    "pruned by retention before this was made: only what people wrote of it is left, and nothing proves it"
)


def moment(time_ns: str) -> str:
    """A time to the millisecond, UTC; what no calendar knows stays a number."""
    try:
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=int(time_ns) // 1_000)
    except (ValueError, OverflowError):
        return f"{time_ns} ns"
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"


def lasted(first_ns: str, last_ns: str) -> str:
    """A span in words: the two units that say most."""
    seconds = max(0, (int(last_ns) - int(first_ns)) // 10**9)
    parts: list[str] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if seconds >= size or (name == "s" and not parts):
            parts.append(f"{seconds // size} {name}")
            seconds %= size
    return " ".join(parts[:2])


def clock(skew: Skew) -> str:
    """How a source's clock stood."""
    seconds = int(skew.ahead_ns) / 10**9
    if skew.by == "pairs":
        return f"{seconds:+.3f} s from the gateway's, by {skew.of} pairs of records of the same statement"
    if seconds > 1:
        return f"ahead of ours by {seconds:.1f} s or more"
    if seconds < -1:
        return f"its events came {-seconds:.1f} s after their time: delivered late, or a clock behind"
    return "no difference seen"
