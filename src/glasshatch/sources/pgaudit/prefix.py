"""The prefix of lines in a stderr log: `log_line_prefix` as a pattern.

Its escapes: PostgreSQL's documentation, "Error Reporting and Logging".
"""

from __future__ import annotations

import re
from functools import lru_cache

from ...errors import ConfigError

_PARTS = {
    # PostgreSQL cuts names to 63 bytes; bounds keep a line that is none from being tried in every way.
    "a": r"(?P<application_name>[^\n]{0,64}?)",
    "u": r"(?P<user>[^\n]{0,64}?)",
    "d": r"(?P<dbname>[^\n]{0,64}?)",
    "r": r"(?P<remote>[^\s()]{0,255}(?:\(\d{1,5}\))?)",
    "h": r"(?P<remote_host>\S{0,255}?)",
    "b": r"(?P<backend_type>[\w ]{0,64}?)",
    "p": r"(?P<pid>\d+)",
    "P": r"(?P<leader_pid>\d*)",
    "t": r"(?P<timestamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+?)",
    "m": r"(?P<timestamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+?)",
    "n": r"(?P<timestamp>\d{10}\.\d{3})",
    "i": r"(?P<ps>[\w ]{0,64}?)",
    "e": r"(?P<state_code>[0-9A-Z]{5})",
    "c": r"(?P<session_id>[0-9a-f]+\.[0-9a-f]+)",
    "l": r"(?P<line_num>\d+)",
    "s": r"(?P<session_start>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+?)",
    "v": r"(?P<vxid>[\d/]*)",
    "x": r"(?P<txid>\d*)",
    "Q": r"(?P<query_id>-?\d*)",
}
_ESCAPE = re.compile(r"%(-?\d*)([A-Za-z%])")
_SEVERITIES = "DEBUG[1-5]?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC"
_FURTHER = "DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE"
GUESSES = (
    "%m [%p] %q%u@%d %a ",
    "%m [%p] %q%u@%d ",
    "%m [%p] ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d ",
    "%m [%p] %c %l %q%u@%d %a %r ",
    "%t:%r:%u@%d:[%p]:",
    "%t ",
)
"""What is tried where nobody said what the prefix is: defaults of PostgreSQL and its packagers."""


@lru_cache(maxsize=64)
def line_pattern(prefix: str) -> re.Pattern[str]:
    """Matches the first line of an entry, with its parts under their names in jsonlog.

    Raises:
        ConfigError: The prefix has an escape that is none, or names no time.
    """
    out, at, optional, named = "", 0, False, set[str]()
    for found in _ESCAPE.finditer(prefix):
        out += re.escape(prefix[at : found.start()])
        at = found.end()
        width, letter = found[1], found[2]
        if letter == "q":
            out, optional = out + "(?:", True
        elif letter == "%":
            out += "%"
        elif letter not in _PARTS:
            raise ConfigError(f"%{letter} is no part of a line prefix", key="log_line_prefix")
        else:
            part = _PARTS[letter]
            name = part[part.index("<") + 1 : part.index(">")]
            # A part that stands there twice is read once.
            part = part if name not in named else part.replace(f"?P<{name}>", "?:")
            named.add(name)
            out += rf"\ *{part}\ *" if width else part
    out += re.escape(prefix[at:]) + (")?" if optional else "")
    if "timestamp" not in named:
        raise ConfigError("says no time", key="log_line_prefix", hint="begin it with %m [%p]")
    return re.compile(rf"{out}(?P<severity>{_SEVERITIES}|{_FURTHER}):  ", re.ASCII)


def is_further(severity: str) -> bool:
    """Whether a line of this kind belongs to the entry before it."""
    return severity in _FURTHER.split("|")
