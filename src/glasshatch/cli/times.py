"""Times and durations as people write them on a command line."""

from __future__ import annotations

import re
import time
from datetime import datetime

from ..errors import ConfigError

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def parse_duration(text: str) -> int:
    """`90s`, `15m`, `2h` or `1d` as seconds.

    Raises:
        ConfigError: It is none of these, or nothing.
    """
    match = re.fullmatch(r"(\d{1,7})([smhd])", text)
    if not match or int(match.group(1)) == 0:
        raise ConfigError(f"{text!r} is no duration", hint="write 90s, 15m, 2h or 1d")
    return int(match.group(1)) * _UNITS[match.group(2)]


def parse_time(text: str) -> str:
    """`2026-01-31T08:00` (in the local zone unless it says another), or `15m` ago, as nanoseconds.

    An empty text stays empty.

    Raises:
        ConfigError: It is neither.
    """
    if not text:
        return ""
    if re.fullmatch(r"\d{1,7}[smhd]", text):
        return str(time.time_ns() - parse_duration(text) * 10**9)
    try:
        moment = datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text!r} is no time", hint="write 2026-01-31T08:00, or 90s, 15m, 2h, 7d ago"
        ) from None
    return str(int(moment.timestamp() * 1_000_000) * 1_000)
